// journal_wal.hpp: is the end of a -wal file where writing ended, or is it a hole?
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "store/journal_disk.hpp"

namespace sluice::store {

/// What a -wal file looks like beyond the point up to which SQLite takes it.
///
/// SQLite reads a log up to the first frame whose checksum is wrong and calls that the end. After
/// a power failure it is. But a turn that is always synced before the next begins can leave no
/// sound turn behind a broken one: if there is one, what is broken was confirmed once.
struct WalTail {
  enum class Kind : std::uint8_t {
    whole,  ///< nothing broken, or nothing there
    torn,   ///< broken frames, which may be the last turn's
    hole,   ///< behind the broken frames lies a whole turn
  };
  Kind kind = Kind::whole;
  std::uint64_t sound_frames = 0;  ///< up to the first broken one
  std::uint64_t first_bad_byte = 0;
};

/// Of a file that may not exist. Reads it once, a page at a time. Throws Error if it cannot.
[[nodiscard]] WalTail look_at_wal(JournalDisk& disk, const std::string& path);

}  // namespace sluice::store
