// outcome_registry.hpp: who waits for which outcome of a pool.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <sluice/outcome.hpp>

#include "core/interval_set.hpp"

namespace sluice::net {

/// Callbacks by the number of their task, each called once. Any thread.
class OutcomeRegistry {
 public:
  using Callback = std::function<void(const Outcome&)>;

  /// To be called before the task can have an outcome.
  void expect(const TaskId& id, Callback callback);
  /// For a task that was submitted earlier. If its outcome has come and gone, the callback is
  /// called here and now, with Status::unknown.
  void expect_known(const TaskId& id, Callback callback);

  /// Calls those who wait for it. One that comes again is nobody's.
  void deliver(const OutcomeView& outcome);
  /// Nothing will come any more: Status::unknown to all who wait, and to all from now on.
  void abandon(const std::string& why);

  /// Waits until nobody waits and no callback runs; false after `timeout`. Throws, once, what
  /// a callback has thrown.
  bool wait(std::chrono::milliseconds timeout);
  [[nodiscard]] std::size_t waiting() const;
  /// True inside a callback, on its thread.
  [[nodiscard]] bool is_calling() const;

 private:
  void call(const Callback& callback, const Outcome& outcome);

  mutable std::mutex mutex_;
  std::condition_variable quiet_;
  struct Waiting {
    TaskId id;
    std::vector<Callback> callbacks;
  };
  std::unordered_map<std::uint64_t, Waiting> callbacks_;  // by seq: a pool has one log
  core::IntervalSet delivered_;
  std::size_t waiting_ = 0;  // callbacks that have not returned
  std::string abandoned_;    // why; empty: it is not
  std::exception_ptr thrown_;
};

}  // namespace sluice::net
