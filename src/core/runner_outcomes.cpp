// runner_outcomes.cpp: a worker's tasks on their way out: outcomes, acks, nacks, and the sinks.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "core/runner.hpp"

namespace sluice::core {
namespace {

// Failures of the task itself: charged, and final at the last attempt (rule 14).
bool is_failure(RunEnd end) {
  return end == RunEnd::failed || end == RunEnd::timeout || end == RunEnd::crashed;
}

}  // namespace

void Runner::finished(std::span<const TaskFinished> tasks, Time now) {
  if (!enter(now)) return;
  for (const TaskFinished& task : tasks) finish(task);
}

void Runner::finish(const TaskFinished& finished) {
  Held* const task = held_.find(finished.handle);
  if (task == nullptr ||
      (task->phase != TaskPhase::running && task->phase != TaskPhase::pooled)) {
    ++stats_.ignored;
    return;
  }
  if (task->phase == TaskPhase::pooled) claimed(finished.handle, *task);
  if (finished.end != RunEnd::expired) credit_.ran(finished.run);
  if (task->orphaned) {
    held_.erase(finished.handle);
    return;
  }
  const bool final_failure = finished.end == RunEnd::fatal ||
                             (is_failure(finished.end) && (task->flags & kLastAttempt) != 0);
  if (finished.end == RunEnd::ok)
    return outcome(finished.handle, *task, finished, Status::done);
  // Another worker has the lease: it will say how its attempt went.
  if (task->disowned) {
    held_.erase(finished.handle);
    return;
  }
  if (final_failure) return outcome(finished.handle, *task, finished, Status::failed);
  task->started = finished.end != RunEnd::expired;
  NackReason reason = NackReason::failed;
  switch (finished.end) {
    case RunEnd::ok:
    case RunEnd::fatal:
    case RunEnd::failed: break;
    case RunEnd::timeout: reason = NackReason::timeout; break;
    case RunEnd::crashed: reason = NackReason::crashed; break;
    case RunEnd::undecodable: reason = NackReason::undecodable; break;
    case RunEnd::no_such_type: reason = NackReason::no_such_type; break;
    case RunEnd::expired: reason = NackReason::expired; break;
    case RunEnd::cancelled:
      reason = task->cancel_wanted ? NackReason::cancelled : NackReason::shutdown;
      break;
  }
  nack(finished.handle, *task, reason, finished.error, finished.retry_ms);
}

// Rule 19.1: "An entry counts only from the session that has the lease": others are left out here.
void Runner::progress(std::span<const TaskProgress> texts, Time now) {
  if (!enter(now)) return;
  const std::optional<Time> from = progress_from();
  if (!from || now_ < *from) return;
  Progress message;
  for (const TaskProgress& text : texts.first(std::min(texts.size(), kMostProgress))) {
    const Held* const task = held_.find(text.handle);
    if (task == nullptr || task->orphaned || task->disowned) continue;
    if (task->phase != TaskPhase::running && task->phase != TaskPhase::pooled) continue;
    message.entries.push_back({task->seq, task->lease, text.text});
  }
  if (message.entries.empty()) return;
  send(0, std::move(message));
  progress_at_ = now_ + options_.progress_every;
}

std::optional<Time> Runner::progress_from() const {
  return phase_ == Phase::ready ? std::optional(progress_at_) : std::nullopt;
}

void Runner::outcome(TaskHandle handle, Held& task, const TaskFinished& finished, Status status) {
  if (finished.result.size() > max_result()) {
    task.started = true;
    return nack(handle, task, NackReason::outcome_too_large,
                "the result has " + std::to_string(finished.result.size()) +
                    " bytes; this ventilator's limit is " + std::to_string(max_result()));
  }
  OutcomeDraft draft;
  draft.log = log_;
  draft.epoch = task.epoch;
  draft.seq = task.seq;
  draft.lease = task.lease;
  draft.attempt = task.attempt;
  draft.status = status;
  draft.flags = (task.flags & kTaskWanted) != 0 ? kOutcomeWanted : 0;
  draft.started_us = finished.started_us;
  draft.run_us = static_cast<std::uint64_t>(std::max<std::int64_t>(finished.run.count(), 0)) / 1000;
  draft.type = options_.types[task.type];
  draft.key = task.key();
  draft.error = finished.error;
  draft.payload = finished.result;
  links_[task.link].producer->add(draft, raw(handle), now_);
  held_.drop_bytes(task);
  held_.set_phase(task, TaskPhase::unconfirmed);
  ++(status == Status::done ? stats_.done : stats_.failed);
}

void Runner::nack(TaskHandle handle, Held& task, NackReason reason, std::string_view note,
                  std::uint64_t retry_ms) {
  task.reason = reason;
  task.retry_ms = retry_ms;
  held_.set_note(task, note);
  held_.drop_bytes(task);
  held_.set_phase(task, TaskPhase::nack_open);
  ++stats_.nacked;
  tell(handle, task);
}

void Runner::give_back(TaskHandle handle, Held& task) {
  task.returned = true;
  held_.drop_bytes(task);
  held_.set_phase(task, TaskPhase::nack_open);
  ++stats_.returned;
  tell(handle, task);
}

void Runner::tell(TaskHandle handle, const Held& task) {
  if (ventilator_ended_)
    held_.erase(handle);
  else
    acks_.add(handle, task);
}

void Runner::set_sinks(const std::vector<std::string>& endpoints) {
  for (SinkLink& link : links_) link.listed = false;
  sink_links_.clear();
  for (const std::string& endpoint : endpoints) {
    const std::uint32_t at = link_to(endpoint);
    links_[at].listed = true;
    sink_links_.push_back(at);
  }
  limit_unlisted();
  sweep_links();
}

// Outcomes of ventilators before, to sinks that are perhaps gone, take no credit from the one of
// now; but they have the same limit, or each restart would add to them.
void Runner::limit_unlisted() {
  const Retained old = retained_by(false);
  if (old.outcomes <= options_.max_retained && old.bytes <= options_.max_retained_bytes) return;
  held_.for_each([&](TaskHandle handle, const Held& task) {
    if (task.phase != TaskPhase::unconfirmed || !task.orphaned || links_[task.link].listed) return;
    held_.erase(handle);
    ++stats_.given_up;
  });
}

std::uint32_t Runner::link_to(const std::string& endpoint) {
  std::size_t free = links_.size();
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (links_[i].producer == nullptr)
      free = i;
    else if (links_[i].endpoint == endpoint)
      return static_cast<std::uint32_t>(i);
  }
  if (free == links_.size()) links_.emplace_back();
  OutcomeProducerOptions options;
  options.name = options_.name;
  options.agent = options_.agent;
  options.reconnect_least = options_.reconnect_least;
  options.reconnect_most = options_.reconnect_most;
  options.timers.heartbeat = heartbeat_;
  links_[free].endpoint = endpoint;
  links_[free].producer = std::make_unique<OutcomeProducer>(options, boot_, random_.next());
  links_[free].producer->start(now_);
  return static_cast<std::uint32_t>(free);
}

