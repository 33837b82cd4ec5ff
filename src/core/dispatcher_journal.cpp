// dispatcher_journal.cpp: what is written of a turn, and what a restart makes of it.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "core/assert.hpp"
#include "core/dispatcher.hpp"

namespace sluice::core {
namespace {

// More has become of it than that it was taken.
bool has_history(const TaskRecord& task) {
  return task.state == TaskState::settling || task.cancel_requested || task.executions > 0 ||
         task.failures > 0 || task.losses > 0 || task.suspect;
}

// Written ahead, so that a turn writes them seldom: numbers lost at a restart, and tasks that
// wait for inventories there although they were never dispatched.
constexpr std::uint64_t kNumbersAhead = 1ULL << 17;
constexpr std::uint64_t kDispatchedAhead = 4096;
// What nobody but an ACKED waits for is written with the next task that comes, or after so long,
// or when it is so much: losing it costs a repeated word.
constexpr Duration kLongestUnwritten = 5ms;
constexpr std::size_t kMostUnwritten = 4096;

}  // namespace

// --- what a turn leaves ------------------------------------------------------

WallMs Dispatcher::wall(Time at) const {
  if (at == Time{}) return 0;
  return options_.wall_at_zero + to_ms(at - Time{});
}

// An instant before Time{} is long past: the first one that is none.
Time Dispatcher::time_of(WallMs at) const {
  if (at == 0) return Time{};
  if (at <= options_.wall_at_zero) return Time{} + Duration(1);
  return Time{} + from_ms(at - options_.wall_at_zero);
}

void Dispatcher::note_changed(TaskSlot slot) {
  TaskRecord& task = tasks_[slot];
  if (task.journaled != Journaled::current) return;
  task.journaled = Journaled::outdated;
  changed_.push_back(task.seq);
}

void Dispatcher::note_ending(TaskSlot slot, Status status, std::string_view why) {
  if (!options_.journal) return;
  endings_[tasks_[slot].seq] = {status, std::string(why)};
  new_endings_ = true;
  note_changed(slot);
}

void Dispatcher::note_settled(TaskSlot slot) {
  const TaskRecord& task = tasks_[slot];
  endings_.erase(task.seq);
  if (task.journaled != Journaled::unknown) settled_.push_back(task.seq);
}

// The last word on a worker counts.
void Dispatcher::note_worker(const Boot& boot, bool joined) {
  if (!options_.journal) return;
  JournalTurn& journal = effects_.journal;
  std::erase(joined ? journal.workers_left : journal.workers_joined, boot);
  (joined ? journal.workers_joined : journal.workers_left).push_back(boot);
}

void Dispatcher::note_dispatched(Seq seq) {
  if (!options_.journal || raw(seq) <= dispatched_upto_) return;
  dispatched_upto_ = raw(seq) + kDispatchedAhead;
  effects_.journal.dispatched_up_to = static_cast<Seq>(dispatched_upto_);
}

JournalChange Dispatcher::journal_change(const TaskRecord& task) const {
  JournalChange change;
  change.seq = task.seq;
  change.executions = task.executions;
  change.failures = task.failures;
  change.losses = task.losses;
  if (task.state == TaskState::delayed) change.not_before_ms = wall(task.ready_at);
  change.suspect = task.suspect;
  change.cancel_requested = task.cancel_requested;
  change.wanted = task.wanted;
  const auto ending = endings_.find(task.seq);
  if (ending == endings_.end()) return change;
  change.settling = change.with_payload = true;
  change.status = ending->second.first;
  change.why = ending->second.second;
  return change;
}

JournalTask Dispatcher::journal_task(const TaskRecord& task) const {
  JournalTask out;
  out.seq = task.seq;
  out.type = type_names_[task.type];
  out.key = task.key();
  out.payload = task.payload();
  out.sink = task.sink;
  out.priority = task.priority;
  out.max_attempts = task.max_attempts;
  out.max_losses = task.max_losses;
  out.exec_ms = task.exec_ms;
  out.backoff_ms = task.backoff_ms;
  out.backoff_most_ms = task.backoff_most_ms;
  out.expires_ms = wall(task.expires);
  if (task.state == TaskState::delayed) out.not_before_ms = wall(task.ready_at);
  out.wanted = task.wanted;
  if (task.key_bytes > 0) out.fingerprint = fingerprint_of(out.key, out.type, out.payload);
  return out;
}

JournalTask Dispatcher::journal_task(const Backlog::Entry& entry) const {
  const PackedTask& task = entry.task;
  JournalTask out;
  out.seq = task.seq;
  out.type = type_names_[entry.type];
  out.key = task.key;
  out.payload = task.payload;
  out.sink = task.sink;
  out.priority = entry.priority;
  out.max_attempts = task.max_attempts;
  out.max_losses = task.max_losses;
  out.exec_ms = task.exec_ms;
  out.backoff_ms = task.backoff_ms;
  out.backoff_most_ms = task.backoff_most_ms;
  out.wanted = task.wanted;
  if (!task.key.empty()) out.fingerprint = fingerprint_of(task.key, out.type, out.payload);
  return out;
}

std::uint64_t Dispatcher::fingerprint_of(std::string_view key, std::string_view type,
                                         Bytes payload) const {
  const KeyWindow::Known* known = keys_.find(key);
  return known != nullptr ? known->fingerprint : fingerprint(type, payload);
}

// Whether this turn's records are to be written now, or with those of a later one.
bool Dispatcher::writes_journal(Time now) {
  const JournalTurn& journal = effects_.journal;
  const std::size_t unwritten = changed_.size() + settled_.size();
  const std::uint64_t next = raw(tasks_.numbers().next_seq());
  const bool at_once = !taken_.empty() || !answered_.empty() || new_endings_ || !journal.empty() ||
                       next + kNumbersAhead / 2 > numbers_below_;
  if (!at_once && unwritten == 0) return acked_due_.size() > 0;
  if (at_once || unwritten >= kMostUnwritten || std::exchange(write_is_due_, false)) {
    written_by_.reset();
    write_is_due_ = false;
    return true;
  }
  if (!written_by_) written_by_ = now + kLongestUnwritten;
  return false;
}

void Dispatcher::not_written(const JournalTurn& turn) {
  for (const JournalTask& taken : turn.tasks_taken) {
    if (backlog_.holds(taken.seq))
      backlog_.not_written(taken.seq);
    else
      tasks_[tasks_.find(taken.seq)].journaled = Journaled::unknown;
    taken_.push_back(taken.seq);
  }
  for (const JournalChange& change : turn.task_changes) {
    const TaskSlot slot = tasks_.find(change.seq);
    new_endings_ = new_endings_ || change.settling;
    note_changed(slot);
  }
  for (const SeqRange& run : turn.tasks_settled)
    for (Seq seq = run.first; seq <= run.last; seq = next(seq)) settled_.push_back(seq);
  for (const JournalAnswer& answer : turn.submits_answered) {
    Answer& again = answered_.emplace_back(Answer{answer.boot, answer.cno, {}});
    again.confirm.first = answer.first;
    again.confirm.exceptions.assign(answer.exceptions.begin(), answer.exceptions.end());
  }
  for (const Boot& boot : turn.workers_joined) note_worker(boot, true);
  for (const Boot& boot : turn.workers_left) note_worker(boot, false);
  if (turn.numbers_reserved != Seq{}) numbers_below_ = 0;
  if (turn.dispatched_up_to != Seq{}) dispatched_upto_ = 0;
}

// What was taken and settled within the same turns never was.
void Dispatcher::write_journal(Time now) {
  JournalTurn& journal = effects_.journal;
  journal.now_ms = wall(now);
  new_endings_ = false;
  told_answers_.clear();
  for (const Seq seq : taken_) {
    if (backlog_.holds(seq)) {
      journal.tasks_taken.push_back(journal_task(backlog_.read(seq)));
      backlog_.written(seq);
      continue;
    }
    const TaskSlot slot = tasks_.find(seq);
    if (slot == kNoTask) continue;
    TaskRecord& task = tasks_[slot];
    task.journaled = Journaled::current;
    journal.tasks_taken.push_back(journal_task(task));
    if (has_history(task)) note_changed(slot);
  }
  taken_.clear();
  for (const Seq seq : changed_) {
    const TaskSlot slot = tasks_.find(seq);
    if (slot == kNoTask) continue;
    tasks_[slot].journaled = Journaled::current;
    journal.task_changes.push_back(journal_change(tasks_[slot]));
  }
  changed_.clear();
  for (const Seq seq : settled_) journal.settle(seq);
  settled_.clear();
  for (const Answer& answer : answered_)
    journal.submits_answered.push_back(
        {answer.boot, answer.cno, answer.confirm.first, answer.confirm.exceptions, 0});
  // The records point into them until the next ones are written.
  told_answers_.swap(answered_);
  const std::uint64_t next = raw(tasks_.numbers().next_seq());
  if (next + kNumbersAhead / 2 <= numbers_below_) return;
  numbers_below_ = next + kNumbersAhead;
  journal.numbers_reserved = static_cast<Seq>(numbers_below_ - 1);
}

// --- another life ------------------------------------------------------------

void Dispatcher::restore_numbers(Seq next, Seq dispatched) {
  tasks_.numbers().begin_at(next);
  numbers_below_ = raw(next);
  dispatched_upto_ = raw(dispatched);
  dispatched_before_ = dispatched;
}

void Dispatcher::restore(const JournalKey& key, Time now) {
  keys_.remember(key.key, key.seq, key.fingerprint, std::min(time_of(key.accepted_ms), now));
}

void Dispatcher::restore(const JournalAnswer& answer, Time now) {
  SubmitConfirm confirm;
  confirm.first = answer.first;
  confirm.exceptions.assign(answer.exceptions.begin(), answer.exceptions.end());
  submits_.remember(answer.boot, answer.cno, {std::move(confirm), Sid{}},
                    std::min(time_of(answer.answered_ms), now));
}

void Dispatcher::restore(const JournalTask& from, const JournalChange* change, Time now) {
  tasks_.numbers().restore(from.seq);
  Backlog::Entry entry;
  entry.type = intern_type(from.type);
  entry.priority = from.priority;
  entry.written = true;
  entry.task = packed(from);
  // Case 27: the list of sinks only grows, so that a number never means another one.
  entry.task.sink =
      producers_.empty() ? 0 : from.sink % static_cast<std::uint32_t>(producers_.size());
  if (change == nullptr && from.expires_ms == 0 && from.not_before_ms == 0 &&
      is_far(entry.type, entry.priority))
    return backlog_.put_written(entry.type, entry.priority, entry.task);
  const TaskSlot slot = take_slot(entry);
  TaskRecord& task = tasks_[slot];
  task.expires = time_of(from.expires_ms);
  JournalChange as_taken;
  as_taken.wanted = from.wanted;
  as_taken.not_before_ms = from.not_before_ms;
  const JournalChange& state = change != nullptr ? *change : as_taken;
  task.executions = state.executions;
  task.failures = state.failures;
  task.losses = state.losses;
  task.suspect = state.suspect;
  task.wanted = state.wanted;
  task.cancel_requested = state.cancel_requested;
  if (state.settling) {
    task.awaits_inventory = false;
    return settle_here(slot, state.status, state.why, now);
  }
  if (task.expires != Time{}) set_task_timer(TimerHeap::Kind::task_expires, task.expires, slot);
  if (task.awaits_inventory) {
    task.ready_at = time_of(state.not_before_ms);
  } else if (const Time at = time_of(state.not_before_ms); at > now) {
    task.ready_at = at;
    set_task_timer(TimerHeap::Kind::task_ready, at, slot);
  } else {
    make_ready(slot, false, now);
  }
}

void Dispatcher::restored(const std::vector<Boot>& workers, Time now) {
  absent_.insert(workers.begin(), workers.end());
  recovery_ends_ = now + options_.timers.reclaim();
  if (absent_.empty()) end_recovery(now);
}

// Rule 17: "after a restart only tasks at or below it wait for inventories".
void Dispatcher::inventory_complete(const Boot& boot, Time now) {
  if (absent_.erase(boot) > 0 && absent_.empty()) end_recovery(now);
}

// Whoever has something of the last life has said so, or is given up.
void Dispatcher::end_recovery(Time now) {
  dispatched_before_ = Seq{};
  for (const Boot& boot : std::exchange(absent_, {})) note_worker(boot, false);
  for (const Seq seq : std::exchange(awaited_, {})) {
    const TaskSlot slot = tasks_.find(seq);
    if (slot == kNoTask || !tasks_[slot].awaits_inventory) continue;
    release(slot, now);
  }
}

// No worker has the task: it goes on where the last life left it.
void Dispatcher::release(TaskSlot slot, Time now) {
  TaskRecord& task = tasks_[slot];
  task.awaits_inventory = false;
  if (task.ready_at > now)
    set_task_timer(TimerHeap::Kind::task_ready, task.ready_at, slot);
  else
    make_ready(slot, false, now);
}

}  // namespace sluice::core
