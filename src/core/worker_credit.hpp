// worker_credit.hpp: how many more tasks a worker asks for, and when it says so.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/options.hpp"
#include "core/time.hpp"

namespace sluice::core {

/// What a worker has on its hands.
struct WorkerLoad {
  std::uint64_t unstarted = 0, running = 0;
  std::uint64_t bytes = 0;                         ///< of unstarted and running tasks
  std::uint64_t retained = 0, retained_bytes = 0;  ///< outcomes no sink of now has confirmed
  /// Of the retained: those for sinks that are further behind than the quickest. They take room,
  /// but no credit: a sink that is down must not hold up what goes to the others.
  std::uint64_t stalled = 0;
  std::uint64_t unacknowledged = 0;  ///< acks, nacks and returns that the ventilator has not taken
};

/// The worker's side of credit (docs/PROTOCOL.md, rule 1).
///
/// Limits are absolute within a session and only grow. What is granted beyond the slots
/// is the prefetch: either fixed, or as much work as the slots do in `prefetch_target`,
/// by the mean time of the latest tasks. As many outcomes as tasks may be on their
/// way to the sink free of charge; beyond, a slow sink eats the credit. Of several sinks the
/// quickest one counts.
///
///   tasks_limit = received + slots + prefetch - unstarted - running - overdue - withheld
class WorkerCredit {
 public:
  explicit WorkerCredit(const RunnerOptions& options);

  /// Nothing received, nothing granted.
  void begin_session();

  /// The sender's totals before a message; larger than ours if messages were lost.
  void received_before(std::uint64_t tasks, std::uint64_t bytes);
  /// False if that was more than was ever granted.
  [[nodiscard]] bool receive(std::uint64_t tasks, std::uint64_t bytes);

  /// A task ran for so long: its slot is free, and so is what was withheld.
  void ran(Duration run);
  /// Tasks handed back unstarted. Their credit comes back only when a slot has freed.
  void handed_back(std::uint64_t tasks) { withheld_ += tasks; }

  /// The limits never grow again in any session: the worker drains.
  void freeze() { frozen_ = true; }

  /// Raises the limits as far as the load allows. True if the ventilator should hear of it
  /// now: they grew by a quarter of the window, or a slot would fall idle.
  [[nodiscard]] bool update(const WorkerLoad& load);
  /// The limits were sent in a STATE.
  void announced();

  [[nodiscard]] std::uint64_t tasks_limit() const { return tasks_limit_; }
  [[nodiscard]] std::uint64_t bytes_limit() const { return bytes_limit_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }
  /// Tasks asked for beyond the slots.
  [[nodiscard]] std::uint64_t prefetch() const { return prefetch_; }
  /// The most tasks that can ever be unstarted at once.
  [[nodiscard]] std::size_t most_unstarted() const;

 private:
  [[nodiscard]] std::uint64_t wanted_prefetch() const;

  const std::uint64_t slots_;
  const std::uint64_t fixed_;  // tasks in total; 0: tunes itself
  const std::uint64_t most_prefetch_;
  const Duration target_;
  const std::uint64_t most_queued_bytes_, most_retained_, most_retained_bytes_;

  bool frozen_ = false;
  bool measured_ = false;
  std::int64_t mean_run_ns_ = 0;
  std::uint64_t prefetch_ = 0;
  std::uint64_t withheld_ = 0;
  std::uint64_t received_ = 0, received_bytes_ = 0;
  std::uint64_t tasks_limit_ = 0, bytes_limit_ = 0;
  std::uint64_t said_tasks_ = 0, said_bytes_ = 0;  // what the ventilator knows
};

}  // namespace sluice::core