// A sink that is no longer named keeps its link until it has confirmed all it was to get.
void Runner::sweep_links() {
  std::vector<bool> needed(links_.size(), false);
  held_.for_each([&](TaskHandle, const Held& task) {
    if (task.phase != TaskPhase::ack_open && task.phase != TaskPhase::nack_open)
      needed[task.link] = true;
  });
  for (std::size_t i = 0; i < links_.size(); ++i) {
    SinkLink& link = links_[i];
    if (link.producer == nullptr || link.listed || needed[i]) continue;
    out_.close_sinks.push_back(static_cast<std::uint32_t>(i));
    link = SinkLink{};
  }
}

void Runner::collect_from_sinks() {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    SinkLink& link = links_[i];
    if (link.producer == nullptr) continue;
    const auto number = static_cast<std::uint32_t>(i);
    OutcomeProducer::Effects effects = link.producer->take_effects();
    if (effects.close) out_.close_sinks.push_back(number);
    if (effects.open) out_.open_sinks.push_back({number, link.endpoint});
    for (Envelope& envelope : effects.sends) out_.sinks.push_back({number, std::move(envelope)});
    for (const OutcomeConfirmed& each : effects.confirmed) confirmed(each);
    effects.sends.clear();  // their messages come back when they have been sent
    link.producer->recycle(std::move(effects));
  }
}

void Runner::confirmed(const OutcomeConfirmed& confirmed) {
  const auto handle = static_cast<TaskHandle>(confirmed.cookie);
  Held* const task = held_.find(handle);
  if (task == nullptr || task->phase != TaskPhase::unconfirmed) return;
  const bool is_stored = confirmed.code == Code::ok || confirmed.code == Code::duplicate;
  if (confirmed.code == Code::duplicate) ++stats_.duplicates;
  if (task->orphaned || (task->disowned && !is_stored)) {
    held_.erase(handle);
    return;
  }
  if (is_stored) {
    // Case 29: what the sink holds is what the ventilator is told, whatever we had sent.
    task->stored = confirmed.stored;
    held_.set_phase(*task, TaskPhase::ack_open);
    tell(handle, *task);
    return;
  }
  // Case 24: never a blind retry; the ventilator makes a failed outcome of it.
  task->started = true;
  if (confirmed.code == Code::too_large)
    nack(handle, *task, NackReason::outcome_too_large, "the sink takes no outcome of that size");
  else
    nack(handle, *task, NackReason::outcome_rejected, "no reason given");
}

}  // namespace sluice::core
