// runner_drain.cpp: how a worker comes to its end.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "core/runner.hpp"

namespace sluice::core {

void Runner::drain(DrainMode mode, std::optional<Time> deadline, Time now) {
  if (phase_ == Phase::idle) {
    now_ = now;
    return end(true);
  }
  if (!enter(now)) return;
  if (!drain_) drain_ = Draining{};
  drain_->mode = std::max(drain_->mode, mode);
  if (deadline) drain_->deadline = std::min(drain_->deadline.value_or(*deadline), *deadline);
  credit_.freeze();
  if (drain_->mode == DrainMode::finish) return;
  while (!queue_.empty()) {
    const TaskHandle handle = queue_.front();
    queue_.pop_front();
    Held* const task = held_.find(handle);
    if (task != nullptr && task->phase == TaskPhase::queued) give_back(handle, *task);
  }
  if (drain_->mode != DrainMode::stop) return;
  held_.for_each([this](TaskHandle handle, Held& task) {
    if (task.stop_wanted) return;
    if (task.phase == TaskPhase::running) out_.cancels.push_back(handle);
    if (task.phase == TaskPhase::running || task.phase == TaskPhase::pooled)
      task.stop_wanted = true;
  });
}

// "Nothing queued, running, retained, un-ACKED: GOODBYE, wait for BYE or D."
void Runner::advance_drain() {
  if (phase_ == Phase::ended) return;
  if (drain_->goodbye) {
    const bool gone = phase_ != Phase::reconcile && phase_ != Phase::ready;
    if (gone || *drain_->goodbye + dead_ <= now_) return end(true);
  } else if (held_.size() == 0) {
    // Without a session there is nobody who thinks that we hold anything.
    if (phase_ != Phase::reconcile && phase_ != Phase::ready) return end(true);
    drain_->goodbye = now_;
    send(0, Goodbye{Code::draining});
  }
  if (drain_->deadline && *drain_->deadline <= now_) end(held_.size() == 0);
}

// It has nothing unsettled, so acks are of no use to anybody. What still runs here was given
// up by it; outcomes on their way are worth a wait, but the sink may have ended as well.
void Runner::ventilator_ended() {
  ventilator_ended_ = true;
  held_.for_each([this](TaskHandle handle, const Held& task) {
    if (task.phase == TaskPhase::ack_open || task.phase == TaskPhase::nack_open)
      held_.erase(handle);
  });
  drain(DrainMode::stop, now_ + dead_, now_);
}

void Runner::end(bool clean) {
  phase_ = Phase::ended;
  clean_ = clean;
  frozen_ = true;
  out_.control.clear();
  out_.sinks.clear();
  out_.open_control = false;
  out_.open_lane.reset();
  out_.open_sinks.clear();
  out_.close_control = true;
  out_.close_lane = lane_.has_value();
  for (std::size_t i = 0; i < links_.size(); ++i)
    if (links_[i].producer != nullptr) out_.close_sinks.push_back(static_cast<std::uint32_t>(i));
}

}  // namespace sluice::core
