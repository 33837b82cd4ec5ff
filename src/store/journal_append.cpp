// journal_append.cpp: a turn becomes a transaction; what can wait, in small pieces.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <span>

#include "core/assert.hpp"
#include "store/journal_parts.hpp"

namespace sluice::store {

using core::raw;

void Journal::Parts::check_alive() const {
  if (!broken_.empty()) throw Error(broken_);
  if (options.owner.before_write) options.owner.before_write();
}

// After a failed fsync the kernel may have dropped the pages and forgotten the error: trying again
// could say yes without the data being there.
void Journal::Parts::broke(const DatabaseError& error) {
  database_.leave_wal(true);
  broken_ = std::string(error.what()) +
            ". Nothing more is confirmed: start the ventilator again when that is cured; what it "
            "confirmed is in the journal";
  throw Error(broken_);
}

void Journal::Parts::take_back(const JournalState& before) {
  state = before;
  batches_.forget();
  if (database_.in_transaction()) database_.run("ROLLBACK");
}

Journal::Append Journal::Parts::append(const core::JournalTurn& turn) {
  check_alive();
  if (turn.empty()) return Append::stored;
  try {
    const bool raised =
        turn.numbers_reserved != core::Seq{} || turn.dispatched_up_to != core::Seq{};
    bool stored = try_append(turn);
    if (!stored) {
      // What is in the -wal file already may make room in it, and there is the reserve.
      reserve.give_up();
      checkpoint_if(1);
      stored = try_append(turn);
    }
    if (!stored) return Append::full;
    ++turns_;
    if (options.sync == JournalSync::always) {
      ++syncs_;
    } else if (raised) {
      sync();
    }
    checkpoint_if(options.checkpoint_pages + options.checkpoint_pages / 4);
    if (!reserve.is_held() && turns_ % kTurnsBetweenLooks == 0) reserve.take();
  } catch (const DatabaseError& error) {
    broke(error);
  }
  return Append::stored;
}

// False if there was no room for it.
bool Journal::Parts::try_append(const core::JournalTurn& turn) {
  const JournalState before = state;
  if (options.owner.before_write) options.owner.before_write();
  try {
    begin_.run();
    write(turn);
    free_pages();
    ++state.turn;
    write_state(put_state_, state);
    commit_.run();
    return true;
  } catch (const DatabaseError& error) {
    take_back(before);
    if (error.kind() != DatabaseError::Kind::full) throw;
    trouble = error.what();
    return false;
  }
}

void Journal::Parts::write(const core::JournalTurn& turn) {
  state.numbers_reserved = std::max(state.numbers_reserved, turn.numbers_reserved);
  state.dispatched_up_to = std::max(state.dispatched_up_to, turn.dispatched_up_to);
  write_tasks(turn);
  for (const core::JournalChange& change : turn.task_changes) write_change(change);
  for (const core::SeqRange& run : turn.tasks_settled) {
    batches_.settle(run, state);
    if (state.changes == 0) continue;
    drop_changes_.bind(1, raw(run.first)).bind(2, raw(run.last)).run();
    state.changes -= database_.changed_rows();
  }
  batches_.flush(state);
  write_dedup(turn);
  for (const core::Boot& boot : turn.workers_joined)
    put_worker_.bind(1, std::as_bytes(std::span(boot))).run();
  for (const core::Boot& boot : turn.workers_left)
    drop_worker_.bind(1, std::as_bytes(std::span(boot))).run();
}

// Neighbours in number go into one row.
void Journal::Parts::write_tasks(const core::JournalTurn& turn) {
  std::uint64_t first = 0;
  writer_.clear();
  for (const core::JournalTask& task : turn.tasks_taken) {
    SLUICE_ASSERT(task.seq <= state.numbers_reserved);
    const bool follows = raw(task.seq) == first + writer_.count();
    if (writer_.count() > 0 && (!follows || writer_.is_full())) write_batch(first, turn.now_ms);
    if (writer_.count() == 0) first = raw(task.seq);
    writer_.add(task);
    ++state.tasks;
    state.seq_sum += raw(task.seq);
  }
  if (writer_.count() > 0) write_batch(first, turn.now_ms);
}

void Journal::Parts::write_batch(std::uint64_t first, core::WallMs now_ms) {
  const std::uint64_t count = writer_.count();
  put_batch_.bind(1, first)
      .bind(2, count)
      .bind(3, now_ms)
      .bind(4, std::uint64_t{crc_of_batch(first, count, now_ms, writer_.bytes())})
      .bind(5, writer_.bytes())
      .run();
  batches_.added(first, count);
  ++state.batches;
  writer_.clear();
}

void Journal::Parts::write_change(const core::JournalChange& change) {
  const auto put = [&change](Statement& statement) {
    statement.bind(1, raw(change.seq))
        .bind(2, std::uint64_t{change.executions})
        .bind(3, std::uint64_t{change.failures})
        .bind(4, std::uint64_t{change.losses})
        .bind(5, flags_of(change))
        .bind(6, change.not_before_ms)
        .bind(7, static_cast<std::uint64_t>(change.status))
        .bind(8, change.why)
        .bind(9, std::uint64_t{crc_of_change(change)})
        .run();
  };
  if (state.changes > 0) {
    put(update_change_);
    if (database_.changed_rows() > 0) return;
  }
  put(insert_change_);
  ++state.changes;
}

void Journal::Parts::write_dedup(const core::JournalTurn& turn) {
  keys_.clear();
  answers_.clear();
  for (const core::JournalTask& task : turn.tasks_taken)
    if (!task.key.empty()) put_key(keys_, task);
  for (const core::JournalAnswer& answer : turn.submits_answered) put_answer(answers_, answer);
  if (keys_.empty() && answers_.empty()) return;
  put_dedup_.bind(1, state.turn)
      .bind(2, turn.now_ms)
      .bind(3, std::uint64_t{crc_of_dedup(state.turn, turn.now_ms, keys_, answers_)})
      .bind(4, core::Bytes(keys_))
      .bind(5, core::Bytes(answers_))
      .run();
  ++state.dedups;
}

void Journal::Parts::sync() {
  check_alive();
  try {
    database_.sync();
    ++syncs_;
  } catch (const DatabaseError& error) {
    broke(error);
  }
}

void Journal::Parts::forget(core::WallMs older_than) {
  check_alive();
  const JournalState before = state;
  try {
    // They lie in order of time, unless somebody has set the clock.
    Statement oldest(database_, "SELECT turn FROM dedup WHERE since_ms>=? ORDER BY turn LIMIT 1");
    oldest.bind(1, older_than);
    const bool some_stay = oldest.step();
    const std::uint64_t end = some_stay ? oldest.number(0) : state.turn + 1;
    oldest.reset();
    Statement any(database_, "SELECT 1 FROM dedup WHERE turn<? LIMIT 1");
    any.bind(1, end);
    if (!any.step()) return;
    any.reset();
    begin_.run();
    Statement drop(database_, "DELETE FROM dedup WHERE turn<?");
    drop.bind(1, end).run();
    state.dedups -= database_.changed_rows();
    write_state(put_state_, state);
    commit_.run();
  } catch (const DatabaseError& error) {
    take_back(before);
    if (error.kind() != DatabaseError::Kind::full) broke(error);
    trouble = error.what();  // another time
  }
}

// In the transaction of a turn. Free pages are used again first; only when a quarter of the file
// is free does it shrink, until an eighth is.
void Journal::Parts::free_pages() {
  constexpr std::uint64_t kLeastFree = 1024;
  if (!freeing_ && turns_ % kTurnsBetweenLooks != 0) return;
  const auto ask = [](Statement& statement) {
    const std::uint64_t value = statement.step() ? statement.number(0) : 0;
    statement.reset();
    return value;
  };
  const std::uint64_t free = ask(free_count_), all = ask(page_count_);
  freeing_ = free > kLeastFree && free > all / (freeing_ ? 8 : 4);
  if (freeing_) free_some_.run();
}

// True if it was done.
bool Journal::Parts::checkpoint_if(int pages) {
  if (database_.wal_pages() < pages) return false;
  try {
    database_.checkpoint();
    ++checkpoints_;
    return true;
  } catch (const DatabaseError& error) {
    // The pages stay where they are, in the -wal file.
    if (error.kind() != DatabaseError::Kind::full) throw;
    trouble = error.what();
    return false;
  }
}

bool Journal::Parts::tidy() {
  check_alive();
  const JournalState before = state;
  try {
    if (checkpoint_if(options.checkpoint_pages)) return freeing_;
    if (!reserve.is_held()) reserve.take();
    if (!freeing_) return false;
    begin_.run();
    free_pages();
    commit_.run();
    return freeing_;
  } catch (const DatabaseError& error) {
    take_back(before);
    if (error.kind() != DatabaseError::Kind::full) broke(error);
    trouble = error.what();
    return false;
  }
}

}  // namespace sluice::store
