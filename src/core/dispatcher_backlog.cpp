// dispatcher_backlog.cpp: tasks far from their turn get a slot when it comes near.
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "core/dispatcher.hpp"

namespace sluice::core {
namespace {

// Outcomes of a halted backlog that no sink has confirmed yet: the rest waits packed.
constexpr std::uint64_t kMostSettling = 4096;

}  // namespace

bool Dispatcher::is_unsettled(Seq seq) const {
  const std::uint32_t place = tasks_.numbers().find(seq);
  return place != SeqIndex::kNone && place != SeqIndex::kReserved;
}

// Whether a task that comes now waits in the backlog: behind others there, or behind many.
bool Dispatcher::is_far(std::uint32_t type, std::uint32_t priority) const {
  if (halted_) return false;
  if (tasks_.bytes() >= options_.near_bytes || awaited_.size() >= options_.near_tasks) return true;
  if (backlog_.count(type) == 0 && ready_[type].count() < options_.near_tasks) return false;
  return backlog_.count(type, priority) > 0 || ready_[type].count(priority) >= options_.near_tasks;
}

// Whether the next run of a queue is to get slots. After a restart what may be with a worker
// waits for the inventories where it is.
bool Dispatcher::wants_run(std::uint32_t type, const Backlog::Front& front) const {
  if (front.first <= dispatched_before_) return false;
  const TaskSlot head = ready_[type].front(front.priority);
  if (head == kNoTask || tasks_[head].seq > front.first) return true;  // it must not be passed
  return ready_[type].count(front.priority) < options_.near_tasks / 2 &&
         tasks_.bytes() < options_.near_bytes / 2;
}

void Dispatcher::refill(std::uint32_t type, Time now) {
  for (auto front = backlog_.front(type); front && wants_run(type, *front);
       front = backlog_.front(type))
    open_run(*front, type, now);
}

void Dispatcher::open_run(const Backlog::Front& front, std::uint32_t type, Time now) {
  const TaskSlot head = ready_[type].front(front.priority);
  const bool before = head != kNoTask && tasks_[head].seq > front.first;
  opened_.clear();
  backlog_.open(front.run,
                [this](const Backlog::Entry& entry) { opened_.push_back(take_slot(entry)); });
  if (before) std::reverse(opened_.begin(), opened_.end());
  for (const TaskSlot slot : opened_) make_ready(slot, before, now);
}

// All was halted: what waits here ends as cancelled, some at a time.
void Dispatcher::cancel_far(Time now) {
  for (std::uint32_t type = 0; type < ready_.size(); ++type) {
    for (auto front = backlog_.front(type);
         front && front->first > dispatched_before_ && settling_count_ < kMostSettling;
         front = backlog_.front(type))
      open_run(*front, type, now);
  }
}

// On no list yet. The bytes are copied.
TaskSlot Dispatcher::take_slot(const Backlog::Entry& entry) {
  const PackedTask& from = entry.task;
  const TaskSlot slot = tasks_.add(from.seq, from.key, from.payload);
  TaskRecord& task = tasks_[slot];
  task.type = entry.type;
  task.priority = entry.priority;
  task.sink = from.sink;
  task.exec_ms = from.exec_ms;
  task.max_attempts = from.max_attempts;
  task.max_losses = from.max_losses;
  task.backoff_ms = from.backoff_ms;
  task.backoff_most_ms = from.backoff_most_ms;
  task.wanted = from.wanted;
  if (entry.written) task.journaled = Journaled::current;
  task.state = TaskState::delayed;
  ++delayed_count_;
  if (from.seq <= dispatched_before_) {
    task.awaits_inventory = true;
    awaited_.push_back(from.seq);
  }
  return slot;
}

// A slot, on no list, for one task of the backlog: somebody asks for it by its number.
TaskSlot Dispatcher::bring(Seq seq) {
  TaskSlot slot = kNoTask;
  backlog_.take_out(seq, [&](const Backlog::Entry& entry) { slot = take_slot(entry); });
  return slot;
}

}  // namespace sluice::core
