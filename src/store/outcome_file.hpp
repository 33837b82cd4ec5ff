// outcome_file.hpp: where a sink keeps outcomes: a file of JSON lines that only grows.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/collector_ledger.hpp"
#include "store/directory.hpp"
#include "store/outcome_checkpoint.hpp"
#include "store/outcome_index.hpp"
#include "store/outcome_line.hpp"

namespace sluice::store {

/// Appends outcomes in groups; a group is durable, whole, when commit() says `stored`.
///
/// Who opens it has it alone (flock). On opening it hands over what is in it already, so that a
/// sink knows which outcomes it has; they are durable by then, whatever became of whoever wrote
/// them. A torn last line was never confirmed to anybody and is cut off. Belongs to one thread.
///
/// Beside it may lie a checkpoint, which says the same of most of the file in short. It is used
/// only if it is sound and fits the file; otherwise the file is read whole.
class OutcomeFile {
 public:
  struct Options {
    std::string path;
    /// False: commit() does not wait for the disk. What it said may then be lost when the
    /// machine stops (not when the process does).
    bool sync = true;
    Directory* directory = &Directory::real();  ///< where the path leads
    /// Takes what a checkpoint tells, before the lines behind it. Empty: no checkpoint is read.
    std::function<void(const core::KnownSlice&)> known{};
    /// Called as the file is read: so many of its bytes, of how many.
    std::function<void(std::uint64_t, std::uint64_t)> progress{};
  };
  /// Opens or creates the file and calls `each` for every line in it, or for those that no
  /// checkpoint tells of. Throws Error: it cannot be
  /// opened, another process has it, it is not a regular file or not one of ours, a
  /// line before the last is damaged.
  OutcomeFile(Options options, const std::function<void(const OutcomeFacts&)>& each);
  OutcomeFile(const OutcomeFile&) = delete;
  OutcomeFile& operator=(const OutcomeFile&) = delete;

  /// Puts an outcome into the current group. Nothing is kept of the views.
  void add(const OutcomeView& outcome, const CommandPart* command = nullptr) {
    append_outcome_line(group_, outcome, command);
    ++group_lines_;
    index_.note(outcome.id.log, outcome.id.seq);
  }

  /// Bytes of the current group.
  [[nodiscard]] std::size_t group_bytes() const { return group_.size(); }
  /// Forgets the current group.
  void abandon();

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
  /// Lines it held when it was opened; and how many of them its checkpoint told of.
  [[nodiscard]] std::uint64_t lines_read() const { return lines_read_; }
  [[nodiscard]] std::uint64_t lines_skipped() const { return lines_skipped_; }
  /// Up to where a checkpoint told of it; 0 without.
  [[nodiscard]] std::uint64_t checkpoint_end() const { return skipped_; }
  /// Why a checkpoint that lies there was not used, for people; empty if it was, or there is none.
  [[nodiscard]] const std::string& checkpoint_refused() const { return checkpoint_refused_; }
  /// Bytes of a torn last line that were cut off when it was opened.
  [[nodiscard]] std::uint64_t cut_bytes() const { return cut_bytes_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& path() const { return options_.path; }
  [[nodiscard]] const OutcomeIndex& index() const { return index_; }

  /// A checkpoint is begun, filled with what is known of all that is committed by now or later,
  /// and ended. What is committed meanwhile does no harm.
  void begin_checkpoint();
  void add_to_checkpoint(const core::KnownSlice& slice) { checkpoint_.add(slice); }
  /// It, for install_checkpoint(); nothing if the file cannot be read. If the file is not
  /// synced by commits, sync_now() must succeed before it is installed.
  [[nodiscard]] std::optional<GatheredCheckpoint> end_checkpoint();
  /// As File::sync(). From any thread, while this lives.
  [[nodiscard]] int sync_now() { return file_->sync(); }
  [[nodiscard]] bool syncs() const { return options_.sync; }
  [[nodiscard]] Directory& directory() const { return *options_.directory; }

 private:
  [[nodiscard]] std::string read_checkpoint();
  void read_back(const std::function<void(const OutcomeFacts&)>& each);
  [[nodiscard]] OutcomeFacts read_line(std::string_view line, std::uint64_t at) const;
  void cut_tail(std::string_view tail);
  [[noreturn]] void close_for_good(const std::string& why);

  Options options_;
  std::unique_ptr<File> file_;
  std::uint64_t size_ = 0;  // of what is committed
  std::uint64_t lines_read_ = 0, lines_skipped_ = 0, skipped_ = 0, cut_bytes_ = 0;
  std::string checkpoint_refused_;
  std::uint64_t lines_ = 0;  // committed, those read included
  std::string group_;
  std::uint64_t group_lines_ = 0;
  OutcomeIndex index_;
  CheckpointWriter checkpoint_;
  CheckpointHead checkpoint_head_;
  std::string trouble_;
  std::string closed_because_;
};

}  // namespace sluice::store
