// runner_tasks.cpp: a worker's tasks on their way in: order, credit, the pool, and back out of it.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "core/runner.hpp"

namespace sluice::core {

void Runner::tasks(From from, const Envelope& in, const Tasks& tasks) {
  const bool in_session = phase_ == Phase::reconcile || phase_ == Phase::ready;
  if (!in_session || in.sid != sid_ || tasks.epoch != epoch_) return foreign_tasks(from);
  heard_ = now_;
  if (tasks.void_n > void_n_) {
    // Up to there nothing is missed any more, and nothing may come.
    void_n_ = tasks.void_n;
    lane_rx_ = std::max(lane_rx_, void_n_);
    state_due_ = true;
  }
  // Rule 8, "one way per session". Over the other one come only words about the first.
  if ((from.source == Source::lane) != lane_.has_value()) {
    if (tasks.entries.empty())
      credit_.received_before(tasks.tasks_before, tasks.bytes_before);
    else
      ++stats_.ignored;
    return;
  }
  if (!in_order(in, tasks)) return;
  if (tasks.entries.empty())
    state_due_ = true;  // the lane probe: the ventilator waits for lane_rx
  else
    take(tasks);
}

// Rule 7: "drop, count, rebuild the PULL": a stale worker must not eat another's tasks.
void Runner::foreign_tasks(From from) {
  ++stats_.foreign;
  if (from.source != Source::lane || !lane_ || now_ < lane_rebuilt_ + heartbeat_) return;
  lane_rebuilt_ = now_;
  out_.close_lane = true;
  out_.open_lane = lane_;
}

// Rule 7: "n <= seen or <= void_n: drop. n > seen+1: accept and GAP."
bool Runner::in_order(const Envelope& in, const Tasks& tasks) {
  if (in.n <= lane_rx_) {
    ++stats_.stale;
    return false;
  }
  if (in.n > lane_rx_ + 1) {
    ++stats_.gaps;
    send(0, Gap{lane_rx_ + 1, in.n - 1});
  }
  lane_rx_ = in.n;
  credit_.received_before(tasks.tasks_before, tasks.bytes_before);
  return true;
}

void Runner::take(const Tasks& tasks) {
  std::uint64_t bytes = 0;
  for (const TaskEntry& entry : tasks.entries) bytes += entry.payload.size();
  if (!credit_.receive(tasks.entries.size(), bytes))
    return lose("the ventilator sent more tasks than were asked for");
  type_map_.clear();
  for (const std::string_view type : tasks.types) {
    const auto at = std::find(options_.types.begin(), options_.types.end(), type);
    type_map_.push_back(at == options_.types.end()
                            ? -1
                            : static_cast<std::int32_t>(at - options_.types.begin()));
  }
  stats_.received += tasks.entries.size();
  for (const TaskEntry& entry : tasks.entries) take_one(entry);
}

void Runner::take_one(const TaskEntry& entry) {
  const TaskHandle handle = held_.add(entry, now_);
  Held& task = *held_.find(handle);
  task.epoch = epoch_;
  const std::int32_t type =
      entry.type_index < type_map_.size() ? type_map_[entry.type_index] : -1;
  if (type < 0) return nack(handle, task, NackReason::no_such_type, "this worker has no such type");
  if (entry.sink >= sink_links_.size())
    return nack(handle, task, NackReason::undecodable, "the task names a sink that was not told");
  task.type = static_cast<std::uint32_t>(type);
  task.link = sink_links_[entry.sink];
  if (drain_ && drain_->mode != DrainMode::finish) return give_back(handle, task);
  queue_.push_back(handle);
}

void Runner::fill_pool() {
  if (frozen_) return;
  while (!queue_.empty() && held_.count(TaskPhase::pooled) < pool_capacity()) {
    const TaskHandle handle = queue_.front();
    queue_.pop_front();
    Held* const task = held_.find(handle);
    if (task == nullptr || task->phase != TaskPhase::queued) continue;
    if (task->expires <= now_) {
      nack(handle, *task, NackReason::expired, "its time to live was over before it could start");
      continue;
    }
    held_.set_phase(*task, TaskPhase::pooled);
    pool_.push_back(handle);
    if (returns_at_ == Time::max())
      returns_at_ = now_ + std::max<Duration>(options_.return_after, 1ms);
    TaskStart& start = out_.starts.emplace_back();
    start.handle = handle;
    start.log = log_;
    start.seq = task->seq;
    start.attempt = task->attempt;
    start.type = task->type;
    start.key = task->key();
    start.payload = task->payload();
    start.exec_ms = task->exec_ms;
    start.expires = task->expires;
    start.last_attempt = (task->flags & kLastAttempt) != 0;
  }
}

// Executors claim from the head, so the first so many have been claimed.
void Runner::pool_progress(std::uint64_t claims, Time now) {
  if (!enter(now)) return;
  while (claims_ < claims && !pool_.empty()) {
    const TaskHandle handle = pool_.front();
    pool_.pop_front();
    Held* const task = held_.find(handle);
    if (task != nullptr && task->phase == TaskPhase::pooled) claimed(handle, *task);
  }
}

void Runner::claimed(TaskHandle handle, Held& task) {
  ++claims_;
  held_.set_phase(task, TaskPhase::running);
  if (task.cancel_wanted || task.stop_wanted || task.orphaned) out_.cancels.push_back(handle);
}

void Runner::cancel(const Cancel& cancel) {
  const auto known = held_.by_seq();
  for (const LeaseRef& entry : cancel.entries) {
    auto at = std::lower_bound(known.begin(), known.end(), entry.seq,
                               [](const auto& a, Seq seq) { return a.first < seq; });
    for (; at != known.end() && at->first == entry.seq; ++at) {
      Held* const task = held_.find(at->second);
      if (task == nullptr || task->lease != entry.lease) continue;
      if (task->phase == TaskPhase::queued) {
        nack(at->second, *task, NackReason::cancelled, {});
      } else if (task->phase == TaskPhase::pooled) {
        task->cancel_wanted = take_back_all_ = true;
      } else if (task->phase == TaskPhase::running) {
        task->cancel_wanted = true;
        out_.cancels.push_back(at->second);
      }
      // Otherwise an outcome has won, or a NACK has been said: that is the answer.
    }
  }
}

// Where there are fewer executors than slots, tasks may wait though slots are free.
bool Runner::executors_are_busy() const {
  const std::size_t most = options_.executors > 0 ? std::min(options_.executors, options_.slots)
                                                  : options_.slots;
  return held_.count(TaskPhase::running) >= most;
}

// "A task that waited unstarted in a worker for longer than ~50 ms while its slots are busy is
// handed back", so that nothing hides behind a slow task.
void Runner::check_returns() {
  if (phase_ != Phase::ready || now_ < returns_at_) return;
  const Duration limit = std::max<Duration>(options_.return_after, 1ms);
  returns_at_ = Time::max();
  if (held_.count(TaskPhase::pooled) == 0) return;
  returns_at_ = now_ + limit;
  if (!executors_are_busy()) return;
  std::size_t overdue = 0;
  for (std::size_t i = 0; i < pool_.size(); ++i) {
    const Held* const task = held_.find(pool_[i]);
    if (task == nullptr || task->phase != TaskPhase::pooled) continue;
    if (task->received + limit > now_) {
      returns_at_ = std::max(task->received + limit, now_ + 1ms);
      break;
    }
    ++overdue;
  }
  overdue_ = overdue;
}

std::size_t Runner::wanted_back() const {
  const std::size_t pooled = held_.count(TaskPhase::pooled);
  if (phase_ == Phase::ended || asked_back_ > 0 || pooled == 0) return 0;
  const bool returning = drain_ && drain_->mode != DrainMode::finish;
  if (frozen_ || take_back_all_ || returning) return pooled;
  return std::min(overdue_, pooled);
}

// The pool gives from its head, and so do the executors take: whatever stood before the last
// one that came back, or anywhere if fewer came than were asked for, has been claimed.
void Runner::retracted(std::span<const TaskHandle> tasks, Time now) {
  if (!enter(now)) return;
  const bool all = tasks.size() < asked_back_ || take_back_all_ || frozen_;
  asked_back_ = 0;
  std::vector<TaskHandle> staying;
  std::size_t back = 0;
  while (!pool_.empty() && (all || back < tasks.size())) {
    const TaskHandle handle = pool_.front();
    pool_.pop_front();
    Held* const task = held_.find(handle);
    if (back < tasks.size() && tasks[back] == handle) {
      ++back;
      if (task != nullptr && task->phase == TaskPhase::pooled && stays(handle, *task))
        staying.push_back(handle);
    } else if (task != nullptr && task->phase == TaskPhase::pooled) {
      claimed(handle, *task);
    }
  }
  for (std::size_t i = staying.size(); i-- > 0;) {
    held_.set_phase(*held_.find(staying[i]), TaskPhase::queued);
    queue_.push_front(staying[i]);
  }
  take_back_all_ = false;
  overdue_ = 0;
}

// What becomes of a task that came back unstarted. True if it is to wait for another start.
bool Runner::stays(TaskHandle handle, Held& task) {
  if (task.orphaned || task.disowned) {
    held_.erase(handle);
    return false;
  }
  if (task.cancel_wanted) {
    nack(handle, task, NackReason::cancelled, {});
    return false;
  }
  if (drain_ && drain_->mode != DrainMode::finish) {
    give_back(handle, task);
    return false;
  }
  if (!frozen_ && overdue_ > 0) {
    --overdue_;
    give_back(handle, task);
    credit_.handed_back(1);
    return false;
  }
  return true;
}

}  // namespace sluice::core
