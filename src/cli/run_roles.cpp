// run_roles.cpp: the ventilator, the sink and the worker that a run holds.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include <sluice/error.hpp>

#include "cli/exit_code.hpp"
#include "cli/run_job.hpp"

namespace sluice::cli {
namespace {

constexpr auto kSettle = std::chrono::seconds(10);
constexpr auto kLookAfter = std::chrono::seconds(1);
constexpr auto kRetryCopy = std::chrono::milliseconds(200);
constexpr auto kLetGo = std::chrono::seconds(2);

// A run starts its files afresh, as its joblog.
void make_empty(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0)
    throw Error("cannot write " + path + ": " + std::strerror(errno) +
                "; give another --outcomes file");
  ::close(fd);
}

std::string at_host(const std::string& host) {
  const bool bare_ipv6 = host.find(':') != std::string::npos && host.front() != '[';
  return "tcp://" + (bare_ipv6 ? "[" + host + "]" : host) + ":*";
}

}  // namespace

void RunJob::start_roles() {
  if (!options_.access.empty()) {
    const std::string note = net::check_access_free(options_.access);
    if (!note.empty()) std::cerr << "sluice run: " << note << '\n';
  }
  if (options_.jobs > 0) {
    WorkerOptions worker;
    worker.name = options_.access.empty() ? ":" : "";
    worker.slots = options_.jobs;
    worker.run_commands = true;
    worker.output_limit = options_.output_limit;
    worker_ = std::make_unique<Worker>(worker);
  }
  open_history();  // after the fork: its table would be in both processes
  sink_ = std::make_unique<Sink>(sink_options(), [this](const OutcomeView& outcome) {
    if (journal_) return journal_->store().take(outcome);
    if (!queue_.push(outcome)) throw Later(std::chrono::milliseconds(100), "printing is behind");
  });
  VentilatorOptions ventilator;
  ventilator.bind = at_host(options_.listen);
  ventilator.advertise = options_.advertise;
  ventilator.sinks = {sink_->endpoint()};
  if (journal_) ventilator.journal = journal_->folder().journal();
  ventilator.backoff = std::chrono::milliseconds(0);  // --retries runs again at once, as parallel
  ventilator_ = std::make_unique<Ventilator>(ventilator);
  if (!options_.access.empty()) write_access();
  if (worker_) worker_->start(ventilator_->endpoint());
}

void RunJob::open_history() {
  if (!options_.journal.empty()) {
    RunJournalOptions journal;
    journal.folder = options_.journal;
    journal.identity = identity_of(options_);
    journal.joblog = options_.joblog;
    journal.outcomes = options_.outcomes;
    journal.results = options_.results;
    journal_.emplace(journal, queue_);
    history_ = &journal_->history();
  } else if (options_.resume || options_.resume_failed) {
    logged_.emplace().load_joblog(options_.joblog);
    history_ = &*logged_;
    joblog_.emplace(options_.joblog, JobLog::Open::append);
  }
}

SinkOptions RunJob::sink_options() {
  SinkOptions sink;
  sink.bind = at_host(options_.listen);
  sink.advertise = options_.advertise;
  if (journal_) {
    sink.before_confirm = [this] { journal_->store().commit(); };
    return sink;
  }
  if (!options_.outcomes.empty() && history_ == nullptr) make_empty(options_.outcomes);
  sink.file = options_.outcomes;
  sink.sync = false;
  sink.checkpoint = history_ != nullptr;  // otherwise the file is not opened again
  return sink;
}

void RunJob::write_access() {
  access_.emplace(options_.access, ventilator_->endpoint(),
                  std::vector<std::string>{sink_->endpoint()}, ventilator_->log());
  std::cerr << "sluice run: workers may join with: sluice worker --access " << options_.access
            << '\n';
}

void RunJob::tell(const std::string& text) {
  if (progress_) progress_->clear();
  std::cerr << "sluice run: " << text << '\n';
}

// A role that has broken ends the run with its reason rather than a hang.
void RunJob::look_after_roles() {
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_after_ < kLookAfter) return;
  looked_after_ = now;
  sink_->check();
  std::string trouble = sink_->stats().trouble;
  if (journal_ && journal_->store().broken())
    throw Error(trouble.empty() ? "the outcomes cannot be stored any more" : trouble);
  if (trouble.empty() && journal_) trouble = journal_->trouble();
  if (trouble.empty() && journal_) {
    const auto status = nlohmann::json::parse(ventilator_->status_json(), nullptr, false);
    if (const auto at = status.find("journal"); at != status.end() && at->is_object())
      trouble = at->value("trouble", "");
  }
  if (trouble != trouble_)
    tell(trouble.empty() ? "going on" : trouble + "; waiting until that is mended");
  trouble_ = trouble;
  (void)ventilator_->unsettled();
  if (worker_ && worker_->wait_ended(std::chrono::milliseconds(0)) && !halted_)
    throw Error("the worker of this run has ended before its tasks");
}

// The run is not done before its files are.
void RunJob::finish_copy() {
  for (;;) {
    journal_->copy();
    const std::string trouble = journal_->trouble();
    if (trouble.empty()) return;
    if (trouble != trouble_) tell(trouble + "; waiting until that is mended");
    trouble_ = trouble;
    if (const auto signal = next_signal_within(kRetryCopy)) {
      stop_signal_ = *signal;
      return;
    }
  }
}

// Those that joined: a ventilator with a journal does not say that it ends for good.
void RunJob::let_workers_go() {
  if (options_.access.empty()) return;
  ventilator_->halt(false);
  const auto until = std::chrono::steady_clock::now() + kLetGo;
  while (ventilator_->workers() > 0 && std::chrono::steady_clock::now() < until)
    if (next_signal_within(std::chrono::milliseconds(20))) return;
}

std::optional<int> RunJob::next_signal_within(std::chrono::milliseconds time) {
  pollfd signals{signals_.fd(), POLLIN, 0};
  (void)::poll(&signals, 1, static_cast<int>(time.count()));
  return signals_.next();
}

void RunJob::finish() {
  // The sink stores the last outcomes in the turn that hands them over; settled means stored.
  if (!journal_ || !halted_) (void)ventilator_->wait_settled(kSettle);
  take_outcomes();
  reader_gone_ = !output_.finish() || reader_gone_;
  if (journal_ && is_complete() && !reader_gone_ && stop_signal_ == 0) {
    finish_copy();
    let_workers_go();
    if (stop_signal_ == 0) journal_->folder().set_end({exit_code(), submitted_});
  }
  if (progress_)
    progress_->finish(counts(), std::chrono::steady_clock::now());
  else if (skipped_ > 0 && options_.output == RunOptions::Output::text)
    tell(std::to_string(skipped_) + " skipped: done before");
  if (options_.output == RunOptions::Output::json) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started_;
    const std::uint64_t ran = finished_ - cancelled_;
    const nlohmann::ordered_json summary = {
        {"tasks", submitted_},
        {"done", ran - failed_},
        {"failed", failed_},
        {"cancelled", cancelled_},
        {"skipped", skipped_},
        {"seconds", took.count()},
        {"tasks_per_s", static_cast<double>(ran) / took.count()},
        {"exit_code", exit_code()}};
    std::cout << summary.dump() << std::endl;
  }
  ventilator_->stop();
  if (worker_) worker_->stop();
  sink_->stop();
}

}  // namespace sluice::cli
