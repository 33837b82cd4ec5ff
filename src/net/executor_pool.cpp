// executor_pool.cpp: an executor's life: claim, check, run, report, sleep.
// SPDX-License-Identifier: MIT
#include "net/executor_pool.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "core/assert.hpp"
#include "net/clock.hpp"
#include "net/signals.hpp"

namespace sluice::net {
ExecutorPool::ExecutorPool(std::vector<std::string> types, std::vector<Handler> handlers,
                           std::uint32_t executors, std::size_t capacity, Wake& wake)
    : types_(std::move(types)), handlers_(std::move(handlers)), wake_(wake), queue_(capacity) {
  SLUICE_ASSERT(types_.size() == handlers_.size() && executors > 0);
  const SignalsBlocked blocked;
  for (std::uint32_t slot = 0; slot < executors; ++slot) {
    executors_.push_back(std::make_unique<Executor>());
    executors_.back()->slot = slot;
  }
  for (auto& executor : executors_)
    executor->thread = std::thread([this, at = executor.get()] { run(*at); });
}

ExecutorPool::~ExecutorPool() {
  stopping_.store(true);
  bell_.fetch_add(1);
  bell_.notify_all();
  for (auto& executor : executors_) executor->thread.join();
}

bool ExecutorPool::put(const Job& job) { return queue_.put(job); }

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
  Entry entry;
  entry.handle = job.handle;
  const core::Time start = Clock::now();
  if (start >= job.expires) {
    entry.end = JobEnd::expired;
    report(executor, entry, {}, {});
    return;
  }
  entry.started_us = Clock::wall_us();
  TaskView view;
  view.id = TaskId{job.log, core::raw(job.seq)};
  view.attempt = job.attempt;
  view.slot = executor.slot;
  view.type = types_[job.type];
  view.key = job.key;
  view.payload = job.payload;
  view.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(job.exec_ms));
  view.last_attempt = job.last_attempt;

  std::vector<std::byte> result;
  std::string error;
  try {
    result = handlers_[job.type](view);
    entry.end = JobEnd::done;
  } catch (const std::exception& failure) {  // an attempt that failed, not an error of ours
    entry.end = JobEnd::failed;
    error = failure.what();
  } catch (...) {
    entry.end = JobEnd::failed;
    error = "the handler threw something that is no std::exception";
  }
  const core::Time end = Clock::now();
  entry.run_ns = static_cast<std::uint64_t>(std::max<std::int64_t>((end - start).count(), 0));
  report(executor, entry, error, result);
}

void ExecutorPool::report(Executor& executor, const Entry& entry, std::string_view error,
                          const std::vector<std::byte>& result) {
  bool is_first = false;
  {
    const std::scoped_lock lock(executor.mutex);
    Reports& reports = executor.reports;
    is_first = reports.entries.empty();
    reports.entries.push_back(entry);
    Entry& kept = reports.entries.back();
    kept.at = reports.bytes.size();
    kept.error_bytes = error.size();
    kept.result_bytes = result.size();
    const core::Bytes text = core::as_bytes(error);
    reports.bytes.insert(reports.bytes.end(), text.begin(), text.end());
    reports.bytes.insert(reports.bytes.end(), result.begin(), result.end());
  }
  if (is_first) wake_.signal();
}

bool ExecutorPool::has_reports() {
  return std::any_of(executors_.begin(), executors_.end(), [](const auto& executor) {
    const std::scoped_lock lock(executor->mutex);
    return !executor->reports.entries.empty();
  });
}

void ExecutorPool::swap_reports(Executor& executor) {
  executor.taken.entries.clear();
  executor.taken.bytes.clear();
  const std::scoped_lock lock(executor.mutex);
  std::swap(executor.reports, executor.taken);
}

JobReport ExecutorPool::report_of(const Entry& entry, const Reports& reports) {
  const core::Bytes bytes(reports.bytes);
  JobReport out;
  out.handle = entry.handle;
  out.end = entry.end;
  out.started_us = entry.started_us;
  out.run_ns = entry.run_ns;
  out.error = core::as_text(bytes.subspan(entry.at, entry.error_bytes));
  out.result = bytes.subspan(entry.at + entry.error_bytes, entry.result_bytes);
  return out;
}

}  // namespace sluice::net
