// dispatcher_leases.cpp: ready tasks meet free credit.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "core/assert.hpp"
#include "core/dispatcher.hpp"

namespace sluice::core {
namespace {

// A burst is not spread thinner than an eighth of a worker's free credit. Credit
// is about a millisecond of work, so an eighth is some 0.1 ms: measured, thinner
// batches cost more in messages than they win in parallel work.
constexpr std::uint64_t kLeastShare = 8;
constexpr std::size_t kTrialsPerTurn = 16;

}  // namespace

void Dispatcher::dispatch(Time now) {
  if (ready_count_ == 0 && backlog_.count() == 0) return;
  if (!suspects_.empty()) dispatch_suspects(now);
  const auto types = static_cast<std::uint32_t>(ready_.size());
  for (std::uint32_t i = 0; i < types; ++i) {
    const std::uint32_t type = (next_type_ + i) % types;
    if (ready_[type].count() > 0 || backlog_.count(type) > 0) dispatch_type(type, now);
  }
  if (types > 0) next_type_ = (next_type_ + 1) % types;
}

void Dispatcher::dispatch_type(std::uint32_t type, Time now) {
  ReadyQueue& queue = ready_[type];
  std::uint32_t refusals = 0;
  std::uint32_t sharers = 0;  // who have not had their share yet in this round
  for (;;) {
    if (backlog_.count(type) > 0) refill(type, now);
    if (queue.count() == 0) return;
    const std::uint32_t index = placement_.choose(type);
    if (index == kNoSession) return;
    WorkerSession& session = sessions_[index];
    if (sharers == 0) sharers = std::max<std::uint32_t>(placement_.ready_count(type), 1);
    const std::uint64_t share = (queue.count() + sharers - 1) / sharers;
    const std::uint64_t least = (session.free_tasks() + kLeastShare - 1) / kLeastShare;
    const std::uint64_t most = std::min(session.free_tasks(), std::max(share, least));
    --sharers;
    if (fill(session, type, most, now) > 0)
      refusals = 0;
    else if (++refusals >= placement_.ready_count(type))
      return;  // the next task is larger than anybody's credit in bytes
    if (session.standing != Standing::closed) placement_.rotate(index);
  }
}

// One message of at most `most` tasks; how many went.
std::size_t Dispatcher::fill(WorkerSession& session, std::uint32_t type, std::uint64_t most,
                             Time now) {
  ReadyQueue& queue = ready_[type];
  Tasks batch = pool_.take<Tasks>();
  std::size_t bytes = 0;
  batch.tasks_before = session.tasks_sent;
  batch.bytes_before = session.bytes_sent;
  batch.types.push_back(type_names_[type]);
  most = std::min(most, options_.frame.max_entries);
  while (batch.entries.size() < most) {
    const TaskSlot slot = queue.front();
    if (slot == kNoTask) break;
    if (tasks_[slot].payload().size() > session.free_bytes()) break;
    const std::size_t size = tasks_[slot].body.size();
    if (!batch.entries.empty() && bytes + size > kBatchBytes) break;
    bytes += size;
    queue.unlink(tasks_, slot);
    --ready_count_;
    lease(session, slot, batch, now);
  }
  const std::size_t count = batch.entries.size();
  if (count == 0) {
    pool_.give_back(std::move(batch));
    return 0;
  }
  send_batch(session, std::move(batch), now);
  placement_.refresh(session.index);
  return count;
}

void Dispatcher::lease(WorkerSession& session, TaskSlot slot, Tasks& batch, Time now) {
  TaskRecord& task = tasks_[slot];
  task.state = TaskState::leased;
  task.session = session.index;
  task.lease = static_cast<Lease>(next_lease_++);
  task.lane_n = session.lane_n + 1;
  task.leased_at = now;
  tasks_.push_back(session.held, slot);
  TaskEntry entry;
  entry.seq = task.seq;
  entry.lease = task.lease;
  entry.attempt = task.executions + 1;
  entry.flags = task.failures + 1 >= task.max_attempts ? kLastAttempt : 0;
  if (task.wanted) entry.flags |= kTaskWanted;
  entry.sink = task.sink;
  if (task.expires != Time{}) entry.ttl_ms = std::max<std::uint64_t>(to_ms(task.expires - now), 1);
  entry.exec_ms = task.exec_ms;
  entry.key = task.key();
  entry.payload = task.payload();
  session.bytes_sent += entry.payload.size();
  ++session.tasks_sent;
  ++counters_.dispatched;
  note_dispatched(task.seq);
  batch.entries.push_back(entry);
}

void Dispatcher::send_batch(WorkerSession& session, Tasks&& batch, Time now) {
  batch.epoch = identity_.epoch;
  batch.void_n = session.void_n;
  if (batch.entries.empty()) {  // a probe
    batch.tasks_before = session.tasks_sent;
    batch.bytes_before = session.bytes_sent;
  }
  if (session.lane_rx == session.lane_n) session.lane_short_since = now;  // from now on it is
  ++session.lane_n;
  session.last_sent = now;
  Envelope envelope{session.sid, session.lane_n, std::move(batch)};
  if (session.push_lane)
    effects_.to_lanes.push_back({session.sid, std::move(envelope)});
  else
    effects_.to_peers.push_back({session.peer, std::move(envelope)});
}

// Case 23: a task that was running when workers died is run alone before it is blamed.
void Dispatcher::dispatch_suspects(Time now) {
  std::size_t tries = std::min(suspects_.size(), kTrialsPerTurn);
  for (std::size_t i = 0; i < suspects_.size() && tries > 0; --tries) {
    const TaskSlot slot = suspects_[i];
    const std::uint32_t index = session_for_trial(tasks_[slot]);
    if (index == kNoSession) {
      ++i;
      continue;
    }
    suspects_.erase(suspects_.begin() + static_cast<std::ptrdiff_t>(i));
    WorkerSession& session = sessions_[index];
    session.trial = true;
    Tasks batch = pool_.take<Tasks>();
    batch.tasks_before = session.tasks_sent;
    batch.bytes_before = session.bytes_sent;
    batch.types.push_back(type_names_[tasks_[slot].type]);
    --ready_count_;
    lease(session, slot, batch, now);
    send_batch(session, std::move(batch), now);
    placement_.refresh(index);
  }
}

// An empty worker for a trial. If there is none, the one that holds least gets
// nothing more (its `trial` is set), so that it will be empty one day.
std::uint32_t Dispatcher::session_for_trial(const TaskRecord& task) {
  std::uint32_t least = kNoSession;
  bool one_is_emptying = false;
  for (std::uint32_t i = 0; i < sessions_.size(); ++i) {
    const WorkerSession& session = sessions_[i];
    if (session.sid == Sid{} || session.phase != SessionPhase::active || session.suspect) continue;
    if (!std::binary_search(session.types.begin(), session.types.end(), task.type)) continue;
    if (session.held.count == 0 && session.free_tasks() > 0 &&
        session.free_bytes() >= task.payload().size())
      return i;
    one_is_emptying = one_is_emptying || session.trial;
    if (least == kNoSession || session.held.count < sessions_[least].held.count) least = i;
  }
  if (least != kNoSession && !one_is_emptying && sessions_[least].held.count > 0) {
    sessions_[least].trial = true;
    placement_.refresh(least);
  }
  return kNoSession;
}

}  // namespace sluice::core
