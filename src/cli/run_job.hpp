// run_job.hpp: one `sluice run`, from the first record to the exit code.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <sluice/command.hpp>
#include <sluice/sink.hpp>
#include <sluice/ventilator.hpp>
#include <sluice/worker.hpp>

#include "cli/command_line.hpp"
#include "cli/halt.hpp"
#include "cli/inputs.hpp"
#include "cli/joblog.hpp"
#include "cli/ordered_output.hpp"
#include "cli/outcome_queue.hpp"
#include "cli/progress.hpp"
#include "cli/results_tree.hpp"
#include "cli/run_history.hpp"
#include "cli/run_journal.hpp"
#include "cli/run_options.hpp"
#include "net/published_access.hpp"
#include "net/signals.hpp"

namespace sluice::cli {

/// Holds a ventilator, a sink and a worker with commands, and feeds and empties them.
///
/// One thread, this one, reads input, submits, prints and logs; it waits for whatever comes
/// first. It never runs further ahead than a window, so that endless input and -k
/// need bounded memory. Construct it before the process has threads.
class RunJob {
 public:
  /// Throws Error for what cannot work: a file that cannot be written, a taken port.
  explicit RunJob(RunOptions options);
  ~RunJob();

  /// Runs to the end and returns the exit code.
  int run();

 private:
  struct Job {
    std::uint64_t number = 0;
    std::string label;  // for --tag
    std::string text;   // for --joblog, and to be known again by
    std::uint64_t log_as = 0;
    std::vector<std::string> arguments;  // for --results
  };

  void open_history();
  void start_roles();
  [[nodiscard]] SinkOptions sink_options();
  void write_access();
  void loop();
  void submit_some();
  bool submit(const std::vector<std::string>& record);
  bool hand_over(Job job, const std::vector<std::string>& record, std::string key);
  bool goes_on(Job& job, const RunHistory::Past& past);
  void skip(const Job& job, const DoneTable::Entry& before);
  void end_input();
  void wait();
  void take_signals();
  void take_outcomes();
  void take_outcome(OutcomeQueue::Item item);
  void finish_task(const Job& job, const OutcomeQueue::Item& item);
  void file(const Job& job, const CommandResult& result, std::uint64_t place);
  void print(const Job& job, const Outcome& outcome, CommandResult result, std::uint64_t place,
             bool with_out = true, bool with_err = true);
  void print_nothing(const Job& job);
  void obey(HaltPolicy::Decision decision);
  void halt(bool now);
  void tell(const std::string& text);
  void look_after_roles();
  void show_progress();
  void finish();
  void finish_copy();
  void let_workers_go();
  [[nodiscard]] std::optional<int> next_signal_within(std::chrono::milliseconds time);
  [[nodiscard]] std::uint64_t window() const;
  [[nodiscard]] bool may_submit() const;
  [[nodiscard]] bool is_done() const;
  [[nodiscard]] bool is_complete() const;
  [[nodiscard]] ProgressCounts counts() const;
  [[nodiscard]] int exit_code() const;

  const RunOptions options_;
  net::SignalReader signals_;  // before all threads
  const CommandLine command_;
  Inputs inputs_;
  HaltPolicy policy_;
  std::optional<JobLog> joblog_;  // without a journal, which has its own
  std::optional<ResultsTree> results_;
  OrderedOutput output_;
  std::optional<Progress> progress_;
  OutcomeQueue queue_;
  std::optional<RunJournal> journal_;
  std::optional<RunHistory> logged_;
  RunHistory* history_ = nullptr;  // of the journal, or of the joblog

  std::unique_ptr<Worker> worker_;  // first: it forks
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Ventilator> ventilator_;
  std::optional<net::PublishedAccess> access_;

  std::optional<Task> refused_;  // submitted again when there is room
  std::optional<Job> refused_job_;
  std::unordered_map<std::uint64_t, OutcomeQueue::Item> early_;  // their lines are not read yet
  std::unordered_map<std::uint64_t, Job> jobs_;                  // by seq
  std::uint64_t submitted_ = 0, finished_ = 0, failed_ = 0, cancelled_ = 0;
  std::uint64_t skipped_ = 0, skipped_failed_ = 0;
  bool input_ended_ = false;
  bool waits_for_input_ = false;
  bool halted_ = false, halted_now_ = false;
  bool reader_gone_ = false;
  std::string trouble_;  // of the sink, as last told
  int stop_signal_ = 0;
  const bool out_anew_ = has_new_reader(1), err_anew_ = has_new_reader(2);
  std::chrono::steady_clock::time_point started_, looked_after_;
};

}  // namespace sluice::cli
