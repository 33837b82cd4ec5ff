// journal_lock.hpp: one process at a time has a journal's folder.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

namespace sluice::store {

/// An flock on FOLDER/lock, which says in words who holds it. It ends with the process, however
/// that ends; the file stays.
class JournalLock {
 public:
  /// `who`: what the holder is, for people. Throws Error: another process has it (the text names
  /// it), the file cannot be made, or the file system has no locks.
  JournalLock(const std::string& folder, const std::string& who);
  /// The same, but null if another process has it.
  [[nodiscard]] static std::shared_ptr<JournalLock> try_take(const std::string& folder,
                                                             const std::string& who);
  /// Takes it whoever has it: a new file takes the name, and who has the old one locks nothing any
  /// more. Only for one who knows by other means that the holder will write no more.
  [[nodiscard]] static std::shared_ptr<JournalLock> take_away(const std::string& folder,
                                                              const std::string& who);
  ~JournalLock();
  JournalLock(const JournalLock&) = delete;
  JournalLock& operator=(const JournalLock&) = delete;

  [[nodiscard]] static std::string path_in(const std::string& folder) { return folder + "/lock"; }
  /// What its holder has written there, for people.
  [[nodiscard]] static std::string holder(const std::string& folder);

 private:
  explicit JournalLock(int fd) : fd_(fd) {}
  void say(const std::string& who) const;

  int fd_ = -1;
};

/// Makes the names in a folder durable. Throws Error.
void sync_folder(const std::string& folder);

}  // namespace sluice::store
