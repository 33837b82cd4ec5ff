// journal_disk.hpp: what a journal asks of a disk beside SQLite; a test's own may forget.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "store/directory.hpp"

namespace sluice::store {

/// The folder of a journal, and the names in it. SQLite reaches the same files through its VFS.
/// Functions that return an int return 0, or -1 and errno.
class JournalDisk {
 public:
  virtual ~JournalDisk() = default;

  struct Node {
    bool is_folder = false;
    std::uint64_t bytes = 0;
    std::uint64_t inode = 0;
    std::uint64_t born_ns = 0;  ///< 0: the file system does not say
  };
  /// Nothing, and errno, if there is none of that name.
  [[nodiscard]] virtual std::optional<Node> look(const std::string& path) = 0;
  [[nodiscard]] virtual int make_folder(const std::string& path) = 0;
  /// Makes the names in a folder durable. Throws Error.
  virtual void sync_folder(const std::string& path) = 0;
  /// Nobody else has the folder while the answer lives; `who` has it, for people. Throws Error.
  [[nodiscard]] virtual std::shared_ptr<void> lock(const std::string& folder,
                                                   const std::string& who) = 0;
  /// An empty file; that there was none of that name is part of it.
  [[nodiscard]] virtual int create(const std::string& path) = 0;
  /// Null and errno if it cannot be opened.
  [[nodiscard]] virtual std::unique_ptr<File> open_to_read(const std::string& path) = 0;
  /// Writes a file as it is, and syncs it.
  [[nodiscard]] virtual int write_anew(const std::string& path) = 0;
  virtual int remove(const std::string& path) = 0;
  [[nodiscard]] virtual int rename(const std::string& from, const std::string& to) = 0;
  /// What is free for us, where the folder lies; 0 if that cannot be told.
  [[nodiscard]] virtual std::uint64_t free_bytes(const std::string& folder) = 0;
  /// A file that takes so much space.
  [[nodiscard]] virtual int allocate(const std::string& path, std::uint64_t bytes) = 0;

  /// The machine's own.
  [[nodiscard]] static JournalDisk& real();
};

}  // namespace sluice::store
