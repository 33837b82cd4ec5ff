// journal_reader.cpp: batches, what is settled of them, and what has become of the rest.
// SPDX-License-Identifier: MIT
#include "store/journal_reader.hpp"

#include <bit>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "store/journal_codec.hpp"
#include "store/journal_crc.hpp"

namespace sluice::store {
namespace {

using core::raw;
using core::Seq;

std::string name(std::string_view table, std::uint64_t row) {
  return std::string(table) + " " + std::to_string(row);
}
constexpr const char* kBadSum = "its checksum is wrong";

constexpr auto kMostSeq = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

}  // namespace

std::uint32_t crc_of_batch(std::uint64_t first, std::uint64_t count, core::WallMs accepted_ms,
                           core::Bytes tasks) {
  return crc32c(crc32c(crc32c(crc32c(0, first), count), accepted_ms), tasks);
}
std::uint32_t crc_of_bits(std::uint64_t first, core::Bytes bits) {
  return crc32c(crc32c(0, first), bits);
}
std::uint32_t crc_of_dedup(std::uint64_t turn, core::WallMs since_ms, core::Bytes keys,
                           core::Bytes answers) {
  return crc32c(crc32c(crc32c(crc32c(crc32c(0, turn), since_ms), keys.size()), keys), answers);
}
std::uint64_t flags_of(const core::JournalChange& change) {
  return (change.wanted ? 1U : 0U) | (change.cancel_requested ? 2U : 0U) |
         (change.suspect ? 4U : 0U) | (change.settling ? 8U : 0U) |
         (change.with_payload ? 16U : 0U);
}
std::uint32_t crc_of_change(const core::JournalChange& change) {
  std::uint32_t crc = crc32c(0, raw(change.seq));
  for (const std::uint64_t value :
       {std::uint64_t{change.executions}, std::uint64_t{change.failures},
        std::uint64_t{change.losses}, flags_of(change), change.not_before_ms,
        static_cast<std::uint64_t>(change.status)})
    crc = crc32c(crc, value);
  return crc32c(crc, core::as_bytes(change.why));
}

void JournalReader::tasks(core::SeqRange range, const JournalVisitor& visitor) {
  // The batch that holds the first number may begin before it.
  Statement start(database_, "SELECT max(first) FROM batch WHERE first<=?");
  start.bind(1, raw(range.first));
  const std::uint64_t from = start.step() && !start.is_null(0) ? start.number(0) : 0;
  start.reset();
  Statement rows(database_,
                 "SELECT b.first, b.count, b.accepted_ms, b.crc, b.tasks, s.crc, s.bits "
                 "FROM batch b LEFT JOIN settled s ON s.first=b.first "
                 "WHERE b.first BETWEEN ? AND ? ORDER BY b.first");
  rows.bind(1, from).bind(2, raw(range.last));
  Statement changes(database_,
                    "SELECT seq, executions, failures, losses, flags, not_before_ms, status, why, "
                    "crc FROM change WHERE seq BETWEEN ? AND ? ORDER BY seq");
  changes.bind(1, raw(range.first)).bind(2, raw(range.last));
  next_first_ = 0;
  has_change_ = changes_ended_ = false;
  while (rows.step()) {
    ++seen_.batches;
    if (!batch(rows, range, changes, visitor))
      damage(name("batch", rows.number(0)), "its tasks cannot be read");
  }
  change_before(changes, kMostSeq);
}

// False if the bytes of a batch whose checksum is right make no sense.
bool JournalReader::batch(Statement& row, core::SeqRange range, Statement& changes,
                          const JournalVisitor& visitor) {
  const std::uint64_t first = row.number(0), count = row.number(1);
  const core::Bytes bytes = row.bytes(4);
  if (crc_of_batch(first, count, row.number(2), bytes) != row.number(3)) {
    damage(name("batch", first), kBadSum);
    return true;
  }
  if (first < next_first_ || count == 0 || count > kBatchTasks || first > kMostSeq - count)
    return false;
  next_first_ = first + count;
  if (!bits_of(row, 5, first, count)) damage(name("settled", first), kBadSum);
  BatchReader reader(bytes);
  core::JournalTask task;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!reader.next(task)) return false;
    if (!bits_.empty() && is_settled(i)) continue;
    const std::uint64_t seq = first + i;
    if (seq < raw(range.first) || seq > raw(range.last)) continue;
    task.seq = static_cast<Seq>(seq);
    task.accepted_ms = row.number(2);
    change_before(changes, seq);
    const bool changed = has_change_ && raw(change_.seq) == seq;
    ++seen_.tasks;
    seen_.seq_sum += seq;
    if (visitor.task) visitor.task(task, changed ? &change_ : nullptr);
    has_change_ = has_change_ && !changed;
  }
  return reader.at_end();
}

// Reads which tasks of a batch are settled; none if that cannot be read: then they come again,
// which is safe.
bool JournalReader::bits_of(Statement& row, int column, std::uint64_t first, std::uint64_t count) {
  bits_ = {};
  if (row.is_null(column)) return true;
  ++seen_.part_settled;
  const core::Bytes bits = row.bytes(column + 1);
  if (crc_of_bits(first, bits) != row.number(column) || bits.size() != (count + 7) / 8)
    return false;
  bits_ = bits;
  return true;
}

