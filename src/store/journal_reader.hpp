// journal_reader.hpp: reads the rows of a journal in order, and believes none unchecked.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/journal_record.hpp"
#include "store/journal_database.hpp"
#include "store/journal_schema.hpp"

namespace sluice::store {

/// Who gets what a journal holds. The views are good for the call; it must not use the journal.
/// Functions left empty are not called.
struct JournalVisitor {
  /// An unsettled task; null if nothing has become of it since it was accepted.
  std::function<void(const core::JournalTask&, const core::JournalChange*)> task;
  std::function<void(const core::JournalKey&)> key;
  std::function<void(const core::JournalAnswer&)> answer;
  std::function<void(const core::Boot&)> worker;  ///< one that may hold tasks
};

/// A run of numbers that lies in one row.
struct JournalBatch {
  core::SeqRange seqs;
  std::uint64_t unsettled = 0;
  std::uint64_t bytes = 0;  ///< of the row
};

/// Told of a damaged row. If it returns, the row is passed over.
using OnDamage = std::function<void(const std::string& row, const std::string& what)>;

class JournalReader {
 public:
  JournalReader(Database& database, OnDamage on_damage)
      : database_(database), on_damage_(std::move(on_damage)) {}

  /// Unsettled tasks within a range, in order. Memory: one batch.
  void tasks(core::SeqRange range, const JournalVisitor& visitor);
  /// Keys and answers in the order they came in.
  void dedups(const JournalVisitor& visitor);
  /// Workers that had not said goodbye. A row that is lost costs a task another execution at most.
  void workers(const JournalVisitor& visitor);
  /// All batches in order, without looking at their tasks.
  void batches(const std::function<void(const JournalBatch&)>& each);

  /// Says what has been missed by reading all tasks and dedups, as `state` counts them.
  void compare(const JournalState& state, bool with_dedups);
  [[nodiscard]] const JournalState& seen() const { return seen_; }
  /// Changes whose tasks are settled, or gone: harmless where the counts are right.
  [[nodiscard]] std::uint64_t orphans() const { return orphans_; }

 private:
  bool batch(Statement& row, core::SeqRange range, Statement& changes,
             const JournalVisitor& visitor);
  bool bits_of(Statement& row, int column, std::uint64_t first, std::uint64_t count);
  void change_before(Statement& changes, std::uint64_t seq);
  bool read_change(Statement& changes);
  void damage(const std::string& row, const std::string& what) { on_damage_(row, what); }
  [[nodiscard]] bool is_settled(std::uint64_t index) const {
    return (std::to_integer<unsigned>(bits_[index / 8]) >> (index % 8) & 1U) != 0;
  }

  Database& database_;
  OnDamage on_damage_;
  JournalState seen_;              // counts, as far as they were seen
  std::uint64_t next_first_ = 0;   // batches begin here at least
  core::Bytes bits_;               // of the current batch; empty: nothing of it is settled
  core::JournalChange change_;     // the next one, if there is any
  bool has_change_ = false;
  bool changes_ended_ = false;
  std::uint64_t orphans_ = 0;
};

/// The checksum of a row of `batch`, `settled`, `change` and `dedup`.
[[nodiscard]] std::uint32_t crc_of_batch(std::uint64_t first, std::uint64_t count,
                                         core::WallMs accepted_ms, core::Bytes tasks);
[[nodiscard]] std::uint32_t crc_of_bits(std::uint64_t first, core::Bytes bits);
[[nodiscard]] std::uint32_t crc_of_change(const core::JournalChange& change);
[[nodiscard]] std::uint32_t crc_of_dedup(std::uint64_t turn, core::WallMs since_ms,
                                         core::Bytes keys, core::Bytes answers);
/// The column `flags` of a change.
[[nodiscard]] std::uint64_t flags_of(const core::JournalChange& change);

}  // namespace sluice::store
