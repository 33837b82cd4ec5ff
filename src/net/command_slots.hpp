// command_slots.hpp: a worker's slots when its tasks are commands.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "core/held_tasks.hpp"
#include "core/time.hpp"
#include "exec/command_runner.hpp"
#include "net/executor_pool.hpp"

namespace sluice::net {

/// How a command came out, for the Runner.
struct CommandReport {
  core::TaskHandle handle{};
  bool expired = false;  ///< not started: its time to live was over
  exec::Finished finished;
};

/// Runs queued jobs through a CommandRunner, as many at a time as there are slots, in
/// order. No thread of its own: the worker's loop polls fd() and calls collect().
class CommandSlots {
 public:
  /// `runner` must outlive this and have room for as many commands.
  CommandSlots(exec::CommandRunner& runner, std::uint32_t slots);

  void put(const Job& job) { queue_.push_back(job); }
  /// Starts what may start now; nothing after the instant last allowed (rule 10).
  void start_queued(core::Time now);
  void allow_until(core::Time until) { start_until_ = until; }
  /// Takes up to `count` unstarted jobs back, the oldest first.
  void retract(std::size_t count, std::vector<core::TaskHandle>& out);
  /// Ends a running command: TERM to its group, then KILL. It is reported as cancelled.
  void cancel(core::TaskHandle handle);

  /// Jobs that slots have claimed so far.
  [[nodiscard]] std::uint64_t claimed() const { return claimed_; }
  [[nodiscard]] std::size_t running() const { return slot_of_.size(); }
  /// The next one that ended; false if there is none.
  [[nodiscard]] bool collect(CommandReport& report);
  /// Something can be collected that the runner's fd does not tell of.
  [[nodiscard]] bool has_reports() const { return !expired_.empty(); }
  /// What was running when the supervisor went; each once, after collect() said false.
  [[nodiscard]] std::vector<core::TaskHandle> lost();
  /// False once the supervisor is gone: everything running is lost.
  [[nodiscard]] bool alive() const { return runner_.alive(); }
  [[nodiscard]] exec::CommandRunner& runner() { return runner_; }

 private:
  exec::CommandRunner& runner_;
  std::deque<Job> queue_;
  std::vector<std::uint32_t> free_slots_;           // the lowest is taken first
  std::map<std::uint64_t, std::uint32_t> slot_of_;  // by token, which is the task's handle
  core::Time start_until_{};
  std::uint64_t claimed_ = 0;
  std::deque<core::TaskHandle> expired_;  // not started, to be reported
};

}  // namespace sluice::net
