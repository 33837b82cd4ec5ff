// run_roles.cpp: the ventilator, the sink and the worker that a run holds.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
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
  if (!options_.outcomes.empty()) make_empty(options_.outcomes);
  SinkOptions sink;
  sink.bind = at_host(options_.listen);
  sink.advertise = options_.advertise;
  sink.file = options_.outcomes;
  sink.sync = false;
  sink.checkpoint = false;  // the file is nobody's to open again but the user's
  sink_ = std::make_unique<Sink>(sink, [this](const OutcomeView& outcome) {
    if (!queue_.push(outcome)) throw Later(std::chrono::milliseconds(100), "printing is behind");
  });
  VentilatorOptions ventilator;
  ventilator.bind = at_host(options_.listen);
  ventilator.advertise = options_.advertise;
  ventilator.sinks = {sink_->endpoint()};
  ventilator.backoff = std::chrono::milliseconds(0);  // --retries runs again at once, as parallel
  ventilator_ = std::make_unique<Ventilator>(ventilator);
  if (!options_.access.empty()) write_access();
  if (worker_) worker_->start(ventilator_->endpoint());
}

void RunJob::write_access() {
  access_.emplace(options_.access, ventilator_->endpoint(),
                  std::vector<std::string>{sink_->endpoint()}, ventilator_->log());
  std::cerr << "sluice run: workers may join with: sluice worker --access " << options_.access
            << '\n';
}

// A role that has broken ends the run with its reason rather than a hang.
void RunJob::look_after_roles() {
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_after_ < kLookAfter) return;
  looked_after_ = now;
  sink_->check();
  const std::string trouble = sink_->stats().trouble;
  if (trouble != trouble_ && !trouble.empty()) {
    if (progress_) progress_->clear();
    std::cerr << "sluice run: " << trouble << '\n';
  }
  trouble_ = trouble;
  (void)ventilator_->unsettled();
  if (worker_ && worker_->wait_ended(std::chrono::milliseconds(0)) && !halted_)
    throw Error("the worker of this run has ended before its tasks");
}

void RunJob::finish() {
  // The sink stores the last outcomes in the turn that hands them over; settled means stored.
  (void)ventilator_->wait_settled(kSettle);
  reader_gone_ = !output_.finish() || reader_gone_;
  if (progress_) progress_->finish(counts(), std::chrono::steady_clock::now());
  if (options_.output == RunOptions::Output::json) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started_;
    const std::uint64_t ran = finished_ - cancelled_;
    const nlohmann::ordered_json summary = {
        {"tasks", submitted_},     {"done", ran - failed_},
        {"failed", failed_},       {"cancelled", cancelled_},
        {"seconds", took.count()}, {"tasks_per_s", static_cast<double>(ran) / took.count()},
        {"exit_code", exit_code()}};
    std::cout << summary.dump() << std::endl;
  }
  ventilator_->stop();
  if (worker_) worker_->stop();
  sink_->stop();
}

}  // namespace sluice::cli
