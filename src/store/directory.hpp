// directory.hpp: what the store asks of a disk; a test's own may be full, or forget.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <sys/types.h>

namespace sluice::store {

/// An open file. Each function returns as its namesake of POSIX does: -1 and errno when it
/// fails. None of them is interrupted by signals.
class File {
 public:
  virtual ~File() = default;
  [[nodiscard]] virtual ssize_t read_at(char* to, std::size_t bytes, std::uint64_t at) = 0;
  [[nodiscard]] virtual ssize_t write_at(const char* from, std::size_t bytes,
                                         std::uint64_t at) = 0;
  [[nodiscard]] virtual int truncate(std::uint64_t size) = 0;
  /// Durable on return, with what was written before.
  [[nodiscard]] virtual int sync() = 0;
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

  /// The machine's own.
  [[nodiscard]] static Directory& real();
};

}  // namespace sluice::store