// Goes on to the first change of `seq` or a later one. Those passed belong to nobody.
void JournalReader::change_before(Statement& changes, std::uint64_t seq) {
  for (;;) {
    if (!has_change_ && !changes_ended_) changes_ended_ = !read_change(changes);
    if (!has_change_ || raw(change_.seq) >= seq) return;
    ++orphans_;
    has_change_ = false;
  }
}

// False at the end.
bool JournalReader::read_change(Statement& changes) {
  while (changes.step()) {
    ++seen_.changes;
    core::JournalChange& to = change_;
    to = {};
    to.seq = static_cast<Seq>(changes.number(0));
    to.executions = static_cast<std::uint32_t>(changes.number(1));
    to.failures = static_cast<std::uint32_t>(changes.number(2));
    to.losses = static_cast<std::uint32_t>(changes.number(3));
    const std::uint64_t flags = changes.number(4);
    to.wanted = (flags & 1U) != 0;
    to.cancel_requested = (flags & 2U) != 0;
    to.suspect = (flags & 4U) != 0;
    to.settling = (flags & 8U) != 0;
    to.with_payload = (flags & 16U) != 0;
    to.not_before_ms = changes.number(5);
    to.status = static_cast<core::Status>(changes.number(6) & 3U);
    to.why = changes.text(7);
    has_change_ = crc_of_change(to) == changes.number(8);
    if (has_change_) return true;
    damage(name("change", raw(to.seq)), kBadSum);
  }
  return false;
}

void JournalReader::dedups(const JournalVisitor& visitor) {
  Statement rows(database_, "SELECT turn, since_ms, crc, keys, answers FROM dedup ORDER BY turn");
  std::vector<core::SubmitException> exceptions;
  while (rows.step()) {
    ++seen_.dedups;
    const std::string row = name("dedup", rows.number(0));
    core::Bytes keys = rows.bytes(3), answers = rows.bytes(4);
    if (crc_of_dedup(rows.number(0), rows.number(1), keys, answers) != rows.number(2)) {
      damage(row, kBadSum);
      continue;
    }
    core::JournalKey key;
    key.accepted_ms = rows.number(1);
    core::JournalAnswer answer;
    answer.answered_ms = rows.number(1);
    bool good = true;
    while (good && !keys.empty()) {
      good = take_key(keys, key);
      if (good && visitor.key) visitor.key(key);
    }
    while (good && !answers.empty()) {
      good = take_answer(answers, answer, exceptions);
      if (good && visitor.answer) visitor.answer(answer);
    }
    if (!good) damage(row, "its keys and answers cannot be read");
  }
}

void JournalReader::workers(const JournalVisitor& visitor) {
  if (!visitor.worker) return;
  Statement rows(database_, "SELECT boot FROM worker ORDER BY boot");
  while (rows.step()) {
    core::Boot boot{};
    const core::Bytes bytes = rows.bytes(0);
    if (bytes.size() != boot.size()) {
      damage("worker", "a boot of " + std::to_string(bytes.size()) + " bytes");
      continue;
    }
    std::memcpy(boot.data(), bytes.data(), boot.size());
    visitor.worker(boot);
  }
}

void JournalReader::batches(const std::function<void(const JournalBatch&)>& each) {
  Statement rows(database_,
                 "SELECT b.first, b.count, length(b.tasks), s.crc, s.bits "
                 "FROM batch b LEFT JOIN settled s ON s.first=b.first ORDER BY b.first");
  next_first_ = 0;
  while (rows.step()) {
    const std::uint64_t first = rows.number(0), count = rows.number(1);
    ++seen_.batches;
    if (first < next_first_ || count == 0 || count > kBatchTasks || first > kMostSeq - count) {
      damage(name("batch", first), "its numbers cannot be right");
      continue;
    }
    next_first_ = first + count;
    if (!bits_of(rows, 3, first, count)) damage(name("settled", first), kBadSum);
    std::uint64_t left = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!bits_.empty() && is_settled(i)) continue;
      ++left;
      seen_.seq_sum += first + i;
    }
    seen_.tasks += left;
    each({{static_cast<Seq>(first), static_cast<Seq>(next_first_ - 1)}, left, rows.number(2)});
  }
}

void JournalReader::compare(const JournalState& state, bool with_dedups) {
  const auto check = [this](const char* what, std::uint64_t seen, std::uint64_t said) {
    if (seen == said) return;
    damage(what, std::to_string(seen) + " are there, but there should be " + std::to_string(said));
  };
  check("unsettled tasks", seen_.tasks, state.tasks);
  check("batches", seen_.batches, state.batches);
  check("rows of settled", seen_.part_settled, state.part_settled);
  if (seen_.tasks == state.tasks && seen_.seq_sum != state.seq_sum)
    damage("unsettled tasks", "they are not the ones that should be there");
  if (!with_dedups) return;
  check("rows of change", seen_.changes, state.changes);
  check("rows of dedup", seen_.dedups, state.dedups);
}

}  // namespace sluice::store
