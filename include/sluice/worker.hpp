// worker.hpp: the side that runs tasks.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sluice/task.hpp>

namespace sluice {

struct WorkerOptions {
  /// The ventilator's endpoint; may be given to start() or run() instead.
  std::string connect;
  /// Shown in status and in outcomes; default "hostname-pid".
  std::string name;
  /// Tasks run at once; 0: as many as this machine has cores.
  std::uint32_t slots = 0;
  /// Tasks held per slot, the running one included; 1: strictly one at a time.
  /// 0: tunes itself to about 1 ms of work beyond what runs.
  std::uint32_t prefetch = 0;
  /// Runs tasks of type "exec" as commands instead of handlers. The constructor then forks a
  /// supervisor process: create the worker before threads of your own.
  bool run_commands = false;
  /// For commands: bytes kept of stdout and of stderr each, where the task does not say.
  std::uint64_t output_limit = std::uint64_t{1} << 20;
  /// For commands: from TERM to KILL after a timeout or a cancel.
  std::chrono::milliseconds kill_grace{2000};
  /// False: tasks come over the control connection from the start.
  bool push_lane = true;
  /// How long start() and run() try to reach the ventilator for the first time; 0: for ever.
  std::chrono::milliseconds connect_timeout{0};
  /// End when the ventilator says that it ends for good (true), or wait for another at
  /// the same address.
  bool end_with_ventilator = true;
};

/// Connects to a ventilator, takes tasks under its own credit, runs each in one of its
/// slots, and delivers the outcomes to the sinks. Reconnects by itself.
///
/// A handler that throws has failed that attempt; what() is kept. Handlers run on threads
/// of the worker, several at once. A worker has either handlers or commands.
class Worker {
 public:
  /// Returns the result's bytes. The view is good until it returns.
  using Handler = std::function<std::vector<std::byte>(const TaskView&)>;

  /// Throws Error: an option is out of range, the supervisor cannot be started.
  explicit Worker(WorkerOptions options);
  /// As stop().
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Names the handler of a type (1..128 bytes of UTF-8); before start(). Throws Error:
  /// run_commands is set, more than 256 types, a type named twice.
  void on(std::string type, Handler handler);

  /// Starts the worker's threads and returns once the ventilator has welcomed it.
  /// Throws Error: no handler, connect_timeout passed, the endpoint is no address.
  void start(const std::string& endpoint = {});
  /// start(), then waits until it has ended: drained, stopped, or because the ventilator
  /// ended. Throws Error if something broke that it cannot mend.
  void run(const std::string& endpoint = {});

  /// Takes no more tasks, gives back what has not started, finishes what runs, waits for
  /// the sink. After `deadline` it gives up; what is unfinished runs elsewhere. Returns at once.
  void drain(std::chrono::milliseconds deadline);
  /// Waits until it has ended; false after `timeout`. Throws as run().
  [[nodiscard]] bool wait_ended(std::chrono::milliseconds timeout);
  /// Ends now: running commands are killed, running handlers awaited. Their tasks run elsewhere.
  void stop();

  struct Stats {
    bool connected = false;
    std::uint64_t queued = 0, running = 0;  ///< tasks held
    std::uint64_t unconfirmed = 0;          ///< outcomes no sink has confirmed
    std::uint64_t done = 0, failed = 0;     ///< executions ended
    std::uint64_t returned = 0;             ///< given back unstarted
    std::uint64_t sessions = 0;             ///< times it was welcomed
    bool push_lane = false;
    bool ended_clean = true;                ///< nothing was given up at the end
  };
  [[nodiscard]] Stats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
