// owner_folder.hpp: the folder of claims in a journal's folder: each owner has a file of its own.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/owner_record.hpp"

namespace sluice::store {

/// A file that only we write, open as long as this lives. Moves; belongs to one thread at a time.
class OwnFile {
 public:
  OwnFile() = default;
  OwnFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~OwnFile();
  OwnFile(OwnFile&& other) noexcept { *this = std::move(other); }
  OwnFile& operator=(OwnFile&& other) noexcept;
  OwnFile(const OwnFile&) = delete;
  OwnFile& operator=(const OwnFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  /// Writes the record in place, where every host sees it on return. Throws Error.
  void write(const OwnerRecord& record) const;
  /// Looks the name up anew, at the server if there is one: whether it still leads to this file.
  /// Throws Error if that cannot be known.
  [[nodiscard]] bool is_in_place() const;

 private:
  std::string path_;
  int fd_ = -1;
};

/// FOLDER/takeover. A claim is a file owner-N that one process alone can create; who creates N has
/// followed whoever had N-1, and takes that one's name away. An owner whose file has lost its name
/// is no owner any more. Nobody ever writes another one's file.
class OwnerFolder {
 public:
  /// Makes it if it is not there. Throws Error.
  explicit OwnerFolder(const std::string& journal_folder);

  struct Seen {
    std::uint64_t generation = 0;       ///< 0: there is no claim
    std::uint64_t token = 0;            ///< another one whenever the file has changed
    std::optional<OwnerRecord> record;  ///< nothing: it cannot be parsed
  };
  /// The latest claim. Throws Error if the folder cannot be read.
  [[nodiscard]] Seen look() const;

  struct Claim {
    std::uint64_t generation = 0;
    OwnFile file;
    /// Whoever had it before has spoken since `seen`, and may go on for so long without asking.
    std::uint64_t wait_ms = 0;
  };
  /// Follows `seen`, alone. Nothing: somebody else was quicker. Throws Error.
  [[nodiscard]] std::optional<Claim> claim(const Seen& seen, const OwnerRecord& record) const;

  /// A file in which a standby says that it is there.
  [[nodiscard]] OwnFile announce_standby(const OwnerRecord& record) const;
  /// Those who stand by, by name of file, whether they live or not.
  struct Standby {
    std::uint64_t token = 0;
    OwnerRecord record;
  };
  [[nodiscard]] std::vector<Standby> standbys() const;
  void remove_standby(const std::string& id) const;

 private:
  [[nodiscard]] std::string owner_path(std::uint64_t generation) const;
  [[nodiscard]] std::vector<std::string> names() const;

  std::string path_;
};

}  // namespace sluice::store
