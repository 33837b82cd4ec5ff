// journal_lock.hpp: one process at a time has a journal's folder.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace sluice::store {

/// An flock on FOLDER/lock, which says in words who holds it. It ends with the process, however
/// that ends; the file stays.
class JournalLock {
 public:
  /// `who`: what the holder is, for people. Throws Error: another process has it (the text names
  /// it), the file cannot be made, or the file system has no locks.
  JournalLock(const std::string& folder, const std::string& who);
  ~JournalLock();
  JournalLock(const JournalLock&) = delete;
  JournalLock& operator=(const JournalLock&) = delete;

 private:
  int fd_ = -1;
};

/// Makes the names in a folder durable. Throws Error.
void sync_folder(const std::string& folder);

}  // namespace sluice::store
