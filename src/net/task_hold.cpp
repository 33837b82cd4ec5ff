// task_hold.cpp: a task is finished once, whoever has its view.
// SPDX-License-Identifier: MIT
#include "net/task_hold.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include <sluice/error.hpp>

#include "net/clock.hpp"

namespace sluice::net {
namespace {

constexpr const char* kDropped = "the handler dropped the task";

}  // namespace

Ending ending_of(const std::exception& failure) {
  const char* const what = failure.what();
  Ending ending{JobEnd::failed,
                what != nullptr && *what != '\0' ? what : "an exception without a message", 0};
  if (const auto* retry = dynamic_cast<const Retry*>(&failure))
    ending.retry_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(retry->after().count(), 1));
  else if (dynamic_cast<const Fail*>(&failure) != nullptr)
    ending.end = JobEnd::fatal;
  else if (dynamic_cast<const WrongType*>(&failure) != nullptr)
    ending.end = JobEnd::undecodable;
  return ending;
}

Ending ending_of_current_exception() {
  try {
    throw;
  } catch (const std::exception& failure) {  // an attempt that failed, not an error of ours
    return ending_of(failure);
  } catch (...) {
    return {JobEnd::failed, "the handler threw something that is no std::exception", 0};
  }
}

std::uint64_t Started::run_ns() const {
  return static_cast<std::uint64_t>(std::max<std::int64_t>((Clock::now() - at).count(), 0));
}

}  // namespace sluice::net

namespace sluice::detail {

bool TaskHold::cancelled() const {
  return desk_.is_closed() || cell_->cancelled.load(std::memory_order_relaxed) == core::raw(task_);
}

TaskView TaskHold::make_view(std::shared_ptr<TaskHold> hold, bool asynchronous, const net::Job& job,
                             std::uint32_t slot) {
  TaskView view(std::move(hold), asynchronous);
  view.id = TaskId{job.log, core::raw(job.seq)};
  view.attempt = job.attempt;
  view.slot = slot;
  view.key = job.key;
  view.payload = job.payload;
  view.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(job.exec_ms));
  view.last_attempt = job.last_attempt;
  constexpr std::uint64_t kMostMs = 365ULL * 24 * 3600 * 1000;  // keeps the sum in range
  if (job.exec_ms > 0)
    view.deadline_ = std::chrono::steady_clock::now() +
                     std::chrono::milliseconds(std::min(job.exec_ms, kMostMs));
  return view;
}

TaskView SyncCall::view(TaskHold& hold, const net::Job& job, std::string_view type,
                        std::uint32_t slot) {
  hold.begin(job);
  // An owner of nothing: the view only borrows.
  TaskView view = TaskHold::make_view(std::shared_ptr<TaskHold>(std::shared_ptr<void>(), &hold),
                                      false, job, slot);
  view.type = type;
  return view;
}

AsyncTask::AsyncTask(std::shared_ptr<net::TaskDesk> desk, const net::Job& job,
                     std::string_view type, std::uint32_t slot, const net::Started& started)
    : TaskHold(*desk), keep_(std::move(desk)), job_(job), slot_(slot), started_(started) {
  begin(job);
  const core::Bytes parts[] = {core::as_bytes(type), core::as_bytes(job.key), job.payload};
  bytes_.reserve(parts[0].size() + parts[1].size() + parts[2].size());
  for (const core::Bytes part : parts) bytes_.insert(bytes_.end(), part.begin(), part.end());
  const core::Bytes all(bytes_);
  type_ = core::as_text(all.first(type.size()));
  job_.key = core::as_text(all.subspan(type.size(), job.key.size()));
  job_.payload = all.subspan(type.size() + job.key.size());
}

TaskView AsyncTask::view(const std::shared_ptr<AsyncTask>& task) {
  TaskView view = make_view(task, true, task->job_, task->slot_);
  view.type = task->type_;
  return view;
}

void AsyncTask::finish(const net::Ending& ending, core::Bytes result) {
  {
    const std::scoped_lock lock(mutex_);
    if (finished_)
      throw Error(
          "this task has been finished before; a handler says done(), fail() or retry() "
          "once, and nothing after it has thrown");
    finished_ = true;
  }
  report(ending, result);
}

void AsyncTask::dropped() {
  {
    const std::scoped_lock lock(mutex_);
    if (finished_) return;
    finished_ = true;
    dropped_in_call_ = in_call_;
    if (in_call_) return;
  }
  report({net::JobEnd::failed, net::kDropped, 0}, {});
}

void AsyncTask::call_ended(const std::optional<net::Ending>& failure) {
  {
    const std::scoped_lock lock(mutex_);
    in_call_ = false;
    const bool is_open = !finished_ || dropped_in_call_;
    if (!is_open || (!failure && !dropped_in_call_)) return;
    finished_ = true;
  }
  report(failure ? *failure : net::Ending{net::JobEnd::failed, net::kDropped, 0}, {});
}

bool AsyncTask::is_finished() {
  const std::scoped_lock lock(mutex_);
  return finished_;
}

void AsyncTask::report(const net::Ending& ending, core::Bytes result) {
  net::JobReport report;
  report.handle = task();
  report.end = ending.end != net::JobEnd::done && cancelled() ? net::JobEnd::cancelled : ending.end;
  report.retry_ms = ending.retry_ms;
  report.started_us = started_.wall_us;
  report.run_ns = started_.run_ns();
  report.error = ending.error;
  report.result = result;
  desk().finish(report, slot_);
}

}  // namespace sluice::detail
