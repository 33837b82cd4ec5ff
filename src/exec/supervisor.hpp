// supervisor.hpp: the loop of the process that runs a worker's commands.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "exec/execution.hpp"
#include "exec/frames.hpp"
#include "exec/options.hpp"
#include "exec/spawn.hpp"
#include "exec/unique_fd.hpp"

namespace sluice::exec {

/// How long a supervisor tries to end what descends from it before it leaves.
inline constexpr std::chrono::seconds kLastKillPatience{5};

/// Runs commands for the worker at the other end of a socket, in a process of
/// its own with one thread. Every command gets exactly one `finished` frame.
///
/// When the worker is gone, or after a `stop` when the last command has ended,
/// run() kills whatever still descends from this process and returns.
class Supervisor {
 public:
  /// Throws sluice::Error. `worker` is the process whose end ends us, even if a
  /// stray copy of its socket lives on in some other process. `marker` goes
  /// into the environment of every command.
  Supervisor(const CommandOptions& options, UniqueFd socket, pid_t worker,
             const Environment::Variable& marker);

  void run();

 private:
  // What an event belongs to. Generations tell the user of a place from the one before.
  enum class Source : std::uint8_t { socket, worker, children, leader, out, err, in };
  struct Place {
    Execution execution;
    std::uint32_t generation = 0;
    bool used = false;
  };

  [[nodiscard]] bool turn();
  void wait_and_dispatch();
  void dispatch(std::uint64_t tag);
  void dispatch_execution(Source source, std::uint32_t index);
  void read_socket();
  void handle(std::span<const std::byte> frame);
  void write_socket();

  void start(const RunFrame& run);
  void refuse(std::uint64_t token, int exit_code, std::string reason, std::string display);
  [[nodiscard]] bool watch_all(std::uint32_t index);
  void stop(std::chrono::milliseconds grace);

  void begin_stop(std::uint32_t index, CommandResult::End why, std::chrono::milliseconds grace);
  void leader_exited(std::uint32_t index);
  void finish_or_linger(std::uint32_t index);
  void finish(std::uint32_t index);
  void meet_deadlines();
  void set_deadline(std::uint32_t index, Clock::time_point deadline);
  void put_finished(std::uint64_t token, const CommandResult& result,
                    std::chrono::milliseconds timeout, std::int64_t started_us);
  void reap_strays();
  void kill_everything();

  [[nodiscard]] bool watch(int fd, std::uint32_t events, Source source, std::uint32_t index);
  [[nodiscard]] std::uint32_t take_place();
  void give_place_back(std::uint32_t index);

  CommandOptions options_;
  std::uint64_t stream_limit_ = 0;  // most bytes kept of one stream
  std::size_t display_limit_ = 0;
  UniqueFd socket_;
  UniqueFd worker_;    // pidfd
  UniqueFd children_;  // signalfd for SIGCHLD
  UniqueFd epoll_;
  Spawner spawner_;
  Inbox inbox_;
  Outbox outbox_;
  bool waits_to_write_ = false;
  bool worker_gone_ = false;
  bool stopping_ = false;
  bool strays_to_reap_ = false;

  std::vector<Place> places_;
  std::vector<std::uint32_t> free_places_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_token_;
  std::unordered_set<pid_t> leaders_;
  std::set<std::pair<Clock::time_point, std::uint32_t>> deadlines_;
  std::vector<char> scratch_;
};

}  // namespace sluice::exec
