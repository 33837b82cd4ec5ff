// dispatcher_watch.cpp: which input may change what.
// SPDX-License-Identifier: MIT
#include "sim/dispatcher_watch.hpp"

#include <algorithm>

namespace sluice::sim {
namespace {

using namespace core;

constexpr std::string_view name(TaskState state) {
  constexpr std::string_view kNames[] = {"free", "ready", "delayed", "leased", "settling"};
  return kNames[static_cast<std::size_t>(state)];
}

}  // namespace

DispatcherWatch::DispatcherWatch(const Dispatcher& machine, const Plan& plan, Truth& truth,
                                 JournalModel* journal, WallMs wall_at_zero)
    : machine_(machine),
      audit_(machine),
      plan_(plan),
      truth_(truth),
      log_(machine.identity().log),
      journal_(journal),
      wall_at_zero_(wall_at_zero) {}

const TaskRecord& DispatcherWatch::record(Seq seq) const {
  return audit_.table()[audit_.table().find(seq)];
}

const WorkerSession* DispatcherWatch::session(Sid sid) const {
  for (const WorkerSession& each : audit_.all_sessions())
    if (each.sid == sid && sid != Sid{}) return &each;
  return nullptr;
}

void DispatcherWatch::illegal(const Seen& task, const std::string& why) const {
  broken(name_of(token_of(record(task.seq).payload()).value_or(0)) + " (" +
         name_of(log_, task.seq) + "), " + std::string(name(task.state)) + ": " + why);
}

bool DispatcherWatch::same_counts(const Seen& a, const Seen& b) {
  return a.executions == b.executions && a.failures == b.failures && a.losses == b.losses;
}

bool DispatcherWatch::is_open(const Seen& task) {
  return task.state == TaskState::ready || task.state == TaskState::delayed ||
         task.state == TaskState::settling;
}

// All unsettled tasks as they are now.
void DispatcherWatch::look() {
  after_.clear();
  const TaskTable& tasks = audit_.table();
  const auto& sessions = audit_.all_sessions();
  for (const TaskSlot slot : audit_.all_slots()) {
    const TaskRecord& task = tasks[slot];
    Seen& seen = after_.emplace_back();
    seen.seq = task.seq;
    seen.state = task.state;
    seen.lease = task.lease;
    if (task.session != kNoSession) seen.sid = sessions[task.session].sid;
    seen.executions = task.executions;
    seen.failures = task.failures;
    seen.losses = task.losses;
    seen.lane_n = task.lane_n;
    seen.cancel = task.cancel_requested;
    seen.awaits = task.awaits_inventory;
  }
  for (const WorkerSession& each : sessions) {
    if (each.sid == Sid{}) continue;
    std::uint32_t position = 0;
    for (TaskSlot slot = each.held.head; slot != kNoTask; slot = tasks[slot].next) {
      const auto at = std::lower_bound(after_.begin(), after_.end(), tasks[slot].seq,
                                       [](const Seen& s, Seq seq) { return s.seq < seq; });
      if (at != after_.end() && at->seq == tasks[slot].seq) at->position = position++;
    }
  }
}

void DispatcherWatch::compare() {
  before_.swap(after_);
  look();
  changes_.clear();
  gone_.clear();
  fresh_.clear();
  auto a = before_.begin();
  auto b = after_.begin();
  while (a != before_.end() || b != after_.end()) {
    if (b == after_.end() || (a != before_.end() && a->seq < b->seq)) {
      gone_.push_back(&*a++);
    } else if (a == before_.end() || b->seq < a->seq) {
      fresh_.push_back(&*b++);
    } else {
      if (!(*a == *b)) changes_.push_back({&*a, &*b});
      ++a;
      ++b;
    }
  }
  for (const Change& change : changes_)
    if (change.after->losses > change.before->losses)
      truth_.losses(log_, change.after->seq, change.after->losses);
}

void DispatcherWatch::audit() {
  if (const char* fault = audit_.fault()) broken(std::string("the ventilator's machine: ") + fault);
  const DispatcherCounters& counters = machine_.counters();
  if (counters.credit_exceeded > 0) broken("an honest client was told that it overran its credit");
  if (counters.wrong_message > 0) broken("a ventilator got a message that is not for it");
  if (machine_.unsettled() > plan_.max_tasks) broken("a ventilator has more tasks than its limit");
  if (audit_.remembered_boots() > 1024) broken("too many lost boots are remembered");
  if (!machine_.has_room()) return;
  for (const auto& [peer, client] : audit_.all_clients())
    if (client.unused() == 0 || client.unused_bytes() == 0)
      broken(client.name + " has no credit, although there is room");
}

void DispatcherWatch::only(const std::function<bool(const Seen&, const Seen&)>& legal,
                           const char* input) {
  for (const Change& change : changes_)
    if (!legal(*change.before, *change.after))
      illegal(*change.after, std::string("changed by ") + input + " from " +
                                 std::string(name(change.before->state)) + ", which may not be");
}

// A task that is gone was settled: its outcome must be on a disk, with the status that counts.
void DispatcherWatch::gone(bool allowed, const Ack* named) {
  bool unsure = false;  // it came back from a journal after its sink had forgotten its status
  for (const Seen* task : gone_) {
    if (!allowed) broken(name_of(log_, task->seq) + " was forgotten");
    const core::Status status = truth_.settled(log_, task->seq);
    ++settled_[static_cast<std::size_t>(status)];
    unsure = unsure || truth_.is_below_floor(log_, task->seq);
    not_before_.erase(task->seq);
    if (named == nullptr) continue;
    const bool is_named = std::any_of(named->entries.begin(), named->entries.end(),
                                      [&](const AckEntry& e) { return e.seq == task->seq; });
    if (!is_named) broken(name_of(log_, task->seq) + " was settled by an ACK of other tasks");
  }
  for (std::size_t i = 0; i < 4; ++i)
    if (unsure)
      settled_[i] = machine_.counters().settled[i];
    else if (machine_.counters().settled[i] != settled_[i])
      broken("a ventilator has counted another status than the one that is stored");
}

void DispatcherWatch::received(PeerId from, const Envelope& in, Time now) {
  compare();
  const bool is_submit = std::holds_alternative<Submit>(in.message);
  if (!fresh_.empty() && !is_submit) broken("a task came from nowhere");
  const auto* ack = std::get_if<Ack>(&in.message);
  gone(ack != nullptr, ack);
  if (const auto* hello = std::get_if<Hello>(&in.message)) return on_hello(from, *hello, now);
  if (is_submit) return on_submit(now);
  const auto known = sessions_.find(in.sid);
  const bool counts = known != sessions_.end() && known->second.peer == from;
  if (counts) known->second.heard = now;
  if (const auto* cancel = std::get_if<CancelTasks>(&in.message)) {
    for (const Seq seq : cancel->seqs)
      if (audit_.table().find(seq) != kNoTask) truth_.cancel_asked(log_, seq);
    return only(
        [&](const Seen& a, const Seen& b) {
          const bool is_named =
              std::find(cancel->seqs.begin(), cancel->seqs.end(), a.seq) != cancel->seqs.end();
          return is_named && same_counts(a, b) &&
                 (a.state == TaskState::leased ? b.lease == a.lease
                  : a.awaits                   ? b.awaits
                                               : b.state == TaskState::settling);
        },
        "CANCEL");
  }
  if (!counts) return only([](const Seen&, const Seen&) { return false; }, "a message of nobody");
  if (const auto* state = std::get_if<State>(&in.message)) {
    Session& it = known->second;
    if (in.n > it.state_n) {
      it.state_n = in.n;
      it.limit = std::max(it.limit, state->tasks_limit);
      it.bytes_limit = std::max(it.bytes_limit, state->bytes_limit);
      it.busy_until = now + from_ms(state->busy_ms);
      if (state->lane_rx > it.lane_rx) {
        it.lane_rx = state->lane_rx;
        it.lane_short_since = now;
      }
    }
  }
  if (const auto* inventory = std::get_if<Inventory>(&in.message))
    return on_inventory(in.sid, *inventory);
  if (const auto* nack = std::get_if<Nack>(&in.message)) return on_nack(in.sid, *nack, now);
  if (const auto* back = std::get_if<Return>(&in.message))
    return only(
        [&](const Seen& a, const Seen& b) {
          return same_counts(a, b) && a.state == TaskState::leased && is_open(b) &&
                 std::any_of(back->entries.begin(), back->entries.end(), [&](const LeaseRef& e) {
                   return e.seq == a.seq && e.lease == a.lease;
                 });
        },
        "RETURN");
  if (const auto* gap = std::get_if<Gap>(&in.message))
    return only(
        [&](const Seen& a, const Seen& b) {
          return same_counts(a, b) && a.state == TaskState::leased && is_open(b) &&
                 a.sid == in.sid && a.lane_n >= gap->first && a.lane_n <= gap->last;
        },
        "GAP");
  if (std::holds_alternative<Goodbye>(in.message))
    return only(
        [&](const Seen& a, const Seen& b) {
          return same_counts(a, b) && a.sid == in.sid && is_open(b);
        },
        "GOODBYE");
  only([](const Seen&, const Seen&) { return false; }, "a message that is not about tasks");
}

void DispatcherWatch::on_submit(Time now) {
  for (const Seen* task : fresh_) {
    const TaskRecord& it = record(task->seq);
    truth_.accepted(log_, task->seq, it.payload(), it.key(), Time(from_ms(wall(now))));
    const auto token = token_of(it.payload());
    const TaskPlan& plan = plan_.tasks[*token];
    if (plan.delay_ms > 0) not_before_[task->seq] = now + from_ms(plan.delay_ms);
    if (audit_.type_name(it.type) != kTypes[plan.type]) illegal(*task, "it has another type");
  }
  only([](const Seen&, const Seen&) { return false; }, "SUBMIT");
}

// The leases of the same boot move over as they are; losses charged for it are refunded.
void DispatcherWatch::on_hello(PeerId from, const Hello& hello, Time now) {
  const WorkerSession* fresh = nullptr;
  for (const WorkerSession& each : audit_.all_sessions())
    if (each.sid != Sid{} && each.peer == from) fresh = &each;
  const bool is_new = fresh != nullptr && sessions_.count(fresh->sid) == 0;
  std::set<Seq> refunds;
  if (is_new)
    if (const auto at = charged_.find(hello.boot); at != charged_.end()) {
      refunds = at->second;
      charged_.erase(at);
    }
  for (const Seen& task : after_) {
    if (refunds.count(task.seq) == 0) continue;
    const auto at = std::find_if(before_.begin(), before_.end(),
                                 [&](const Seen& s) { return s.seq == task.seq; });
    if (at != before_.end() && at->losses > 0 && task.losses + 1 != at->losses)
      illegal(task, "a loss was not refunded");
  }
  only(
      [&](const Seen& a, const Seen& b) {
        const bool moved = a.sid == b.sid || (fresh != nullptr && b.sid == fresh->sid &&
                                              sessions_.count(a.sid) > 0 &&
                                              sessions_[a.sid].boot == hello.boot);
        const bool refunded = a.losses == b.losses ||
                              (a.losses == b.losses + 1 && refunds.count(a.seq) > 0);
        return moved && refunded && a.lease == b.lease && a.state == b.state &&
               a.executions == b.executions && a.failures == b.failures;
      },
      "HELLO");
  if (fresh == nullptr) return;
  Session& it = sessions_[fresh->sid];
  it.boot = hello.boot;
  it.peer = from;
  it.heard = now;
  it.slots = hello.slots;
}

void DispatcherWatch::on_inventory(Sid sid, const Inventory& inventory) {
  Session& it = sessions_[sid];
  std::map<Seq, HeldState> named;
  for (const HeldTask& held : inventory.held) {
    it.inventory.insert({held.seq, held.lease});
    named[held.seq] = held.state;
  }
  only(
      [&](const Seen& a, const Seen& b) {
        if (!same_counts(a, b)) return false;
        // It was there and has not started, or all have spoken.
        if (a.awaits && b.state != TaskState::leased)
        {
          // A NACK that may have been written is not heard again: it is left out.
          if (a.executions > 0 && named.count(a.seq) > 0 &&
              named[a.seq] == HeldState::nack_open)
            truth_.may_run_again(log_, a.seq);
          return !b.awaits && (!machine_.is_recovering() || named.count(a.seq) > 0);
        }
        if (a.state == TaskState::leased)  // it never arrived there
          return a.sid == sid && inventory.last && is_open(b) &&
                 it.inventory.count({a.seq, a.lease}) == 0;
        // It runs there, or has: it is left to that worker.
        return (a.state == TaskState::ready || a.state == TaskState::delayed) &&
               b.state == TaskState::leased && b.sid == sid && named.count(a.seq) > 0 &&
               named[a.seq] != HeldState::queued &&
               (a.awaits || named[a.seq] != HeldState::nack_open);
      },
      "INVENTORY");
  for (const Seen& task : after_) {
    if (task.state == TaskState::leased && task.sid == sid && inventory.last &&
        it.inventory.count({task.seq, task.lease}) == 0 && named.count(task.seq) == 0)
      illegal(task, "is left with a worker that does not have it");
    if (task.lease > newest_lease_) newest_lease_ = task.lease;
  }
}

// Rule 5: only with the current lease. What is charged stands in section 6, "NACK".
void DispatcherWatch::on_nack(Sid sid, const Nack& nack, Time now) {
  only(
      [&](const Seen& a, const Seen& b) {
        const auto entry =
            std::find_if(nack.entries.begin(), nack.entries.end(), [&](const NackEntry& e) {
              return e.seq == a.seq && e.lease == a.lease;
            });
        if (entry == nack.entries.end() || a.state != TaskState::leased || a.sid != sid)
          return false;
        const bool failure = entry->reason == NackReason::failed ||
                             entry->reason == NackReason::timeout ||
                             entry->reason == NackReason::crashed;
        const bool charged = b.failures == a.failures + (failure ? 1 : 0) &&
                             b.executions == a.executions + (entry->started ? 1 : 0) &&
                             b.losses == a.losses;
        if (!charged || !is_open(b)) return false;
        const TaskRecord& it = record(a.seq);
        if (failure && (b.state == TaskState::settling) !=
                           (b.failures >= it.max_attempts || a.cancel))
          return false;
        if (b.state == TaskState::delayed) {
          const std::uint64_t most = it.backoff_most_ms;
          const std::uint32_t doublings = std::min(b.failures - 1, 63U);
          const std::uint64_t full =
              it.backoff_ms > (most >> doublings) ? most : it.backoff_ms << doublings;
          const std::uint64_t wait = entry->retry_ms > 0 ? entry->retry_ms
                                     : failure           ? full / 2
                                                         : 1000;
          not_before_[a.seq] = now + from_ms(wait);
        }
        return true;
      },
      "NACK");
}

std::uint32_t DispatcherWatch::held_before(Sid sid) const {
  return static_cast<std::uint32_t>(std::count_if(
      before_.begin(), before_.end(), [&](const Seen& task) { return task.sid == sid; }));
}

void DispatcherWatch::peer_gone(PeerId peer) {
  compare();
  gone(false, nullptr);
  Sid sid{};
  for (auto& [each, known] : sessions_)
    if (known.peer == peer) {
      sid = each;
      if (!known.is_cut) known.held = held_before(each);
      known.is_cut = true;
    }
  // What may be running waits a grace; the rest goes elsewhere at once.
  only(
      [&](const Seen& a, const Seen& b) {
        const bool legal = same_counts(a, b) && a.state == TaskState::leased && a.sid == sid &&
                           is_open(b) && a.position >= sessions_[sid].slots;
        if (legal) explain(a);  // behind others that may be over
        return legal;
      },
      "a seen disconnect");
}

void DispatcherWatch::heard_from_sink() {
  compare();
  gone(false, nullptr);
  only([](const Seen&, const Seen&) { return false; }, "a sink's message");
}

void DispatcherWatch::advanced(Time now) {
  compare();
  gone(false, nullptr);
  for (auto& [sid, it] : sessions_)
    if (!it.is_cut) it.held = held_before(sid);
  if (!fresh_.empty()) broken("a task came from nowhere");
  for (const Change& change : changes_) on_time(*change.before, *change.after, now);
  for (auto at = sessions_.begin(); at != sessions_.end();)
    at = session(at->first) == nullptr ? sessions_.erase(at) : std::next(at);
}

// What must have been noticed of a session by now; it is looked at a few times a heartbeat.
void DispatcherWatch::overdue(Sid sid, Session& it, Time now) const {
  const Timers timers{plan_.heartbeat};
  const Duration slack = timers.heartbeat / 4;
  const WorkerSession& its = *session(sid);
  if (now - std::max(it.heard, it.busy_until) > timers.reclaim() + slack)
    broken(its.name + " is silent for longer than R and keeps its leases");
  if (its.suspect || its.phase != SessionPhase::active) it.trusted_since = now;
  const bool is_short = its.push_lane && it.lane_rx < it.lane_n;
  if (is_short &&
      now - std::max(it.lane_short_since, it.trusted_since) > timers.heartbeat * 2 + slack &&
      now - it.asked > timers.heartbeat + slack)
    broken("what the lane of " + its.name + " has lost was not noticed");
}

void DispatcherWatch::on_time(const Seen& before, const Seen& after, Time now) {
  if (before.state == TaskState::settling) illegal(after, "time changed a task that is settling");
  if (after.failures != before.failures) illegal(after, "time charged a failure");
  const TaskRecord& task = record(after.seq);
  // What may be running when its time is over has had that execution.
  const bool was_run = before.state == TaskState::leased &&
                       after.executions == before.executions + 1 &&
                       after.losses == before.losses;
  const bool expires = after.state == TaskState::settling && task.expires != Time{} &&
                       task.expires <= now && (same_counts(before, after) || was_run);
  if (expires) return;
  if (before.awaits) {
    if (now < began_ + Timers{plan_.heartbeat}.reclaim())
      illegal(after, "does not wait for inventories");
    if (after.awaits || !same_counts(before, after)) illegal(after, "came back in another way");
    return truth_.may_run_again(log_, after.seq);
  }
  if (before.state == TaskState::leased) return lost(before, after, now);
  if (before.state != TaskState::delayed || !same_counts(before, after))
    illegal(after, "changed by time from " + std::string(name(before.state)));
  const auto earliest = not_before_.find(after.seq);
  if (earliest != not_before_.end() && now < earliest->second)
    illegal(after, "is ready before its delay is over");
}

// Its lease is taken back without a word from its worker.
void DispatcherWatch::explain(const Seen& task) {
  truth_.may_run_again(log_, task.seq, truth_.life_of(sessions_.at(task.sid).boot));
}

// A lease that ends by time: its worker was silent for R, or seen to go; or its lane lost it.
void DispatcherWatch::lost(const Seen& before, const Seen& after, Time now) {
  const auto known = sessions_.find(before.sid);
  if (known == sessions_.end()) illegal(after, "had a session that nobody has seen");
  const Session& it = known->second;
  if (const WorkerSession* still = session(before.sid)) {
    if (!same_counts(before, after)) illegal(after, "was charged, but its worker lives");
    if (before.lane_n > still->void_n) illegal(after, "was taken back, but its lane has it");
    // It may have come all the same; but its worker was asked, with time to answer.
    if (it.asked >= it.lane_short_since && now - it.asked >= plan_.heartbeat / 2)
      explain(before);
    return;
  }
  const Duration reclaim = plan_.heartbeat * 12;
  explain(before);
  const bool silent = now - std::max(it.heard, it.busy_until) > reclaim;
  if (!silent && !it.is_cut) illegal(after, "its worker was lost, though it spoke in time");
  if (after.losses > before.losses + 1 || after.executions > before.executions + 1)
    illegal(after, "was charged more than one loss");
  if (after.losses == before.losses) return;
  charged_[it.boot].insert(after.seq);
  // "Alone before blamed": only a loss in a trial goes over the brink.
  if (after.losses >= record(after.seq).max_losses && it.held > 1)
    illegal(after, "was blamed for a loss, but did not run alone");
}

void DispatcherWatch::sent_tasks(Sid sid, std::uint64_t n, const Tasks& tasks, Time now) {
  const auto known = sessions_.find(sid);
  // The probe of a worker that has said GOODBYE in the same turn.
  if (known == sessions_.end() && tasks.entries.empty()) return;
  if (known == sessions_.end()) broken("TASKS for a session that nobody has seen");
  Session& it = known->second;
  if (tasks.tasks_before != it.sent || tasks.bytes_before != it.sent_bytes)
    broken("TASKS names wrong totals before it");
  if (n > 0 && it.lane_rx == it.lane_n) it.lane_short_since = now;
  if (n > 0 && n != ++it.lane_n) broken("TASKS has a wrong number");
  it.lane_rx = std::max(it.lane_rx, tasks.void_n);
  const Timers timers{plan_.heartbeat};
  const Duration quiet = now - std::max(it.heard, it.busy_until);
  if (!tasks.entries.empty() && quiet > timers.dead() + timers.heartbeat / 4)
    broken("TASKS for a worker that is silent for longer than D");
  if (!tasks.entries.empty() && it.is_cut)
    broken("TASKS for a worker whose connection was seen to go");
  for (const TaskEntry& entry : tasks.entries) {
    ++it.sent;
    it.sent_bytes += entry.payload.size();
    const TaskRecord& task = record(entry.seq);
    truth_.sent(log_, entry, truth_.life_of(it.boot));
    if (const auto at = not_before_.find(entry.seq); at != not_before_.end()) {
      if (now < at->second)
        broken(name_of(log_, entry.seq) + " was sent before its delay was over");
      not_before_.erase(at);
    }
    if (entry.lease != task.lease) broken(name_of(log_, entry.seq) + ": a lease it does not have");
    if (entry.attempt != task.executions + 1)
      broken(name_of(log_, entry.seq) + " was sent as a wrong attempt");
    const bool last = task.failures + 1 >= task.max_attempts;
    if (((entry.flags & kLastAttempt) != 0) != last)
      broken(name_of(log_, entry.seq) + ": its last attempt is not flagged, or another is");
    if (((entry.flags & kTaskWanted) != 0) != task.wanted)
      broken(name_of(log_, entry.seq) + ": the flag \"wanted\" was lost");
    if (task.suspect && session(sid)->held.count > 1)
      broken(name_of(log_, entry.seq) + " is a suspect and does not run alone");
  }
  if (it.sent > it.limit || it.sent_bytes > it.bytes_limit)
    broken("TASKS beyond the credit of its worker");
}

void DispatcherWatch::took(const DispatcherEffects& effects, Time now) {
  compare();
  gone(true, nullptr);
  if (!fresh_.empty()) broken("a task came from nowhere");
  only(
      [&](const Seen& a, const Seen& b) {
        if (a.state != TaskState::ready || b.state != TaskState::leased) return false;
        const WorkerSession* to = session(b.sid);
        return same_counts(a, b) && b.lease > newest_lease_ && to != nullptr && !to->suspect &&
               to->phase == SessionPhase::active;
      },
      "dispatching");
  for (const Seen& task : after_) newest_lease_ = std::max(newest_lease_, task.lease);
  for (const auto& send : effects.to_peers)
    if (const auto it = sessions_.find(send.envelope.sid);
        it != sessions_.end() && it->second.asked < it->second.lane_short_since &&
        std::holds_alternative<Ping>(send.envelope.message))
      it->second.asked = now;
  // A word about void_n was made before anything was dispatched.
  for (const bool notices : {true, false}) {
    for (const auto& send : effects.to_peers)
      if (const auto* tasks = std::get_if<Tasks>(&send.envelope.message))
        if ((send.envelope.n == 0) == notices)
          sent_tasks(send.envelope.sid, send.envelope.n, *tasks, now);
  }
  for (const auto& send : effects.to_lanes)
    sent_tasks(send.sid, send.envelope.n, std::get<Tasks>(send.envelope.message), now);
  for (const auto& send : effects.to_sinks)
    if (const auto* floor = std::get_if<Floor>(&send.envelope.message))
      truth_.floor_told(floor->log, floor->floor);
  for (auto& [sid, it] : sessions_)
    if (session(sid) != nullptr) overdue(sid, it, now);
  if (machine_.is_recovering() && now > began_ + Timers{plan_.heartbeat}.reclaim())
    broken("a ventilator waits for inventories for longer than R");
  audit();
}

void DispatcherWatch::halted() {
  halted_ = true;
  truth_.log_halted(log_);
  compare();
  gone(false, nullptr);
}

}  // namespace sluice::sim
