// task_table.cpp: slots of tasks, and the lists that run through them.
// SPDX-License-Identifier: MIT
#include "core/task_table.hpp"

#include "core/assert.hpp"

namespace sluice::core {

TaskSlot TaskTable::add(Seq seq, std::string_view key, Bytes payload) {
  TaskSlot slot = kNoTask;
  if (free_.empty()) {
    slot = static_cast<TaskSlot>(records_.size());
    SLUICE_ASSERT(slot < SeqIndex::kFar);
    records_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  TaskRecord& task = records_[slot];
  const std::uint32_t timer = task.timer + 1;
  task = TaskRecord{};
  task.timer = timer;
  task.seq = seq;
  task.key_bytes = static_cast<std::uint16_t>(key.size());
  task.body = pool_.copy(as_bytes(key), payload);
  numbers_.set(seq, slot);
  ++count_;
  bytes_ += task.body.size();
  return slot;
}

void TaskTable::remove(TaskSlot slot) {
  TaskRecord& task = records_[slot];
  SLUICE_ASSERT(task.state != TaskState::free);
  SLUICE_ASSERT(task.prev == kNoTask && task.next == kNoTask);
  bytes_ -= task.body.size();
  --count_;
  numbers_.erase(task.seq);
  task.body = Slice{};
  task.state = TaskState::free;
  ++task.timer;
  free_.push_back(slot);
}

TaskSlot TaskTable::find(Seq seq) const {
  const std::uint32_t slot = numbers_.find(seq);
  return slot >= SeqIndex::kFar ? kNoTask : slot;
}

void TaskTable::push_back(TaskList& list, TaskSlot slot) {
  TaskRecord& task = records_[slot];
  task.prev = list.tail;
  task.next = kNoTask;
  (list.tail == kNoTask ? list.head : records_[list.tail].next) = slot;
  list.tail = slot;
  ++list.count;
}

void TaskTable::push_front(TaskList& list, TaskSlot slot) {
  TaskRecord& task = records_[slot];
  task.next = list.head;
  task.prev = kNoTask;
  (list.head == kNoTask ? list.tail : records_[list.head].prev) = slot;
  list.head = slot;
  ++list.count;
}

void TaskTable::unlink(TaskList& list, TaskSlot slot) {
  SLUICE_ASSERT(list.count > 0);
  TaskRecord& task = records_[slot];
  (task.prev == kNoTask ? list.head : records_[task.prev].next) = task.next;
  (task.next == kNoTask ? list.tail : records_[task.next].prev) = task.prev;
  task.prev = task.next = kNoTask;
  --list.count;
}

}  // namespace sluice::core
