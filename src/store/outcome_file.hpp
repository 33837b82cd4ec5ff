// outcome_file.hpp: where a sink keeps outcomes: a file of JSON lines that only grows.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "store/directory.hpp"
#include "store/outcome_line.hpp"

namespace sluice::store {

/// Appends outcomes in groups; a group is durable, whole, when commit() says `stored`.
///
/// Who opens it has it alone (flock). On opening it hands over what is in it already, so that a
/// sink knows which outcomes it has; they are durable by then, whatever became of whoever wrote
/// them. A torn last line was never confirmed to anybody and is cut off. Belongs to one thread.
class OutcomeFile {
 public:
  struct Options {
    std::string path;
    /// False: commit() does not wait for the disk. What it said may then be lost when the
    /// machine stops (not when the process does).
    bool sync = true;
    Directory* directory = &Directory::real();  ///< where the path leads
  };
  /// Opens or creates the file and calls `each` for every line in it. Throws Error: it cannot be
  /// opened, another process has it, it is not a regular file or not one of ours, a
  /// line before the last is damaged.
  OutcomeFile(Options options, const std::function<void(const OutcomeFacts&)>& each);
  OutcomeFile(const OutcomeFile&) = delete;
  OutcomeFile& operator=(const OutcomeFile&) = delete;

  /// Puts an outcome into the current group. Nothing is kept of the views.
  void add(const OutcomeView& outcome, const CommandPart* command = nullptr) {
    append_outcome_line(group_, outcome, command);
  }

  /// Forgets the current group.
  void abandon() { group_.clear(); }

  enum class Commit : std::uint8_t {
    stored,  ///< the group is in the file, and on the disk if `sync`
    later,   ///< the disk is full, or the like: nothing of the group is in the file; see trouble()
  };
  /// Ends the group. Throws Error if nobody can say any more what is in the file (a failed fsync,
  /// or what was half written could not be taken back): it is closed for good then, and every
  /// further commit() of a group throws the same.
  [[nodiscard]] Commit commit();

  /// Why the last group was put off, for people; empty if it was not.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  /// Lines it held when it was opened.
  [[nodiscard]] std::uint64_t lines_read() const { return lines_read_; }
  /// Bytes of a torn last line that were cut off when it was opened.
  [[nodiscard]] std::uint64_t cut_bytes() const { return cut_bytes_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& path() const { return options_.path; }

 private:
  void read_back(const std::function<void(const OutcomeFacts&)>& each);
  void cut_tail(std::string_view tail);
  [[noreturn]] void close_for_good(const std::string& why);

  Options options_;
  std::unique_ptr<File> file_;
  std::uint64_t size_ = 0;  // of what is committed
  std::uint64_t lines_read_ = 0, cut_bytes_ = 0;
  std::string group_;
  std::string trouble_;
  std::string closed_because_;
};

}  // namespace sluice::store
