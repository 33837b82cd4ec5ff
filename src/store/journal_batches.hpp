// journal_batches.hpp: which tasks of which batch are settled, while it is being written.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "core/message.hpp"
#include "store/journal_codec.hpp"
#include "store/journal_database.hpp"
#include "store/journal_schema.hpp"

namespace sluice::store {

/// Settles tasks in batches, remembers those it has met lately, and writes what has changed once
/// a turn. Works inside the transaction of its caller.
class JournalBatches {
 public:
  explicit JournalBatches(Database& database);

  /// A batch was inserted.
  void added(std::uint64_t first, std::uint64_t count);
  /// Takes these tasks off; those that are not there, or settled, are passed over.
  void settle(core::SeqRange run, JournalState& state);
  /// Writes what settle() has changed.
  void flush(JournalState& state);
  /// Forgets what it knows: the transaction was taken back.
  void forget();

 private:
  static constexpr std::size_t kMostKnown = 65'536;
  struct Batch {
    std::uint16_t count = 0;
    std::uint16_t left = 0;
    bool changed = false;
    bool stored = false;  ///< has a row in `settled`
    std::array<std::byte, kBatchTasks / 8> bits{};
  };
  using Known = std::map<std::uint64_t, Batch>;
  /// The batch that holds the number, or the next one; end() if there is none.
  Known::iterator find(std::uint64_t seq);
  Known::iterator load(std::uint64_t first, std::uint64_t count, Statement& row);

  Known known_;
  std::vector<std::uint64_t> changed_;
  Statement holder_, next_, put_bits_, drop_, drop_bits_;
};

}  // namespace sluice::store
