// ready_queue.cpp: strict priorities, and order of arrival within one.
// SPDX-License-Identifier: MIT
#include "core/ready_queue.hpp"

#include <algorithm>

namespace sluice::core {

void ReadyQueue::push_back(TaskTable& tasks, TaskSlot slot) {
  tasks.push_back(level(tasks[slot].priority), slot);
  ++count_;
}

void ReadyQueue::push_front(TaskTable& tasks, TaskSlot slot) {
  tasks.push_front(level(tasks[slot].priority), slot);
  ++count_;
}

void ReadyQueue::unlink(TaskTable& tasks, TaskSlot slot) {
  TaskList& list = level(tasks[slot].priority);
  tasks.unlink(list, slot);
  --count_;
  // Empty levels go, so that priorities chosen wildly cannot pile up.
  if (list.count == 0 && levels_.size() > 1)
    std::erase_if(levels_, [](const Level& l) { return l.tasks.count == 0; });
}

TaskSlot ReadyQueue::front() const {
  for (const Level& level : levels_)
    if (level.tasks.head != kNoTask) return level.tasks.head;
  return kNoTask;
}

const TaskList* ReadyQueue::find(std::uint32_t priority) const {
  for (const Level& level : levels_)
    if (level.priority == priority) return &level.tasks;
  return nullptr;
}

std::uint64_t ReadyQueue::count(std::uint32_t priority) const {
  const TaskList* const tasks = find(priority);
  return tasks == nullptr ? 0 : tasks->count;
}

TaskSlot ReadyQueue::front(std::uint32_t priority) const {
  const TaskList* const tasks = find(priority);
  return tasks == nullptr ? kNoTask : tasks->head;
}

TaskList& ReadyQueue::level(std::uint32_t priority) {
  const auto at = std::find_if(levels_.begin(), levels_.end(),
                               [&](const Level& l) { return l.priority <= priority; });
  if (at != levels_.end() && at->priority == priority) return at->tasks;
  return levels_.insert(at, Level{priority, {}})->tasks;
}

}  // namespace sluice::core
