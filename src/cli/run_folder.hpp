// run_folder.hpp: the folder of `sluice run --journal`: whose it is, and what lies in it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/journal_lock.hpp"

namespace sluice::cli {

/// What makes two lines the same run. Inputs, slots, output and limits may differ.
struct RunIdentity {
  std::vector<std::string> command;  ///< with its placeholders
  std::string folder;                ///< that its commands start in
};

/// How a run ended that had no input left.
struct RunEnd {
  int exit_code = 0;
  std::uint64_t tasks = 0;
};

///   DIR/lock      who has it; held as long as this object lives
///   DIR/run.json  the identity, and how often it was started
///   DIR/journal/  the ventilator's journal: tasks that are not settled
///   DIR/outcomes  the sink's file: what each finished task came to; the truth about the run
///   DIR/printed, DIR/results-*  which of them have been printed, or are in a --results folder
///   DIR/end.json  how it ended
class RunFolder {
 public:
  /// Makes the folder if it is not there. Throws Error: another run has it (the text names it), it
  /// belongs to another command, it holds something else.
  RunFolder(std::string path, const RunIdentity& identity);

  /// Nothing was ever run here: everything outside that belongs to the run is to begin empty
  /// before begin() makes it this run's.
  [[nodiscard]] bool is_new() const { return start_ == 0; }
  /// Counts this start, durably.
  void begin();
  /// Which start this is, from 1; after begin().
  [[nodiscard]] std::uint64_t start() const { return start_; }

  [[nodiscard]] std::string journal() const { return path_ + "/journal"; }
  [[nodiscard]] std::string outcomes() const { return path_ + "/outcomes"; }
  [[nodiscard]] std::string printed() const { return path_ + "/printed"; }
  /// The marks of a --results folder.
  [[nodiscard]] std::string filed(const std::string& results) const;

  [[nodiscard]] std::optional<RunEnd> end() const;
  void set_end(const RunEnd& end) const;

 private:
  void read_identity();

  std::string path_;
  RunIdentity identity_;
  std::optional<store::JournalLock> lock_;
  std::uint64_t start_ = 0;
};

/// The outcome file of a folder, without taking it: for looking. Throws Error as RunFolder does
/// where it belongs to another command.
[[nodiscard]] std::string outcomes_to_look_at(const std::string& path, const RunIdentity& identity);

}  // namespace sluice::cli
