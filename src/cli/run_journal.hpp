// run_journal.hpp: what `sluice run --journal` keeps, and how the next start goes on from it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sluice/outcome.hpp>

#include "cli/delivery_marks.hpp"
#include "cli/joblog.hpp"
#include "cli/outcome_lines.hpp"
#include "cli/outcome_queue.hpp"
#include "cli/run_folder.hpp"
#include "cli/run_history.hpp"
#include "cli/run_store.hpp"
#include "store/outcome_reader.hpp"

namespace sluice::cli {

struct RunJournalOptions {
  std::string folder;
  RunIdentity identity;
  std::string joblog, outcomes, results;  ///< empty: none
};

/// The outcome file is the truth about a run, and everything else follows from it: joblog and copy
/// are its beginning, line for line, so that their ends say what is missing; printing and results
/// have marks. What a start finds missing it makes up for, from the file.
///
/// One thread at a time, but for store().
class RunJournal {
 public:
  /// Takes the folder, and brings joblog, copy and the ventilator's journal up to what is in the
  /// outcome file. Throws Error.
  RunJournal(const RunJournalOptions& options, OutcomeQueue& queue);

  [[nodiscard]] const RunFolder& folder() const { return folder_; }
  [[nodiscard]] RunHistory& history() { return history_; }
  [[nodiscard]] RunStore& store() { return *store_; }

  /// The key of a task that is submitted now.
  [[nodiscard]] std::string key_of(const RunHistory::Past& past, std::uint64_t number) const;
  /// The number of the task if the ventilator has it from the start before; once.
  [[nodiscard]] std::optional<std::uint64_t> take_carried(const RunHistory::Past& past);
  /// Those that nobody took, for they are in the input no more.
  [[nodiscard]] std::vector<std::uint64_t> take_all_carried();

  /// Logs and copies what was stored. In the order of the file. `remote`: by which worker is told.
  void deliver(const Outcome& outcome, bool remote);
  /// As much of the outcome file as there is.
  void copy();
  /// Why copy() could not copy all, for people.
  [[nodiscard]] std::string trouble() const { return copy_ ? copy_->trouble() : std::string(); }

  /// An outcome that is in the file.
  [[nodiscard]] store::StoredOutcome read(std::uint64_t place) const;
  void set_printed(std::uint64_t place) const { printed_->mark(place); }
  void set_filed(std::uint64_t place) const {
    if (filed_) filed_->mark(place);
  }

 private:
  void read_outcomes();
  void read_outcome(std::string_view line, std::uint64_t place);
  void catch_up(const CommandKey& key, std::string_view line);
  void carry_over();

  const RunJournalOptions options_;
  RunFolder folder_;
  RunHistory history_;
  std::optional<DeliveryMarks> printed_, filed_;
  std::optional<RunStore> store_;
  std::optional<OutcomeLines> lines_;
  std::optional<std::ifstream> old_joblog_;  // until its lines are compared
  std::optional<JobLog> joblog_;
  std::optional<OutcomeCopy> copy_;
  struct Hash {
    std::size_t operator()(const CommandDigest& digest) const { return digest.low; }
  };
  std::unordered_map<CommandDigest, std::uint64_t, Hash> carried_;  // with its occurrence; seq
};

/// What a joblog says of an outcome. `result` is empty where there is none.
[[nodiscard]] JobLogEntry joblog_entry(std::uint64_t number, const Outcome& outcome,
                                       const CommandResult& result, bool remote);
/// Its result, or what stands for one where no execution could report.
[[nodiscard]] CommandResult result_of(const Outcome& outcome);
[[nodiscard]] CommandResult result_of(const store::StoredOutcome& stored);

}  // namespace sluice::cli
