// run_outcomes.cpp: what a run does with an outcome: log it, print it, file it, or stop for it.
// SPDX-License-Identifier: MIT
#include <iostream>
#include <utility>

#include "cli/run_job.hpp"

namespace sluice::cli {

void RunJob::take_outcomes() {
  queue_.reset();
  while (auto item = queue_.pop_item()) take_outcome(std::move(*item));
  if (journal_) journal_->copy();
}

void RunJob::take_outcome(OutcomeQueue::Item item) {
  if (journal_) journal_->deliver(item.outcome, !options_.access.empty());
  const auto at = jobs_.find(item.outcome.id.seq);
  if (at != jobs_.end()) {
    const Job job = std::move(at->second);
    jobs_.erase(at);
    return finish_task(job, item);
  }
  // Somebody else's, submitted through the access file; or one of the run that was interrupted.
  const bool ours = journal_ && read_command_key(item.outcome.key).has_value();
  if (ours && !input_ended_) early_.emplace(item.outcome.id.seq, std::move(item));
}

void RunJob::finish_task(const Job& job, const OutcomeQueue::Item& item) {
  const Outcome& outcome = item.outcome;
  ++finished_;
  if (outcome.status == Status::cancelled) {
    ++cancelled_;  // called off: nothing to print or to log, but -k must not wait for it
    return print_nothing(job);
  }
  if (outcome.status != Status::done) ++failed_;
  CommandResult result = result_of(outcome);
  const int exit_code = result.signal != 0 ? 0 : result.exit_code;
  const int signal = result.signal;
  std::optional<JobLogEntry> entry;
  if (joblog_) {
    entry = joblog_entry(job.log_as, outcome, result, !options_.access.empty());
    entry->command = job.text;
  }
  file(job, result, item.place);
  print(job, outcome, std::move(result), item.place);
  // Last: whoever is killed before it has a task to run again, and none that was never printed.
  if (entry) joblog_->write(*entry);
  obey(policy_.finished(exit_code, signal));
  if (reader_gone_) halt(true);
}

void RunJob::obey(HaltPolicy::Decision decision) {
  if (decision == HaltPolicy::Decision::stop_soon) halt(false);
  if (decision == HaltPolicy::Decision::stop_now) halt(true);
}

void RunJob::file(const Job& job, const CommandResult& result, std::uint64_t place) {
  if (!results_) return;
  results_->write(job.arguments, job.number, result.out, result.err);
  if (journal_) journal_->set_filed(place);
}

void RunJob::print(const Job& job, const Outcome& outcome, CommandResult result,
                   std::uint64_t place, bool with_out, bool with_err) {
  TaskOutput out;
  out.seq = job.number;
  out.label = job.label;
  if (options_.output == RunOptions::Output::text) {
    out.place = place;
    out.out = std::move(result.out);
    out.err = std::move(result.err);
    if (result.out_cut + result.err_cut > 0)
      out.err += "sluice run: task " + std::to_string(job.number) + ": " +
                 std::to_string(result.out_cut + result.err_cut) +
                 " bytes of its output were dropped beyond the limit (--output-limit)\n";
    if (result.end == CommandResult::End::not_started)
      out.err += "sluice run: task " + std::to_string(job.number) + ": " +
                 (result.error.empty() ? outcome.error : result.error) + "\n";
    if (result.end == CommandResult::End::timed_out)
      out.err += "sluice run: task " + std::to_string(job.number) + ": " + outcome.error + "\n";
  }
  if (!with_out) out.out.clear();
  if (!with_err) out.err.clear();
  if (progress_) progress_->clear();
  reader_gone_ = !output_.add(std::move(out)) || reader_gone_;
}

void RunJob::print_nothing(const Job& job) {
  if (options_.keep_order)
    reader_gone_ = !output_.add({job.number, {}, {}, {}, {}}) || reader_gone_;
}

// True if there is nothing to submit: it was done before, or the ventilator has it already.
bool RunJob::goes_on(Job& job, const RunHistory::Past& past) {
  if (const auto seq = journal_ ? journal_->take_carried(past) : std::nullopt) {
    const auto early = early_.find(*seq);
    if (early == early_.end()) {
      jobs_.emplace(*seq, std::move(job));
      return true;
    }
    const OutcomeQueue::Item item = std::move(early->second);
    early_.erase(early);
    finish_task(job, item);
    return true;
  }
  if (!past.entry.done || (past.entry.failed && options_.resume_failed)) return false;
  skip(job, past.entry);
  return true;
}

// What it wrote is printed if whoever reads has not seen it: he is new, or it was killed before.
void RunJob::skip(const Job& job, const DoneTable::Entry& before) {
  ++skipped_;
  if (!journal_) return print_nothing(job);
  policy_.finished_before(before.failed);
  if (before.failed) ++skipped_failed_;
  const bool text = options_.output == RunOptions::Output::text;
  const bool print_out = text && (out_anew_ || !before.printed);
  const bool print_err = text && (err_anew_ || !before.printed);
  const bool is_filed = !results_ || before.filed;
  if (!print_out && !print_err && is_filed) return print_nothing(job);
  const store::StoredOutcome stored = journal_->read(before.place);
  CommandResult result = result_of(stored);
  if (!is_filed) file(job, result, before.place);
  if (!print_out && !print_err) return print_nothing(job);
  print(job, stored.outcome, std::move(result), before.place, print_out, print_err);
}

}  // namespace sluice::cli
