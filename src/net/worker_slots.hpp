// worker_slots.hpp: a worker's slots, whatever runs in them: handlers or commands.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/runner.hpp"
#include "net/command_slots.hpp"
#include "net/executor_pool.hpp"
#include "net/poll_set.hpp"
#include "net/wake.hpp"

namespace sluice::net {

/// The pool of the Runner's contract (core/runner.hpp): a queue with claims at its head,
/// behind which stand either executor threads or command slots.
class WorkerSlots {
 public:
  /// Handlers, on threads of their own. `wake` is signalled when some have finished.
  WorkerSlots(std::vector<std::string> types, std::vector<TaskHandler> handlers,
              ExecutorPool::Size size, Wake& wake);
  /// Commands.
  WorkerSlots(exec::CommandRunner& runner, std::uint32_t slots);

  void put(std::span<const core::TaskStart> tasks);
  void allow_until(core::Time until);
  void start_queued(core::Time now);
  void retract(std::size_t count, std::vector<core::TaskHandle>& out);
  void cancel(core::TaskHandle handle);
  [[nodiscard]] std::uint64_t claimed() const;

  /// What has finished since the last call; good until the next.
  [[nodiscard]] std::span<const core::TaskFinished> collect();

  /// Handlers have said how far they are.
  [[nodiscard]] bool has_progress();
  /// Up to `most` of the new texts; good until the next call.
  [[nodiscard]] std::span<const core::TaskProgress> take_progress(std::size_t most);

  /// Something came that `wake` may not tell any more: the loop must not sleep.
  [[nodiscard]] bool has_reports();
  /// What a loop must watch beside `wake`.
  void watch(PollSet& poll);
  /// False when commands can no longer be run: those under way are lost.
  [[nodiscard]] bool alive() const;

 private:
  void collect_handlers();
  void collect_commands();

  std::optional<ExecutorPool> handlers_;
  std::optional<CommandSlots> commands_;
  std::vector<core::TaskFinished> finished_;
  std::vector<std::pair<core::TaskHandle, std::string>> texts_;  // own what progress_ points into
  std::vector<core::TaskProgress> progress_;
  std::deque<CommandReport> reports_;  // own the bytes that finished_ points into
};

}  // namespace sluice::net
