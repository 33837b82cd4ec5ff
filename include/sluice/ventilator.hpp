// ventilator.hpp: the side that takes tasks in and hands them to workers.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sluice/export.hpp>
#include <sluice/task.hpp>

namespace sluice {

namespace net {
struct Takeover;
}

/// What a ventilator is told at its start. Every limit has a default that suits one
/// machine of today; durations are in milliseconds.
struct VentilatorOptions {
  /// Where workers and clients connect: tcp://host:port (port 0 or *: any free one),
  /// ipc://path or inproc://name. Who can reach it may submit tasks and take them: there are no
  /// keys yet, so beyond this machine it belongs on a network that you trust.
  std::string bind = "tcp://127.0.0.1:*";
  /// The host that others should use for it, where that is not the one bound to.
  std::string advertise{};
  /// An access file to write, so that workers and clients need not be told an address; it goes
  /// when the ventilator stops. Empty: none.
  std::string access{};
  /// Endpoints of the sinks, at least one. A task's outcome goes to sink number
  /// (seq mod count), for ever: the list may only grow, in order.
  std::vector<std::string> sinks{};
  /// The folder of its journal, made if it is not there. A task is in it before it is confirmed,
  /// and the next ventilator with this folder goes on where this one was. Empty: tasks are kept
  /// in memory and live as long as the ventilator.
  std::string journal{};
  /// When what is in the journal is safe from a power failure, too (it is from the death of the
  /// process at once). 0: before it is confirmed. Otherwise: so long after, at most; what was
  /// confirmed within that time may be lost. kNeverSync: when the system likes.
  std::chrono::milliseconds journal_sync{0};
  static constexpr std::chrono::milliseconds kNeverSync = std::chrono::milliseconds::max();
  /// With a journal: a standby takes it over when this ventilator has not said for so long that it
  /// lives. It says so every eighth of it. 1 s to 10 min.
  std::chrono::milliseconds failover_after{5000};
  /// What a standby hands over; not for others.
  std::shared_ptr<net::Takeover> takeover{};
  /// Shown to workers and in status; default "hostname-pid".
  std::string name{};
  /// A peer silent for 4 heartbeats is suspect, for 12 it is lost. 250 ms to 30 s.
  std::chrono::milliseconds heartbeat{2000};
  /// Executions that may fail before a task fails, where the task does not say.
  std::uint32_t max_attempts = 3;
  /// Workers that may die while running a task before it fails.
  std::uint32_t max_losses = 3;
  /// Wait before the second attempt; it doubles from there, with jitter, up to the most.
  std::chrono::milliseconds backoff{1000};
  std::chrono::milliseconds backoff_most{300'000};
  /// After a connection was seen to break, tasks that may be running there are given to
  /// others after twice their type's median run time, but within these bounds.
  std::chrono::milliseconds grace_least{5};
  std::chrono::milliseconds grace_most{1000};
  /// Unsettled tasks held at once, and bytes of their keys and payloads in memory. Beyond, submit
  /// blocks and clients get no credit. 0: a million tasks, with a journal a hundred million.
  /// A waiting task takes its bytes and some 10 more; with a journal, tasks far from their turn
  /// leave their bytes to it and take 4.
  std::uint64_t max_tasks = 0;
  std::uint64_t max_bytes = std::uint64_t{1} << 30;
  /// Largest frame; a payload may have this less 64 KiB. At most 64 MiB.
  std::uint64_t max_frame = std::uint64_t{4} << 20;
  /// Workers that get a lane (a PUSH socket) of their own; others are served over the
  /// control connection, as are those that cannot reach their lane. 0: no lanes.
  std::size_t max_lanes = 500;
  /// The range the lanes' ports are taken from.
  std::uint16_t lane_port_first = 20000;
  std::uint16_t lane_port_last = 20999;
};

/// Takes tasks in, leases each to a worker under that worker's credit, and keeps it until
/// the worker has said that a sink holds its outcome.
///
/// It has one thread of its own that owns its sockets. All functions may be called from
/// any thread. Without a journal tasks live as long as this object.
class SLUICE_API Ventilator {
 public:
  /// Binds and starts. Throws Error: the address is taken, a sink's endpoint is no
  /// address, a limit is out of range, the access file belongs to a ventilator that lives.
  explicit Ventilator(VentilatorOptions options);
  /// As stop().
  ~Ventilator();
  Ventilator(const Ventilator&) = delete;
  Ventilator& operator=(const Ventilator&) = delete;

  /// The address that workers and clients are to be given.
  [[nodiscard]] std::string endpoint() const;
  /// The lineage of its numbers: its journal's, or new at each start.
  [[nodiscard]] std::array<std::uint8_t, 16> log() const;

  /// Takes a task; blocks while a limit is reached. A task whose key is known within the
  /// last ten minutes is not taken again: the first one's id is returned.
  /// Throws Error: the type is empty or too long, the payload too large, the key
  /// belongs to another task, drain() was called, or the ventilator has stopped.
  TaskId submit(const Task& task);
  /// The same, but nullopt instead of waiting for room.
  [[nodiscard]] std::optional<TaskId> try_submit(const Task& task);

  /// Returns when every task that this thread has submitted is in the journal. Throws Error if
  /// the ventilator has failed meanwhile: its disk, for instance.
  void flush();

  /// Tasks taken and not settled yet.
  [[nodiscard]] std::size_t unsettled() const;
  /// Waits until every task is settled; false if that took longer than `timeout`.
  /// Throws Error if the ventilator has failed meanwhile.
  bool wait_settled(std::chrono::milliseconds timeout) const;
  /// Asks for the task to end early, as `cancelled`; its outcome decides. False if it is
  /// not known or settled.
  bool cancel(const TaskId& id);

  /// Workers, tasks by state, counters and rates, as one JSON object (docs/PROTOCOL.md,
  /// "Queries", describes it).
  [[nodiscard]] std::string status_json() const;
  /// Workers connected now.
  [[nodiscard]] std::size_t workers() const;
  /// Addresses of those that stand by to take its journal over. Throws Superseded if one has.
  [[nodiscard]] std::vector<std::string> standbys() const;

  /// Takes no more tasks from now on.
  void drain();
  /// Takes no more tasks and starts none: what has not started ends as cancelled, what
  /// runs is finished, or with `stop_running` stopped. Workers end when they are done.
  void halt(bool stop_running);
  /// Ends; returns within a second. Without a journal it tells workers and clients that it ends
  /// for good, and what is unsettled is gone: wait_settled() first. With one they wait for the
  /// next.
  void stop();

 private:
  friend class Pool;
  // Tells the id before the task can have an outcome; `known`: it is that of an earlier task.
  using Announce = std::function<void(const TaskId&, bool known)>;
  [[nodiscard]] std::optional<TaskId> submit(const Task& task, bool wait, const Announce& announce);

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
