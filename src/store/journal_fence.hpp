// journal_fence.hpp: new files for a journal, which nobody knows who had the old ones open.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "store/journal_schema.hpp"

namespace sluice::store {

/// Copies a journal into new files and gives them its names. Whoever had the old ones open and
/// wakes up, a process or a kernel with writes under way, writes where nobody reads.
///
/// The folder must be locked, and whoever had it must not confirm anything from now on. A crash
/// in between leaves the old files or the new ones. A journal that was a copy of another one
/// still is. Throws Error: damage, no room.
void move_to_new_files(const std::string& folder, const char* vfs = nullptr);
/// The last step of it, if a crash came before.
void finish_new_files(JournalDisk& disk, const JournalPaths& paths);
/// Why there is no room for that, or empty.
[[nodiscard]] std::string no_room_for_new_files(const std::string& folder);

}  // namespace sluice::store
