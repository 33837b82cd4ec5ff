// run_job.cpp: the loop of `sluice run`: submit what there is room for, take what has ended.
// SPDX-License-Identifier: MIT
#include "cli/run_job.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <utility>

#include <sluice/error.hpp>

#include "cli/exit_code.hpp"
#include "cli/stop_signals.hpp"
#include "cli/terminal.hpp"

namespace sluice::cli {
namespace {

using std::chrono::steady_clock;

// How far submitting runs ahead of what is finished, and with -k of what is printed.
constexpr std::uint64_t kWindow = 16'384;
constexpr int kSubmitsPerTurn = 256;
constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr auto kLookAfter = std::chrono::seconds(1);
constexpr auto kRetryFull = std::chrono::milliseconds(5);

OutputOptions output_options(const RunOptions& options) {
  OutputOptions out;
  out.keep_order = options.keep_order;
  out.tag = options.tag;
  return out;
}

InputOptions input_options(const RunOptions& options) {
  InputOptions out;
  out.null_separated = options.null_separated;
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

}  // namespace

RunJob::RunJob(RunOptions options)
    : options_(std::move(options)),
      signals_(read_stop_signals()),
      command_(options_.command),
      inputs_(options_.sources, input_options(options_)),
      policy_(options_.halt),
      output_(output_options(options_)) {
  if (command_.mentions_slot())
    throw Error("{%} is not known when a task is submitted: use $SLUICE_SLOT in the command");
  if (command_.highest_position() > std::max<std::size_t>(inputs_.width(), 1))
    throw Error("the command names {" + std::to_string(command_.highest_position()) +
                "}, but each record has " + std::to_string(inputs_.width()) +
                " arguments: add input sources (:::)");
  if (!options_.joblog.empty()) joblog_.emplace(options_.joblog, JobLog::Open::fresh);
  if (options_.bar || options_.eta)
    progress_.emplace(
        progress_on(2, options_.bar ? ProgressOptions::Style::bar : ProgressOptions::Style::eta));
}

RunJob::~RunJob() = default;

int RunJob::run() {
  started_ = looked_after_ = steady_clock::now();
  if (options_.sources.empty() && is_terminal(0))
    std::cerr << "sluice run: reading arguments from the terminal, one a line; end with ^D\n";
  start_roles();
  loop();
  finish();
  return exit_code();
}

bool RunJob::is_done() const {
  const bool no_more = input_ended_ || halted_;
  return no_more && jobs_.empty() && !refused_;
}

// With --halt no task may wait where it would start before a failure is known here: so many as
// have a slot. How many slots those have who join by an access file is not known here.
std::uint64_t RunJob::window() const {
  const bool halts = options_.halt.when != HaltRule::When::never && options_.access.empty();
  return halts ? options_.jobs : kWindow;
}

bool RunJob::may_submit() const {
  if (input_ended_ || halted_ || waits_for_input_) return false;
  if (jobs_.size() >= window()) return false;
  return !options_.keep_order || submitted_ < output_.next_expected() + kWindow;
}

void RunJob::loop() {
  while (true) {
    submit_some();  // may find that the input has ended: then there is nothing to wait for
    if (is_done()) return;
    wait();
    take_signals();
    take_outcomes();
    if (const auto total = inputs_.total()) policy_.set_total(*total);
    look_after_roles();
    show_progress();
  }
}

void RunJob::submit_some() {
  std::vector<std::string> record;
  for (int i = 0; i < kSubmitsPerTurn && (may_submit() || refused_); ++i) {
    if (refused_) {
      const auto id = ventilator_->try_submit(*refused_);
      if (!id) return;
      jobs_.emplace(id->seq, std::move(*refused_job_));
      refused_.reset();
      refused_job_.reset();
      continue;
    }
    switch (inputs_.try_next(record)) {
      case Ready::yes:
        if (!submit(record)) return;
        break;
      case Ready::wait:
        waits_for_input_ = true;
        return;
      case Ready::end:
        input_ended_ = true;
        return;
    }
  }
}

// False if the ventilator has no room now; the task is kept.
bool RunJob::submit(const std::vector<std::string>& record) {
  Job job;
  job.number = ++submitted_;
  Command command = command_.build(record, job.number);
  command.cwd = options_.workdir;
  command.output_limit = options_.output_limit;
  if (options_.tag) job.label = joined(record);
  if (joblog_) job.text = command_.text(record, job.number);
  Task task;
  task.type = kCommandType;
  task.payload = command.encode();
  task.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(options_.timeout);
  task.max_attempts = options_.retries;
  if (const auto id = ventilator_->try_submit(task)) {
    jobs_.emplace(id->seq, std::move(job));
    return true;
  }
  refused_ = std::move(task);
  refused_job_ = std::move(job);
  return false;
}

void RunJob::wait() {
  pollfd fds[3] = {{signals_.fd(), POLLIN, 0}, {queue_.fd(), POLLIN, 0}, {-1, POLLIN, 0}};
  const bool input = waits_for_input_ && !halted_;
  if (input) fds[2].fd = inputs_.fd();
  auto timeout = std::chrono::milliseconds(kLookAfter);
  if (progress_) timeout = kRedraw;
  if (refused_) timeout = kRetryFull;
  if (may_submit() && !refused_) timeout = std::chrono::milliseconds(0);
  if (input && fds[2].fd < 0) timeout = std::chrono::milliseconds(0);
  if (::poll(fds, 3, static_cast<int>(timeout.count())) < 0 && errno != EINTR)
    throw Error(std::string("cannot wait for input: ") + std::strerror(errno));
  if (input && (fds[2].fd < 0 || fds[2].revents != 0)) waits_for_input_ = false;
}

// ^C stops all at once. TERM lets what runs finish; a second one does not.
void RunJob::take_signals() {
  while (const auto signal = signals_.next()) {
    const bool now = *signal != SIGTERM || stop_signal_ != 0;
    stop_signal_ = *signal;
    halt(now);
  }
}

void RunJob::halt(bool now) {
  if (halted_ && (halted_now_ || !now)) return;
  halted_ = true;
  halted_now_ = now;
  if (refused_) --submitted_;  // it never was
  refused_.reset();
  refused_job_.reset();
  ventilator_->halt(now);
}

void RunJob::take_outcomes() {
  queue_.reset();
  while (const auto outcome = queue_.pop()) finish_task(*outcome);
}

void RunJob::finish_task(const Outcome& outcome) {
  const auto at = jobs_.find(outcome.id.seq);
  if (at == jobs_.end()) return;  // somebody else's, submitted through the access file
  const Job job = std::move(at->second);
  jobs_.erase(at);
  ++finished_;
  CommandResult result;
  if (!outcome.result_is_task) {
    if (auto decoded = CommandResult::decode(outcome.result)) result = std::move(*decoded);
  }
  if (outcome.result_is_task && outcome.status != Status::done) {
    result.end = CommandResult::End::not_started;
    result.exit_code = kExitOwnError;
    result.error = outcome.error;
  }
  if (outcome.status == Status::cancelled) {
    ++cancelled_;  // called off: nothing to print or to log, but -k must not wait for it
    reader_gone_ = !output_.add({job.number, {}, {}, {}}) || reader_gone_;
    return;
  }
  if (outcome.status != Status::done) ++failed_;
  const std::uint64_t received = result.out.size() + result.err.size();
  print(job, outcome, result);
  if (joblog_) log(job, outcome, result, received);
  const int exit_code = result.signal != 0 ? 0 : result.exit_code;
  switch (policy_.finished(exit_code, result.signal)) {
    case HaltPolicy::Decision::keep_going:
      break;
    case HaltPolicy::Decision::stop_soon:
      halt(false);
      break;
    case HaltPolicy::Decision::stop_now:
      halt(true);
      break;
  }
  if (reader_gone_) halt(true);
}

// Moves the outputs out of `result`.
void RunJob::print(const Job& job, const Outcome& outcome, CommandResult& result) {
  TaskOutput out;
  out.seq = job.number;
  out.label = job.label;
  if (options_.output == RunOptions::Output::text) {
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
  if (progress_) progress_->clear();
  reader_gone_ = !output_.add(std::move(out)) || reader_gone_;
}

void RunJob::log(const Job& job, const Outcome& outcome, const CommandResult& result,
                 std::uint64_t received) {
  JobLogEntry entry;
  entry.seq = job.number;
  if (options_.access.empty() || outcome.result_is_task)
    entry.host = ":";
  else
    entry.host = outcome.worker;
  entry.start =
      std::chrono::duration_cast<std::chrono::microseconds>(outcome.started.time_since_epoch());
  entry.runtime = result.wall.count() > 0 ? result.wall : outcome.run;
  entry.received = received;
  entry.signal = result.signal;
  entry.exit_code = result.signal != 0 ? 0 : result.exit_code;
  entry.command = job.text;
  joblog_->write(entry);
}

ProgressCounts RunJob::counts() const {
  ProgressCounts out;
  out.done = finished_ - cancelled_;
  out.failed = failed_;
  out.running = jobs_.size();
  out.total = inputs_.total();
  return out;
}

void RunJob::show_progress() {
  if (progress_) progress_->update(counts(), steady_clock::now());
}

int RunJob::exit_code() const {
  if (stop_signal_ != 0) return 128 + stop_signal_;
  if (reader_gone_) return 128 + SIGPIPE;
  return policy_.exit_code();
}

}  // namespace sluice::cli
