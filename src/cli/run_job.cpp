// run_job.cpp: the loop of `sluice run`: submit what there is room for, take what has ended.
// SPDX-License-Identifier: MIT
#include "cli/run_job.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <iostream>
#include <utility>

#include <sluice/error.hpp>

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
constexpr auto kDrain = std::chrono::hours(24 * 365);  // a second signal ends it sooner
constexpr auto kLookForEnd = std::chrono::milliseconds(20);
constexpr auto kRetryFull = std::chrono::milliseconds(5);

OutputOptions output_options(const RunOptions& options,
                             std::function<void(const TaskOutput&)> printed) {
  OutputOptions out;
  out.printed = std::move(printed);
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
      output_(output_options(options_, [this](const TaskOutput& output) {
        if (journal_ && output.place) journal_->set_printed(*output.place);
      })) {
  if (command_.mentions_slot())
    throw Error("{%} is not known when a task is submitted: use $SLUICE_SLOT in the command");
  if (command_.highest_position() > std::max<std::size_t>(inputs_.width(), 1))
    throw Error("the command names {" + std::to_string(command_.highest_position()) +
                "}, but each record has " + std::to_string(inputs_.width()) +
                " arguments: add input sources (:::)");
  const bool resumes = options_.resume || options_.resume_failed;
  if (!options_.joblog.empty() && options_.journal.empty() && !resumes)
    joblog_.emplace(options_.joblog, JobLog::Open::fresh);
  if (!options_.results.empty()) results_.emplace(options_.results);
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

// A run with a journal leaves what has not ended to the next one.
bool RunJob::is_done() const {
  if (journal_ && halted_) return !worker_ || worker_->wait_ended(std::chrono::milliseconds(0));
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

bool RunJob::is_complete() const { return input_ended_ && !halted_ && jobs_.empty() && !refused_; }

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
        end_input();
        return;
    }
  }
}

// False if the ventilator has no room now; the task is kept.
bool RunJob::submit(const std::vector<std::string>& record) {
  Job job;
  job.number = job.log_as = ++submitted_;
  if (options_.tag) job.label = joined(record);
  if (joblog_ || history_ != nullptr) job.text = command_.text(record, job.number);
  if (results_) job.arguments = record;
  std::string key;
  if (history_ != nullptr) {
    const RunHistory::Past past = history_->next(job.text, job.number);
    job.log_as = past.log_as;
    if (goes_on(job, past)) return true;
    if (journal_) key = journal_->key_of(past, job.number);
  }
  return hand_over(std::move(job), record, std::move(key));
}

bool RunJob::hand_over(Job job, const std::vector<std::string>& record, std::string key) {
  Command command = command_.build(record, job.number);
  command.cwd = options_.workdir;
  command.output_limit = options_.output_limit;
  if (journal_) command.display = job.text;  // a joblog can be made of it, line breaks and all
  Task task;
  task.type = kCommandType;
  task.key = std::move(key);
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

// What the run that was interrupted had begun, and the input has no more, is called off.
void RunJob::end_input() {
  input_ended_ = true;
  if (!journal_) return;
  for (const std::uint64_t seq : journal_->take_all_carried())
    (void)ventilator_->cancel({ventilator_->log(), seq});
}

void RunJob::wait() {
  pollfd fds[3] = {{signals_.fd(), POLLIN, 0}, {queue_.fd(), POLLIN, 0}, {-1, POLLIN, 0}};
  const bool input = waits_for_input_ && !halted_;
  if (input) fds[2].fd = inputs_.fd();
  auto timeout = std::chrono::milliseconds(kLookAfter);
  if (progress_) timeout = kRedraw;
  if (journal_ && halted_) timeout = kLookForEnd;
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
  if (!journal_) return ventilator_->halt(now);
  if (!worker_) return;
  if (now)
    worker_->stop();
  else
    worker_->drain(kDrain);
}

ProgressCounts RunJob::counts() const {
  ProgressCounts out;
  out.done = finished_ - cancelled_ + skipped_;
  out.skipped = skipped_;
  out.failed = failed_ + skipped_failed_;
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
  if (journal_ && finished_ == 0) {
    const auto end = journal_->folder().end();
    if (end && end->tasks == submitted_ && is_complete()) return end->exit_code;
  }
  return policy_.exit_code();
}

}  // namespace sluice::cli
