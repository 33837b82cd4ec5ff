// dispatcher_losses.cpp: leases taken back from workers that are gone, and who is blamed.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>
#include <utility>

#include "core/assert.hpp"
#include "core/dispatcher.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t kLostBootsRemembered = 1024;

}  // namespace

void Dispatcher::peer_gone(PeerId peer, Time now) {
  clients_.erase(peer);
  const auto at = by_peer_.find(peer);
  if (at != by_peer_.end()) cut(sessions_[at->second], now);
}

// A cut connection is a hint. What had not started goes elsewhere at once: the
// worker starts nothing more once it sees the cut (rule 13). What may be running
// waits a grace of twice its type's median run time (DESIGN, decision 4).
void Dispatcher::cut(WorkerSession& session, Time now) {
  if (session.cut) return;
  session.cut = session.suspect = true;
  session.trial = session.held.count == 1;  // what lose() needs to know, before it is less
  placement_.refresh(session.index);
  requeue_unstarted(session, now);
  Duration grace = options_.grace_least;
  for (TaskSlot slot = session.held.head; slot != kNoTask; slot = tasks_[slot].next)
    grace = std::max(grace, run_times_[tasks_[slot].type].median() * 2);
  grace = std::clamp(grace, options_.grace_least, options_.grace_most);
  timers_.set({now + grace, TimerHeap::Kind::session_grace, raw(session.sid), 0});
}

// Tasks start in lane order, so the first `slots` that are not acked may be running. Some of them
// may have ended, with their acks still under way, and so many behind them may have started.
bool Dispatcher::may_have_started(const WorkerSession& session, TaskSlot slot,
                                  std::uint32_t position, Time now) const {
  if (position < session.slots) return true;
  const TaskRecord& task = tasks_[slot];
  const Duration usual = run_times_[task.type].median();
  if (usual == Duration::zero() || task.leased_at >= now) return false;
  const std::uint64_t rounds = static_cast<std::uint64_t>(options_.ack_window / usual) + 2;
  return position < session.slots * rounds;
}

// The same of any leased task; those far back in the queue are not counted through.
bool Dispatcher::may_be_running(TaskSlot slot, Time now) const {
  const WorkerSession& session = sessions_[tasks_[slot].session];
  std::uint32_t position = 0;
  for (TaskSlot at = session.held.head; at != slot; at = tasks_[at].next)
    if (!may_have_started(session, at, position++, now)) return false;
  return may_have_started(session, slot, position, now);
}

void Dispatcher::requeue_unstarted(WorkerSession& session, Time now) {
  TaskSlot last = kNoTask;
  std::uint32_t position = 0;
  for (TaskSlot slot = session.held.head;
       slot != kNoTask && may_have_started(session, slot, position, now);
       slot = tasks_[slot].next, ++position)
    last = slot;
  while (session.held.tail != last) {
    const TaskSlot slot = session.held.tail;
    revoke(slot);
    ++counters_.redelivered;
    make_ready(slot, true, now);
  }
}

// The worker is gone for good as far as we can tell: its leases end here.
void Dispatcher::lose(std::uint32_t index, Time now) {
  WorkerSession& session = sessions_[index];
  const bool alone = session.cut ? session.trial : session.held.count == 1;
  requeue_unstarted(session, now);
  LostBoot lost{session.boot, {}};
  while (session.held.tail != kNoTask) {
    const TaskSlot slot = session.held.tail;
    const Seq seq = tasks_[slot].seq;
    // Whether a long task behind the first ones had started is unlikely: it is not blamed.
    const Duration usual = run_times_[tasks_[slot].type].median();
    const bool blamed = session.held.count <= session.slots || usual <= options_.ack_window;
    ++counters_.redelivered;
    revoke(slot);
    ++tasks_[slot].executions;
    note_changed(slot);
    if (!blamed) {
      make_ready(slot, true, now);
    } else if (charge_loss(slot, session, alone, now)) {
      lost.charged.push_back(seq);
    }
  }
  if (!lost.charged.empty()) {
    lost_boots_.push_back(std::move(lost));
    if (lost_boots_.size() > kLostBootsRemembered) lost_boots_.erase(lost_boots_.begin());
  }
  ++counters_.workers_lost;
  note_worker(session.boot, false);
  close_session(index);
}

