// journal_codec.hpp: how tasks, keys and answers lie in the rows of the journal.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/journal_record.hpp"

namespace sluice::store {

/// A batch holds so many tasks at most, and is closed when its bytes reach the limit: one long
/// task keeps no more than its batch on the disk.
inline constexpr std::size_t kBatchTasks = 256;
inline constexpr std::size_t kBatchBytes = std::size_t{64} * 1024;

/// Puts tasks of one batch together. Its bytes are reused.
///
/// A task is: flags, what the flags announce, the key, the payload. Numbers are varints. Type and
/// retry policy are left out where they are those of the task before. docs/JOURNAL.md has the
/// layout byte for byte.
class BatchWriter {
 public:
  void clear();
  void add(const core::JournalTask& task);
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] core::Bytes bytes() const { return bytes_; }
  [[nodiscard]] bool is_full() const {
    return count_ >= kBatchTasks || bytes_.size() >= kBatchBytes;
  }

 private:
  std::vector<std::byte> bytes_;
  std::size_t count_ = 0;
  std::string type_;
  core::JournalTask policy_;  // only its retry policy counts
};

/// Reads a batch task by task. The views point into the batch.
class BatchReader {
 public:
  explicit BatchReader(core::Bytes batch) : left_(batch) {}
  /// Everything of a task but `seq` and `accepted_ms`. False if it cannot be read.
  [[nodiscard]] bool next(core::JournalTask& task);
  [[nodiscard]] bool at_end() const { return left_.empty(); }

 private:
  core::Bytes left_;
  std::string_view type_;
  core::JournalTask policy_;
};

/// What a turn adds to the dedup window: the keys of its tasks, and its answers.
void put_key(std::vector<std::byte>& to, const core::JournalTask& task);
void put_answer(std::vector<std::byte>& to, const core::JournalAnswer& answer);
/// Takes one off the front; false if it cannot be read.
[[nodiscard]] bool take_key(core::Bytes& from, core::JournalKey& key);
/// `exceptions` is where the answer's exceptions are put.
[[nodiscard]] bool take_answer(core::Bytes& from, core::JournalAnswer& answer,
                               std::vector<core::SubmitException>& exceptions);

}  // namespace sluice::store
