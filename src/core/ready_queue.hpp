// ready_queue.hpp: the tasks of one type that may be dispatched now, highest priority first.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "core/task_table.hpp"

namespace sluice::core {

/// Strict priority levels, first in first out inside one. A redelivered task
/// goes to the front of its level: it has waited longest.
class ReadyQueue {
 public:
  void push_back(TaskTable& tasks, TaskSlot slot);
  void push_front(TaskTable& tasks, TaskSlot slot);
  void unlink(TaskTable& tasks, TaskSlot slot);
  /// The next to go, or kNoTask.
  [[nodiscard]] TaskSlot front() const;
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// Of one level: how many, and the next of them, or kNoTask.
  [[nodiscard]] std::uint64_t count(std::uint32_t priority) const;
  [[nodiscard]] TaskSlot front(std::uint32_t priority) const;

 private:
  struct Level {
    std::uint32_t priority = 0;
    TaskList tasks;
  };
  TaskList& level(std::uint32_t priority);
  [[nodiscard]] const TaskList* find(std::uint32_t priority) const;

  std::vector<Level> levels_;  // highest first; few, and kept when empty only if it is the last
  std::uint64_t count_ = 0;
};

}  // namespace sluice::core
