// journal_batches.cpp: bits set in memory, rows written at the end of a turn.
// SPDX-License-Identifier: MIT
#include "store/journal_batches.hpp"

#include <algorithm>
#include <iterator>

#include "store/journal_reader.hpp"

namespace sluice::store {

JournalBatches::JournalBatches(Database& database)
    : holder_(database,
              "SELECT b.first, b.count, s.crc, s.bits FROM batch b LEFT JOIN settled s "
              "ON s.first=b.first WHERE b.first<=? ORDER BY b.first DESC LIMIT 1"),
      next_(database,
            "SELECT b.first, b.count, s.crc, s.bits FROM batch b LEFT JOIN settled s "
            "ON s.first=b.first WHERE b.first>? ORDER BY b.first LIMIT 1"),
      put_bits_(database,
                "INSERT INTO settled(first,crc,bits) VALUES(?1,?2,?3) "
                "ON CONFLICT DO UPDATE SET crc=?2, bits=?3"),
      drop_(database, "DELETE FROM batch WHERE first=?"),
      drop_bits_(database, "DELETE FROM settled WHERE first=?") {}

void JournalBatches::added(std::uint64_t first, std::uint64_t count) {
  Batch batch;
  batch.count = batch.left = static_cast<std::uint16_t>(count);
  known_.insert_or_assign(first, batch);
}

void JournalBatches::forget() {
  known_.clear();
  changed_.clear();
}

JournalBatches::Known::iterator JournalBatches::load(std::uint64_t first, std::uint64_t count,
                                                     Statement& row) {
  Batch batch;
  const auto damaged = [&](const char* table) {
    throw DatabaseError(DatabaseError::Kind::damaged,
                        std::string(table) + " " + std::to_string(first) +
                            " of the journal is damaged; restore the folder from a copy");
  };
  if (count == 0 || count > kBatchTasks) damaged("batch");
  batch.count = batch.left = static_cast<std::uint16_t>(count);
  if (!row.is_null(2)) {
    const core::Bytes bits = row.bytes(3);
    if (crc_of_bits(first, bits) != row.number(2) || bits.size() != (count + 7) / 8)
      damaged("settled");
    std::copy(bits.begin(), bits.end(), batch.bits.begin());
    unsigned settled = 0;
    for (std::uint64_t i = 0; i < count; ++i)
      settled += std::to_integer<unsigned>(bits[i / 8]) >> (i % 8) & 1U;
    batch.left = static_cast<std::uint16_t>(count - settled);
    batch.stored = true;
  }
  return known_.insert_or_assign(first, batch).first;
}

JournalBatches::Known::iterator JournalBatches::find(std::uint64_t seq) {
  const auto after = known_.upper_bound(seq);
  if (after != known_.begin()) {
    const auto at = std::prev(after);
    if (seq < at->first + at->second.count) return at;
  }
  holder_.bind(1, seq);
  if (holder_.step()) {
    const std::uint64_t first = holder_.number(0), count = holder_.number(1);
    if (seq - first < count) {
      const auto at = known_.find(first);
      const auto found = at != known_.end() ? at : load(first, count, holder_);
      holder_.reset();
      return found;
    }
    holder_.reset();
  }
  next_.bind(1, seq);
  if (!next_.step()) return known_.end();
  const std::uint64_t first = next_.number(0);
  const auto at = known_.find(first);
  const auto found = at != known_.end() ? at : load(first, next_.number(1), next_);
  next_.reset();
  return found;
}

void JournalBatches::settle(core::SeqRange run, JournalState& state) {
  const std::uint64_t last = core::raw(run.last);
  for (std::uint64_t seq = core::raw(run.first); seq <= last;) {
    const auto at = find(seq);
    if (at == known_.end() || at->first > last) return;
    Batch& batch = at->second;
    seq = std::max(seq, at->first);
    const std::uint64_t end = std::min(last + 1, at->first + batch.count);
    for (; seq < end; ++seq) {
      const std::uint64_t i = seq - at->first;
      const std::byte bit = std::byte{1} << (i % 8);
      if ((batch.bits[i / 8] & bit) != std::byte{}) continue;
      batch.bits[i / 8] |= bit;
      --batch.left;
      --state.tasks;
      state.seq_sum -= seq;
      if (!batch.changed) changed_.push_back(at->first);
      batch.changed = true;
    }
  }
}

void JournalBatches::flush(JournalState& state) {
  for (const std::uint64_t first : changed_) {
    const auto at = known_.find(first);
    Batch& batch = at->second;
    batch.changed = false;
    if (batch.left > 0) {
      const core::Bytes bits = core::Bytes(batch.bits).first((batch.count + 7U) / 8U);
      put_bits_.bind(1, first).bind(2, std::uint64_t{crc_of_bits(first, bits)}).bind(3, bits);
      put_bits_.run();
      if (!batch.stored) ++state.part_settled;
      batch.stored = true;
      continue;
    }
    drop_.bind(1, first).run();
    --state.batches;
    if (batch.stored) {
      drop_bits_.bind(1, first).run();
      --state.part_settled;
    }
    known_.erase(at);
  }
  changed_.clear();
  if (known_.size() > kMostKnown) known_.clear();
}

}  // namespace sluice::store
