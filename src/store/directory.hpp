// directory.hpp: what the store asks of a disk; a test's own may be full, or forget.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <sys/types.h>

namespace sluice::store {

/// What tells a file from another of the same name; zeros where that cannot be told.
struct FileIdentity {
  std::uint64_t inode = 0, born_ns = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// An open file. Each function returns as its namesake of POSIX does: -1 and errno when it
/// fails. None of them is interrupted by signals.
class File {
 public:
  virtual ~File() = default;
  [[nodiscard]] virtual ssize_t read_at(char* to, std::size_t bytes, std::uint64_t at) = 0;
  [[nodiscard]] virtual ssize_t write_at(const char* from, std::size_t bytes, std::uint64_t at) = 0;
  [[nodiscard]] virtual int truncate(std::uint64_t size) = 0;
  /// Durable on return, with what was written before.
  [[nodiscard]] virtual int sync() = 0;
  [[nodiscard]] virtual FileIdentity identity() { return {}; }
  /// In bytes; 0 if it cannot be told.
  [[nodiscard]] virtual std::uint64_t size() { return 0; }
};

/// Where files are opened.
class Directory {
 public:
  virtual ~Directory() = default;
  /// Opens or creates a regular file to read and write; who opens it has it alone until it is
  /// closed. A new one's name is durable if `sync`. Throws Error.
  [[nodiscard]] virtual std::unique_ptr<File> open_alone(const std::string& path, bool sync) = 0;
  /// Null if it cannot be opened.
  [[nodiscard]] virtual std::unique_ptr<File> open_to_read(const std::string& path) = 0;
  /// Opens or creates a file to write, empty; null and errno if it cannot be done.
  [[nodiscard]] virtual std::unique_ptr<File> open_empty(const std::string& path);
  /// As rename() of POSIX.
  [[nodiscard]] virtual int rename(const std::string& from, const std::string& to);
  /// Makes the name at this path durable, or that it is gone. -1 and errno when it fails.
  [[nodiscard]] virtual int sync_name(const std::string& path);

  /// The machine's own.
  [[nodiscard]] static Directory& real();
};

}  // namespace sluice::store
