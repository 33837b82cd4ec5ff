// executor_pool.cpp: an executor's life: claim, check, run, report, sleep.
// SPDX-License-Identifier: MIT
#include "net/executor_pool.hpp"

#include <algorithm>
#include <utility>

#include "core/assert.hpp"
#include "net/clock.hpp"
#include "net/signals.hpp"

namespace sluice::net {
ExecutorPool::ExecutorPool(std::vector<std::string> types, std::vector<TaskHandler> handlers,
                           Size size, Wake& wake)
    : types_(std::move(types)),
      handlers_(std::move(handlers)),
      wake_(wake),
      desk_(std::make_shared<TaskDesk>(wake, size.threads, size.slots)),
      queue_(size.queue) {
  SLUICE_ASSERT(types_.size() == handlers_.size());
  SLUICE_ASSERT(size.threads > 0 && size.threads <= size.slots);
  const SignalsBlocked blocked;
  for (std::uint32_t slot = 0; slot < size.threads; ++slot) {
    executors_.push_back(std::make_unique<Executor>(*desk_));
    executors_.back()->slot = slot;
  }
  for (auto& executor : executors_)
    executor->thread = std::thread([this, at = executor.get()] { run(*at); });
}

ExecutorPool::~ExecutorPool() {
  stopping_.store(true);
  desk_->close();
  bell_.fetch_add(1);
  bell_.notify_all();
  for (auto& executor : executors_) executor->thread.join();
}

bool ExecutorPool::put(Job job) {
  job.cell = &desk_->cell(job.handle);
  return queue_.put(job);
}

void ExecutorPool::cancel(core::TaskHandle handle) {
  desk_->cell(handle).cancelled.store(core::raw(handle), std::memory_order_relaxed);
}

void ExecutorPool::start_queued() {
  bell_.fetch_add(1);
  const std::uint32_t asleep = sleepers_.load();
  if (asleep == 0) return;
  const std::uint64_t waiting = queue_.put_count() - queue_.taken();
  for (std::uint64_t i = std::min<std::uint64_t>(asleep, waiting); i > 0; --i) bell_.notify_one();
}

void ExecutorPool::retract(std::size_t count, std::vector<core::TaskHandle>& out) {
  Job job;
  for (; count > 0 && queue_.take(job); --count) {
    out.push_back(job.handle);
    ++retracted_;
  }
}

void ExecutorPool::run(Executor& executor) {
  Job job;
  while (!stopping_.load(std::memory_order_relaxed)) {
    // Without a slot it must not even listen for work: its wake would be another's lost one.
    if (!executor.slot) {
      executor.slot = desk_->take_slot();
      continue;
    }
    // Rule 10: checked just before the start. The claim itself takes no time to speak of.
    if (may_start() && queue_.take(job)) {
      execute(executor, job);
      continue;
    }
    // A bell rung after this look at it ends the wait at once.
    const std::uint32_t heard = bell_.load();
    sleepers_.fetch_add(1);
    if ((queue_.is_empty() || !may_start()) && !stopping_.load()) bell_.wait(heard);
    sleepers_.fetch_sub(1);
  }
}

bool ExecutorPool::may_start() const {
  return Clock::now().time_since_epoch().count() <= start_until_.load(std::memory_order_relaxed);
}

void ExecutorPool::execute(Executor& executor, const Job& job) {
  const Started started{Clock::now(), Clock::wall_us()};
  if (started.at >= job.expires) {
    JobReport expired;
    expired.handle = job.handle;
    expired.end = JobEnd::expired;
    report(executor, expired);
  } else if (handlers_[job.type].async) {
    execute_async(executor, job, started);
  } else {
    execute_sync(executor, job, started);
  }
}

void ExecutorPool::execute_sync(Executor& executor, const Job& job, const Started& started) {
  JobReport out;
  out.handle = job.handle;
  out.started_us = started.wall_us;
  const TaskView view =
      detail::SyncCall::view(executor.hold, job, types_[job.type], *executor.slot);
  std::vector<std::byte> result;
  Ending ending;
  try {
    result = handlers_[job.type].sync(view);
  } catch (...) {
    ending = ending_of_current_exception();
    if (view.cancelled()) ending.end = JobEnd::cancelled;
  }
  out.end = ending.end;
  out.retry_ms = ending.retry_ms;
  out.error = ending.error;
  out.result = result;
  out.run_ns = started.run_ns();
  report(executor, out);
}

void ExecutorPool::execute_async(Executor& executor, const Job& job, const Started& started) {
  const auto task =
      std::make_shared<detail::AsyncTask>(desk_, job, types_[job.type], *executor.slot, started);
  executor.slot.reset();  // goes with the task, which may end before the handler returns
  std::optional<Ending> failure;
  try {
    handlers_[job.type].async(detail::AsyncTask::view(task));
  } catch (...) {
    failure = ending_of_current_exception();
  }
  task->call_ended(failure);
}

void ExecutorPool::report(Executor& executor, const JobReport& report) {
  bool is_first = false;
  {
    const std::scoped_lock lock(executor.mutex);
    is_first = executor.reports.empty();
    executor.reports.add(report);
  }
  if (is_first) wake_.signal();
}

bool ExecutorPool::has_reports() {
  if (desk_->has_reports()) return true;
  return std::any_of(executors_.begin(), executors_.end(), [](const auto& executor) {
    const std::scoped_lock lock(executor->mutex);
    return !executor->reports.empty();
  });
}

void ExecutorPool::swap_reports(Executor& executor) {
  executor.taken.clear();
  const std::scoped_lock lock(executor.mutex);
  std::swap(executor.reports, executor.taken);
}

}  // namespace sluice::net
