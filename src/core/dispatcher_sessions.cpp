// dispatcher_sessions.cpp: a worker comes, says what it holds, falls silent, goes.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "core/assert.hpp"
#include "core/dispatcher.hpp"

namespace sluice::core {
namespace {

constexpr std::uint64_t kBusyRetryMs = 1000;
constexpr std::uint64_t kMostBusyMs =
    24ULL * 3600 * 1000;  // a silence announced for longer is not believed

}  // namespace

void Dispatcher::on(PeerId from, const Envelope& in, const Hello& hello, Time now) {
  // Rule 11: "A worker that names a later epoch of the ventilator's log is refused".
  if (hello.previous && hello.previous->log == identity_.log &&
      hello.previous->epoch > identity_.epoch) {
    effects_.later_life_heard = true;
    return error(from, Sid{}, in.n, Code::stale_epoch,
                 "this ventilator is an earlier life of that log", kBusyRetryMs);
  }
  // Case 14: "HELLO twice on one connection: same WELCOME".
  if (const auto at = by_peer_.find(from); at != by_peer_.end()) {
    WorkerSession& known = sessions_[at->second];
    if (known.boot == hello.boot && known.hello_try == in.n) {
      heard(known, now);
      if (known.phase != SessionPhase::opening) to_worker(known, in.n, known.welcome, now);
      return;
    }
  }
  const auto old = by_boot_.find(hello.boot);
  const bool replaces = old != by_boot_.end();
  if (!replaces && by_sid_.size() >= options_.max_workers)
    return error(from, Sid{}, in.n, Code::busy, "the limit of workers is reached: try again later",
                 kBusyRetryMs);
  std::size_t unknown_types = 0;
  for (const std::string& type : hello.types)
    if (type_ids_.find(type) == type_ids_.end()) ++unknown_types;
  if (type_names_.size() + unknown_types > options_.max_types)
    return error(from, Sid{}, in.n, Code::busy, "the limit of task types is reached", kBusyRetryMs);

  TaskList carried;
  if (replaces) {
    // The leases move over; the inventory says which of them the worker really has.
    carried = std::exchange(sessions_[old->second].held, {});
    close_session(old->second);
  } else if (const auto peer = by_peer_.find(from); peer != by_peer_.end()) {
    lose(peer->second, now);  // another process behind the same connection: never seen in practice
  }
  if (!replaces && absent_.find(hello.boot) == absent_.end()) note_worker(hello.boot, true);
  refund_losses(hello.boot);

  const std::uint32_t index = new_session(from, hello, in.n, now);
  WorkerSession& session = sessions_[index];
  session.held = carried;
  for (TaskSlot slot = carried.head; slot != kNoTask; slot = tasks_[slot].next) {
    tasks_[slot].session = index;
    tasks_[slot].in_inventory = false;
  }
  // What it held of another log is not ours to judge by number.
  session.same_log = hello.previous && hello.previous->log == identity_.log;
  session.same_epoch = session.same_log && hello.previous->epoch == identity_.epoch;
  session.push_lane = hello.lanes == LaneWish::push && lanes_ < options_.max_lanes;
  if (session.push_lane) {
    ++lanes_;
    effects_.open_lanes.push_back({session.sid, from});
  } else {
    welcome(session, now);
  }
}

std::uint32_t Dispatcher::new_session(PeerId from, const Hello& hello, std::uint64_t hello_try,
                                      Time now) {
  std::uint32_t index = 0;
  if (free_sessions_.empty()) {
    index = static_cast<std::uint32_t>(sessions_.size());
    sessions_.emplace_back();
  } else {
    index = free_sessions_.back();
    free_sessions_.pop_back();
  }
  WorkerSession& session = sessions_[index];
  session = WorkerSession{};
  session.index = index;
  session.sid = make_sid(identity_.epoch, ++sid_counter_);
  session.peer = from;
  session.boot = hello.boot;
  session.name = hello.name;
  session.agent = hello.agent;
  session.slots = std::max<std::uint32_t>(hello.slots, 1);
  session.hello_try = hello_try;
  session.last_heard = session.last_sent = session.since = now;
  for (const std::string& type : hello.types) session.types.push_back(intern_type(type));
  std::sort(session.types.begin(), session.types.end());
  session.types.erase(std::unique(session.types.begin(), session.types.end()), session.types.end());
  by_peer_[from] = index;
  by_boot_[hello.boot] = index;
  by_sid_[session.sid] = index;
  placement_.join(index);
  ++counters_.workers_joined;
  return index;
}

void Dispatcher::lane_opened(Sid sid, std::uint32_t port, std::optional<std::string> host,
                             Time now) {
  const auto at = by_sid_.find(sid);
  if (at == by_sid_.end()) {
    effects_.close_lanes.push_back(sid);  // the worker went while its lane was being bound
    return;
  }
  WorkerSession& session = sessions_[at->second];
  if (session.phase != SessionPhase::opening) return;
  session.lane = LaneAddress{port, std::move(host)};
  welcome(session, now);
}

void Dispatcher::lane_failed(Sid sid, Time now) {
  const auto at = by_sid_.find(sid);
  if (at == by_sid_.end()) return;
  WorkerSession& session = sessions_[at->second];
  if (session.phase != SessionPhase::opening) return;
  session.push_lane = false;
  --lanes_;
  welcome(session, now);
}

void Dispatcher::welcome(WorkerSession& session, Time now) {
  Welcome& welcome = session.welcome;
  welcome.log = identity_.log;
  welcome.epoch = identity_.epoch;
  welcome.inc = identity_.inc;
  welcome.heartbeat_ms = to_ms(options_.timers.heartbeat);
  welcome.dead_ms = to_ms(options_.timers.dead());
  welcome.fence_ms = to_ms(options_.timers.fence());
  welcome.reclaim_ms = to_ms(options_.timers.reclaim());
  if (session.push_lane) welcome.lane = session.lane;
  welcome.max_frame = options_.frame.max_frame;
  welcome.max_entries = options_.frame.max_entries;
  welcome.sinks = options_.sinks;
  if (!session.push_lane) ++counters_.inline_sessions;
  session.phase = SessionPhase::reconcile;
  to_worker(session, session.hello_try, session.welcome, now);
}

void Dispatcher::on(WorkerSession& session, const Envelope& in, const Inventory& inventory,
                    Time now) {
  if (session.phase != SessionPhase::reconcile) return;  // said twice
  for (const HeldTask& held : inventory.held) reconcile(session, held, now);
  finish_reconcile(session, in.n, now);
  if (!inventory.last) return;

  // What was leased to the worker and is not in its inventory never arrived there.
  // From the back, so that the front of the queue keeps their order.
  Cancel again;
  for (TaskSlot slot = session.held.tail; slot != kNoTask;) {
    const TaskSlot before = tasks_[slot].prev;
    if (!tasks_[slot].in_inventory) {
      revoke(slot);
      ++counters_.redelivered;
      make_ready(slot, true, now);
    } else if (tasks_[slot].cancel_requested) {
      again.entries.push_back({tasks_[slot].seq, tasks_[slot].lease});
      if (again.entries.size() >= options_.frame.max_entries)
        to_worker(session, 0, std::exchange(again, {}), now);
    }
    slot = before;
  }
  // A CANCEL may have been lost with the old connection, and so may a DRAIN.
  if (!again.entries.empty()) to_worker(session, 0, std::move(again), now);
  if (halted_) to_worker(session, 0, Drain{*halted_, 0}, now);
  inventory_complete(session.boot, now);
  session.phase = SessionPhase::active;
  if (session.push_lane) start_probe(session, now);
  placement_.refresh(session.index);
}

// One line of the inventory; what is not mentioned in the answer is kept.
void Dispatcher::reconcile(WorkerSession& session, const HeldTask& held, Time now) {
  const auto answer = [&](Lease lease, Verdict verdict) {
    session.verdicts.push_back({held.seq, lease, verdict});
  };
  if (session.same_log && backlog_.holds(held.seq)) {  // of the last life
    const TaskSlot brought = bring(held.seq);
    if (!tasks_[brought].awaits_inventory) make_ready(brought, false, now);
  }
  const TaskSlot slot = session.same_log ? tasks_.find(held.seq) : kNoTask;
  if (slot == kNoTask) return answer(held.lease, Verdict::settled);
  TaskRecord& task = tasks_[slot];
  // The number of a lease is unique within an epoch only.
  if (task.state == TaskState::leased && task.lease == held.lease && session.same_epoch) {
    task.in_inventory = true;
    return;
  }
  const auto re_lease = [&] {
    // Taken back, but nobody else has it yet: let the worker finish it.
    detach(slot);
    task.state = TaskState::leased;
    task.lease = static_cast<Lease>(next_lease_++);
    task.session = session.index;
    task.in_inventory = true;
    task.lane_n = 0;
    // It has started, so it stands before those that may wait (see requeue_unstarted).
    tasks_.push_front(session.held, slot);
    answer(task.lease, Verdict::re_leased);
  };
  switch (held.state) {
    case HeldState::queued:
      if (task.awaits_inventory) release(slot, now);  // it was here, and has not started
      return answer(held.lease, Verdict::drop);
    case HeldState::nack_open:
      // What the last life did not hear, or did not write, is said again to this one. If it has
      // written a NACK of that task, it may be this one: nothing is charged twice.
      if (task.awaits_inventory && task.executions == 0) return re_lease();
      if (task.awaits_inventory) release(slot, now);
      return answer(held.lease, Verdict::drop);
    case HeldState::running:
    case HeldState::unconfirmed:
    case HeldState::ack_open:
      if (task.state == TaskState::ready || task.state == TaskState::delayed) re_lease();
  }
}

void Dispatcher::finish_reconcile(WorkerSession& session, std::uint64_t chunk, Time now) {
  Verdicts verdicts;
  verdicts.entries = std::exchange(session.verdicts, {});
  to_worker(session, chunk, std::move(verdicts), now);
}

// Rule 8: "Lane probe: an empty TASKS n=1 on the PUSH before any task".
void Dispatcher::start_probe(WorkerSession& session, Time now) {
  session.phase = SessionPhase::probing;
  session.probe_sent = now;
  send_batch(session, pool_.take<Tasks>(), now);
}

void Dispatcher::on(WorkerSession& session, const Envelope& in, const State& state, Time now) {
  if (in.n <= session.state_count) return;  // rule 1: older than what is known
  session.state_count = in.n;
  session.tasks_limit = std::max(session.tasks_limit, state.tasks_limit);
  session.bytes_limit = std::max(session.bytes_limit, state.bytes_limit);
  session.busy_until = now + from_ms(std::min(state.busy_ms, kMostBusyMs));
  if (state.lane_rx > session.lane_rx) {
    session.lane_rx = std::min(state.lane_rx, session.lane_n);
    session.lane_short_since = now;
  }
  session.last_state = state;
  if (session.phase == SessionPhase::probing && session.lane_rx >= 1)
    session.phase = SessionPhase::active;
  placement_.refresh(session.index);
}

void Dispatcher::on(WorkerSession& session, const Envelope&, const Goodbye&, Time now) {
  const std::uint32_t index = session.index;
  to_worker(session, 0, Bye{Code::ok}, now);
  note_worker(session.boot, false);
  while (session.held.tail != kNoTask) {
    const TaskSlot slot = session.held.tail;
    revoke(slot);
    make_ready(slot, true, now);
  }
  close_session(index);
}

// Silence, heartbeats and lanes of one session, a few times a heartbeat.
void Dispatcher::watch(WorkerSession& session, Time now) {
  const Timers& timers = options_.timers;
  const Duration quiet = now - session.quiet_since();
  if (quiet > timers.reclaim()) return lose(session.index, now);
  if (quiet > timers.dead() && !session.suspect) {
    session.suspect = true;
    placement_.refresh(session.index);
  }
  if (session.phase == SessionPhase::opening) return;
  if (now - session.last_sent >= timers.heartbeat)
    to_worker(session, session.state_count, Ping{session.state_count}, now);
  if (session.push_lane && !session.suspect) check_lane(session, now);
}

void Dispatcher::check_lane(WorkerSession& session, Time now) {
  const Timers& timers = options_.timers;
  if (session.phase == SessionPhase::probing) {
    if (now - session.probe_sent < timers.dead()) return;
    // The worker cannot reach its lane: it comes back and asks for an inline session.
    ++counters_.lane_failures;
    to_worker(session, 0, Bye{Code::lane}, now);
    session.phase = SessionPhase::leaving;
    session.push_lane = false;
    --lanes_;
    effects_.close_lanes.push_back(session.sid);
    return;
  }
  if (session.lane_rx == session.lane_n) {
    session.lane_short_since = now;
    return;
  }
  // Rule 8: "lane_rx short of the last n for 2H: as GAP". A worker that says other things has no
  // reason to say STATE by itself: it is asked before it is thought to have got nothing. Who stood
  // still for long asks first, too.
  const Duration is_short = now - session.lane_short_since;
  if (is_short >= timers.heartbeat && session.lane_asked_at < session.lane_short_since) {
    session.lane_asked_at = now;
    to_worker(session, session.state_count, Ping{session.state_count}, now);
  }
  if (is_short < timers.heartbeat * 2) return;
  if (now - session.lane_asked_at < timers.heartbeat * 3 / 4) return;
  session.void_n = session.lane_n;
  Tasks notice = pool_.take<Tasks>();
  notice.epoch = identity_.epoch;
  notice.tasks_before = session.tasks_sent;
  notice.bytes_before = session.bytes_sent;
  notice.void_n = session.void_n;
  to_worker(session, 0, std::move(notice), now);
  requeue_lane_range(session, session.lane_rx + 1, session.lane_n, now);
  session.lane_rx = session.lane_n;
  session.lane_short_since = now;
}

// Forgets the session. Its leases must have gone elsewhere.
void Dispatcher::close_session(std::uint32_t index) {
  WorkerSession& session = sessions_[index];
  SLUICE_ASSERT(session.held.count == 0);
  placement_.leave(index);
  if (session.push_lane) {
    --lanes_;
    effects_.close_lanes.push_back(session.sid);
  }
  if (const auto at = by_peer_.find(session.peer); at != by_peer_.end() && at->second == index)
    by_peer_.erase(at);
  if (const auto at = by_boot_.find(session.boot); at != by_boot_.end() && at->second == index)
    by_boot_.erase(at);
  by_sid_.erase(session.sid);
  session = WorkerSession{};
  free_sessions_.push_back(index);
}

}  // namespace sluice::core
