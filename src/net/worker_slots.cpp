// worker_slots.cpp: what ended in a slot, in the Runner's words.
// SPDX-License-Identifier: MIT
#include "net/worker_slots.hpp"

#include <algorithm>
#include <utility>

#include "core/assert.hpp"
#include "exec/describe.hpp"

namespace sluice::net {
namespace {

core::RunEnd end_of(const exec::Finished& finished) {
  if (finished.ok) return core::RunEnd::ok;
  switch (finished.end) {
    case CommandResult::End::timed_out:
      return core::RunEnd::timeout;
    case CommandResult::End::cancelled:
      return core::RunEnd::cancelled;
    case CommandResult::End::not_started:
      return exec::is_of_the_moment(finished.error) ? core::RunEnd::failed : core::RunEnd::fatal;
    default:
      return core::RunEnd::failed;
  }
}

core::RunEnd end_of(JobEnd end) {
  switch (end) {
    case JobEnd::done:
      return core::RunEnd::ok;
    case JobEnd::fatal:
      return core::RunEnd::fatal;
    case JobEnd::undecodable:
      return core::RunEnd::undecodable;
    case JobEnd::cancelled:
      return core::RunEnd::cancelled;
    case JobEnd::expired:
      return core::RunEnd::expired;
    case JobEnd::failed:
      break;
  }
  return core::RunEnd::failed;
}

std::uint64_t not_negative(std::int64_t value) {
  return value < 0 ? 0 : static_cast<std::uint64_t>(value);
}

}  // namespace

WorkerSlots::WorkerSlots(std::vector<std::string> types, std::vector<TaskHandler> handlers,
                         ExecutorPool::Size size, Wake& wake) {
  handlers_.emplace(std::move(types), std::move(handlers), size, wake);
}

WorkerSlots::WorkerSlots(exec::CommandRunner& runner, std::uint32_t slots) {
  commands_.emplace(runner, slots);
}

void WorkerSlots::put(std::span<const core::TaskStart> tasks) {
  for (const core::TaskStart& task : tasks) {
    Job job;
    job.handle = task.handle;
    job.seq = task.seq;
    job.log = task.log;
    job.type = task.type;
    job.attempt = task.attempt;
    job.exec_ms = task.exec_ms;
    job.expires = task.expires;
    job.last_attempt = task.last_attempt;
    job.key = task.key;
    job.payload = task.payload;
    if (commands_)
      commands_->put(job);
    else
      SLUICE_ASSERT(handlers_->put(job));  // the Runner's credit keeps within its capacity
  }
}

void WorkerSlots::allow_until(core::Time until) {
  if (commands_) return commands_->allow_until(until);
  handlers_->allow_until(until);
}

void WorkerSlots::start_queued(core::Time now) {
  if (commands_) return commands_->start_queued(now);
  handlers_->start_queued();
}

void WorkerSlots::retract(std::size_t count, std::vector<core::TaskHandle>& out) {
  if (commands_) return commands_->retract(count, out);
  handlers_->retract(count, out);
}

// A handler cannot be stopped from outside: it may look, and its outcome decides.
void WorkerSlots::cancel(core::TaskHandle handle) {
  if (commands_) return commands_->cancel(handle);
  handlers_->cancel(handle);
}

std::uint64_t WorkerSlots::claimed() const {
  return commands_ ? commands_->claimed() : handlers_->claimed();
}

std::span<const core::TaskFinished> WorkerSlots::collect() {
  finished_.clear();
  if (commands_)
    collect_commands();
  else
    collect_handlers();
  return finished_;
}

void WorkerSlots::collect_handlers() {
  handlers_->collect([this](const JobReport& report) {
    core::TaskFinished task;
    task.handle = report.handle;
    task.end = end_of(report.end);
    task.error = report.error;
    task.result = report.result;
    task.retry_ms = report.retry_ms;
    task.started_us = report.started_us;
    task.run = std::chrono::nanoseconds(static_cast<std::int64_t>(report.run_ns));
    finished_.push_back(task);
  });
}

void WorkerSlots::collect_commands() {
  reports_.clear();
  commands_->runner().flush();
  for (CommandReport report; commands_->collect(report);) reports_.push_back(std::move(report));
  for (const CommandReport& report : reports_) {
    core::TaskFinished task;
    task.handle = report.handle;
    task.end = report.expired ? core::RunEnd::expired : end_of(report.finished);
    task.error = report.finished.error;
    task.result = report.finished.result;
    task.started_us = not_negative(report.finished.started_us);
    task.run = std::chrono::microseconds(report.finished.run_us);
    finished_.push_back(task);
  }
  for (const core::TaskHandle handle : commands_->lost()) {
    core::TaskFinished task;
    task.handle = handle;
    task.end = core::RunEnd::crashed;
    task.error = "the supervisor of this worker's commands was killed";
    finished_.push_back(task);
  }
}

bool WorkerSlots::has_progress() { return handlers_ && handlers_->has_progress(); }

std::span<const core::TaskProgress> WorkerSlots::take_progress(std::size_t most) {
  texts_.clear();
  progress_.clear();
  if (handlers_) handlers_->take_progress(most, texts_);
  for (const auto& [task, text] : texts_) progress_.push_back({task, text});
  return progress_;
}

bool WorkerSlots::has_reports() {
  return commands_ ? commands_->has_reports() : handlers_->has_reports();
}

void WorkerSlots::watch(PollSet& poll) {
  if (!commands_ || !commands_->alive()) return;
  poll.watch_fd(commands_->runner().fd(), commands_->runner().wants_write()
                                              ? PollSet::Want::read_and_write
                                              : PollSet::Want::read);
}

bool WorkerSlots::alive() const { return !commands_ || commands_->alive(); }

}  // namespace sluice::net
