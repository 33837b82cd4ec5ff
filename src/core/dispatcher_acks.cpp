// dispatcher_acks.cpp: what workers say has become of their leases.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>

#include "core/assert.hpp"
#include "core/dispatcher.hpp"

namespace sluice::core {
namespace {

constexpr Duration kMostRetryWait = std::chrono::hours(24 * 365);  // a longer one is not believed

// Doubles with each failure. Half of it is certain, half is chance, so that tasks which failed
// together do not come back together.
Duration backoff(const TaskRecord& task, Random& random) {
  const std::uint32_t doublings = std::min<std::uint32_t>(task.failures - 1, 63);
  const std::uint64_t most = task.backoff_most_ms;
  const std::uint64_t full =
      task.backoff_ms > (most >> doublings) ? most : task.backoff_ms << doublings;
  return from_ms(full / 2 + random.below(full - full / 2 + 1));
}

}  // namespace

// Numbers of ACK, NACK and RETURN run on together; a repeated one changes nothing.
bool Dispatcher::note_ano(WorkerSession& session, std::uint64_t ano) {
  if (!session.acked_due) {
    session.acked_due = true;
    acked_due_.push_back(session.index);
  }
  if (ano <= session.last_ano) return false;
  session.last_ano = ano;
  return true;
}

// Rule 5: "A positive ACK settles whatever the lease".
void Dispatcher::on(WorkerSession& session, const Envelope& in, const Ack& ack, Time now) {
  if (!note_ano(session, in.n)) return;
  bool observed = false;
  for (const AckEntry& entry : ack.entries) {
    const TaskSlot slot = tasks_.find(entry.seq);
    if (slot == kNoTask) continue;  // settled before: idempotent (case 4)
    TaskRecord& task = tasks_[slot];
    const bool current = task.state == TaskState::leased && task.lease == entry.lease;
    if (current && !observed) {  // one sample a message is enough
      run_times_[task.type].observe(now - task.leased_at);
      observed = true;
    }
    if (!current && task.state == TaskState::leased) {
      // Case 12: "late ACK after redelivery: settles; CANCEL the other lease".
      WorkerSession& other = sessions_[task.session];
      Cancel cancel;
      cancel.entries.push_back({task.seq, task.lease});
      to_worker(other, 0, std::move(cancel), now);
    }
    ++(entry.status == Status::done ? session.acked_done : session.acked_other);
    settled(slot, entry.status);
  }
  placement_.refresh(session.index);
}

// Rule 5: "NACK, RETURN and GAP count only with the current lease, from the session that has it".
void Dispatcher::on(WorkerSession& session, const Envelope& in, const Nack& nack, Time now) {
  if (!note_ano(session, in.n)) return;
  for (const NackEntry& entry : nack.entries) {
    const TaskSlot slot = tasks_.find(entry.seq);
    if (slot == kNoTask) continue;
    const TaskRecord& task = tasks_[slot];
    if (task.state != TaskState::leased || task.lease != entry.lease) continue;  // case 13
    if (task.session != session.index) continue;
    ++counters_.nacked;
    ++session.nacked;
    revoke(slot);
    nacked(slot, entry, session, now);
  }
}

void Dispatcher::nacked(TaskSlot slot, const NackEntry& entry, const WorkerSession& session,
                        Time now) {
  TaskRecord& task = tasks_[slot];
  if (entry.started) ++task.executions;
  const std::string text =
      entry.text.empty() ? std::string("no reason given") : std::string(entry.text);
  const auto delay = [&](Duration wait) {
    task.ready_at = now + std::min(wait, kMostRetryWait);
    set_task_timer(TimerHeap::Kind::task_ready, task.ready_at, slot);
  };
  note_changed(slot);
  switch (entry.reason) {
    case NackReason::failed:
    case NackReason::timeout:
    case NackReason::crashed: {
      ++task.failures;
      if (task.failures >= task.max_attempts) return settle_here(slot, Status::failed, text, now);
      if (task.cancel_requested) return settle_here(slot, Status::cancelled, "cancelled", now);
      if (entry.retry_ms > 0) return delay(from_ms(entry.retry_ms));
      return delay(backoff(task, random_));
    }
    case NackReason::undecodable:
      return settle_here(slot, Status::failed, "its payload could not be read: " + text, now);
    case NackReason::outcome_rejected:
      return settle_here(slot, Status::failed, "the sink rejected its outcome: " + text, now);
    case NackReason::outcome_too_large:
      return settle_here(slot, Status::failed, "its outcome is too large: " + text, now);
    case NackReason::expired:
      return settle_here(slot, Status::expired, "expired before it started on " + session.name,
                         now);
    case NackReason::no_such_type:
    case NackReason::overload:
      return delay(entry.retry_ms > 0 ? from_ms(entry.retry_ms)
                                      : Duration(std::chrono::seconds(1)));
    case NackReason::cancelled:
      if (task.cancel_requested) return settle_here(slot, Status::cancelled, "cancelled", now);
      return make_ready(slot, true, now);
    case NackReason::shutdown:
      return make_ready(slot, true, now);
  }
}

void Dispatcher::on(WorkerSession& session, const Envelope& in, const Return& back, Time now) {
  if (!note_ano(session, in.n)) return;
  // From the back, so that the front of the queue keeps their order.
  for (auto entry = back.entries.rbegin(); entry != back.entries.rend(); ++entry) {
    const TaskSlot slot = tasks_.find(entry->seq);
    if (slot == kNoTask) continue;
    const TaskRecord& task = tasks_[slot];
    if (task.state != TaskState::leased || task.lease != entry->lease) continue;
    if (task.session != session.index) continue;
    ++counters_.returned;
    ++session.returned;
    revoke(slot);
    make_ready(slot, true, now);
  }
}

// Rule 19.1: "An entry counts only from the session that has the lease, and with the current
// one. Others are passed over."
void Dispatcher::on(WorkerSession& session, const Progress& progress, Time now) {
  for (const ProgressEntry& entry : progress.entries) {
    const TaskSlot slot = tasks_.find(entry.seq);
    if (slot == kNoTask) continue;
    const TaskRecord& task = tasks_[slot];
    if (task.state != TaskState::leased || task.lease != entry.lease) continue;
    if (task.session != session.index) continue;
    progress_.put(slot, entry.text, now);
  }
}

void Dispatcher::on(WorkerSession& session, const Envelope&, const Gap& gap, Time now) {
  ++counters_.gaps;
  requeue_lane_range(session, gap.first, std::min(gap.last, session.lane_n), now);
}

}  // namespace sluice::core
