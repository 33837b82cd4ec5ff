// journal_inspect.hpp: a journal looked at, or tidied, by a person, while no ventilator has it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "store/journal_reader.hpp"
#include "store/journal_schema.hpp"

namespace sluice::store {

// All of them take the journal's lock, and throw Error if a ventilator, or another of them, has
// it. None counts as a start: the epoch stays. All but compact_journal leave the files as they are.

struct JournalInfo {
  JournalIdentity identity;
  JournalState state;
  std::uint64_t file_bytes = 0, wal_bytes = 0, free_bytes = 0;
  bool copied = false;  ///< the next ventilator will give it a new log
  bool torn = false;    ///< the last turns were only half on the disk
};
/// From the two rows that speak of all others. Throws Error if those are damaged.
[[nodiscard]] JournalInfo inspect_journal(const std::string& folder);

struct JournalCheck {
  JournalState seen;           ///< the counts, as they were found
  std::uint64_t damages = 0;   ///< all that `on_damage` was told
  std::uint64_t orphans = 0;   ///< rows that belong to no task; harmless
};
/// Reads every page and every row.
[[nodiscard]] JournalCheck verify_journal(const std::string& folder, const OnDamage& on_damage);

/// One JSON object for each unsettled task, without a line end, in order; what cannot be read is
/// told to `on_damage` and passed over. Payloads that are not UTF-8 are in `payload_base64`.
void dump_journal(const std::string& folder,
                  const std::function<void(std::string_view line)>& each,
                  const OnDamage& on_damage);

struct JournalCompacted {
  std::uint64_t bytes_before = 0, bytes_after = 0;
};
/// Writes the file anew without free space (SQLite's VACUUM). Needs room for a second one.
JournalCompacted compact_journal(const std::string& folder);

}  // namespace sluice::store