// Case 23: "losses counted only where it ran; alone before blamed". A loss beside
// others brings a task at most to the brink; only a loss in a trial of its own goes over.
// True if the loss was charged.
bool Dispatcher::charge_loss(TaskSlot slot, const WorkerSession& session, bool alone, Time now) {
  TaskRecord& task = tasks_[slot];
  ++counters_.losses;
  const bool charged = task.losses + 1 < task.max_losses || alone;
  if (charged) ++task.losses;
  task.suspect = task.losses + 1 >= task.max_losses;
  if (task.losses >= task.max_losses) {
    settle_here(slot, Status::failed,
                "its worker was lost " + std::to_string(task.losses) +
                    " times while it ran, the last was " + session.name,
                now);
  } else {
    make_ready(slot, true, now);
  }
  return charged;
}

// Rule 13: "if the same boot returns, losses charged for it are refunded".
void Dispatcher::refund_losses(const Boot& boot) {
  const auto at = std::find_if(lost_boots_.begin(), lost_boots_.end(),
                               [&](const LostBoot& lost) { return lost.boot == boot; });
  if (at == lost_boots_.end()) return;
  for (const Seq seq : at->charged) {
    const TaskSlot slot = tasks_.find(seq);
    if (slot == kNoTask || tasks_[slot].losses == 0) continue;
    TaskRecord& task = tasks_[slot];
    --task.losses;
    note_changed(slot);
    if (!task.suspect || task.losses + 1 >= task.max_losses) continue;
    // Cleared: one that waits for a trial waits among the others from now on.
    if (task.state == TaskState::ready) {
      std::erase(suspects_, slot);
      ready_[task.type].push_front(tasks_, slot);
    }
    task.suspect = false;
  }
  lost_boots_.erase(at);
}

// Takes a leased task off its session; what becomes of it is the caller's to say.
void Dispatcher::revoke(TaskSlot slot) {
  TaskRecord& task = tasks_[slot];
  SLUICE_ASSERT(task.state == TaskState::leased && task.session != kNoSession);
  WorkerSession& session = sessions_[task.session];
  tasks_.unlink(session.held, slot);
  progress_.erase(slot);
  if (session.held.count == 0) session.trial = false;
  placement_.refresh(task.session);
  task.session = kNoSession;
  task.lease = Lease{};
  task.state = TaskState::delayed;  // on no list; the next step puts it on one
  ++delayed_count_;
}

// From no list (state delayed) to where it can be dispatched.
void Dispatcher::make_ready(TaskSlot slot, bool front, Time now) {
  TaskRecord& task = tasks_[slot];
  SLUICE_ASSERT(task.state == TaskState::delayed);
  if (task.cancel_requested) return settle_here(slot, Status::cancelled, "cancelled", now);
  if (halted_)
    return settle_here(
        slot, Status::cancelled,
        task.executions > 0 ? "stopped: all was halted" : "not started: all was halted", now);
  --delayed_count_;
  task.state = TaskState::ready;
  ++ready_count_;
  if (task.suspect) {
    suspects_.push_back(slot);
    return;
  }
  ReadyQueue& queue = ready_[task.type];
  if (front)
    queue.push_front(tasks_, slot);
  else
    queue.push_back(tasks_, slot);
}

void Dispatcher::requeue_lane_range(WorkerSession& session, std::uint64_t first, std::uint64_t last,
                                    Time now) {
  for (TaskSlot slot = session.held.tail; slot != kNoTask;) {
    const TaskSlot before = tasks_[slot].prev;
    if (tasks_[slot].lane_n >= first && tasks_[slot].lane_n <= last) {
      revoke(slot);
      ++counters_.redelivered;
      make_ready(slot, true, now);
    }
    slot = before;
  }
}

}  // namespace sluice::core
