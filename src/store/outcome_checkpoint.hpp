// outcome_checkpoint.hpp: what an outcome file holds, in short, so that it is not read whole.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/collector_ledger.hpp"
#include "store/directory.hpp"
#include "store/outcome_index.hpp"

namespace sluice::store {

/// Whom a checkpoint speaks of, and how far (docs/OUTCOMES.md, section 2).
struct CheckpointHead {
  FileIdentity file;
  std::uint64_t from = 0;   ///< tells of every line before that offset ...
  std::uint64_t upto = 0;   ///< ... and perhaps of some before that one, all of them synced
  std::uint64_t lines = 0;  ///< before `from`
  std::uint32_t first_crc = 0,
                last_crc = 0;  ///< of the file's first bytes, and of the last of `upto`
};

/// Puts one together, piece by piece.
class CheckpointWriter {
 public:
  void add(const core::KnownSlice& slice);
  void add(const std::vector<OutcomeIndex::Stretch>& stretches);
  /// The bytes of the checkpoint; the writer is spent then.
  [[nodiscard]] std::string finish(const CheckpointHead& head);
  /// In bytes, so far.
  [[nodiscard]] std::size_t size() const { return body_.size(); }

 private:
  std::string body_;
};

/// One that is put together, but not yet in one piece, which takes a while where it is large.
struct GatheredCheckpoint {
  CheckpointHead head;
  CheckpointWriter writer;
  /// Once.
  [[nodiscard]] std::string bytes() { return writer.finish(head); }
};

/// Takes one apart. What it calls has been checked as a whole before.
class CheckpointReader {
 public:
  using Known = std::function<void(const core::KnownSlice&)>;

  /// Empty if the bytes are a sound checkpoint; otherwise what is wrong with them.
  [[nodiscard]] std::string open(std::string bytes);
  [[nodiscard]] const CheckpointHead& head() const { return head_; }
  /// Only after open() has found nothing wrong.
  void read(const Known& known, std::vector<OutcomeIndex::Stretch>& stretches) const;

 private:
  [[nodiscard]] bool walk(const Known& known, std::vector<OutcomeIndex::Stretch>& stretches) const;

  std::string bytes_;
  CheckpointHead head_;
};

/// Notes in `head` what tells the file: its identity, and the checksums for `head.upto`. False if
/// it cannot be read so far.
[[nodiscard]] bool sign_checkpoint(CheckpointHead& head, File& file);

/// Puts a checkpoint in the place of the one before, which stays whole until the new one is
/// durable. Empty, or why it could not be done. Any thread.
[[nodiscard]] std::string install_checkpoint(Directory& directory, const std::string& path,
                                             std::string_view bytes);

/// Where the checkpoint of an outcome file lies.
[[nodiscard]] inline std::string checkpoint_path(const std::string& file) {
  return file + ".checkpoint";
}

}  // namespace sluice::store
