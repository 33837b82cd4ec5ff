// lock_trust.hpp: whether a file system keeps the promises that a standby rests on.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace sluice::store {

/// What is known of a file system's locks, and of what another host sees of its files.
struct LockTrust {
  bool trusted = false;
  /// One kernel has it: a lock ends with its process, neither before nor after.
  bool local = false;
  std::string file_system;  ///< its type and the options that were decisive, for people
  std::string why;          ///< not trusted because
  std::string cure;
};

/// `type` and `options` as /proc/self/mountinfo has them: "nfs4", "rw,vers=4.2,local_lock=none".
[[nodiscard]] LockTrust judge_mount(std::string_view type, std::string_view options);
/// The line of a mountinfo text with that number; judges it. Not trusted if there is none.
[[nodiscard]] LockTrust judge_mount_of(std::string_view mountinfo, std::string_view mount_id);
/// Of the file system that a folder lies in. Never throws: what cannot be known is not trusted.
[[nodiscard]] LockTrust judge_folder(const std::string& folder);

/// Tries the lock of a folder that this process has locked: another opening of the file must be
/// refused, here and in a process of its own. Empty, or what is wrong.
[[nodiscard]] std::string try_lock_twice(const std::string& lock_path);

}  // namespace sluice::store
