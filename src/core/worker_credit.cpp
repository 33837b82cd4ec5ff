// worker_credit.cpp: the arithmetic of a worker's credit.
// SPDX-License-Identifier: MIT
#include "core/worker_credit.hpp"

#include <algorithm>

namespace sluice::core {
namespace {

constexpr std::int64_t kLeastRunNs = 100;  // what a claim costs; no task is shorter in effect

}  // namespace

WorkerCredit::WorkerCredit(const RunnerOptions& options)
    : slots_(std::max<std::uint32_t>(options.slots, 1)),
      fixed_(slots_ * options.prefetch),
      most_prefetch_(options.max_prefetch),
      target_(options.prefetch_target),
      most_queued_bytes_(options.max_queued_bytes),
      most_retained_(options.max_retained),
      most_retained_bytes_(options.max_retained_bytes),
      prefetch_(fixed_ > 0 ? fixed_ - slots_ : std::min<std::uint64_t>(1, most_prefetch_)) {}

std::size_t WorkerCredit::most_unstarted() const {
  return static_cast<std::size_t>(fixed_ > 0 ? fixed_ : slots_ + most_prefetch_);
}

void WorkerCredit::begin_session() {
  received_ = received_bytes_ = 0;
  tasks_limit_ = bytes_limit_ = 0;
  said_tasks_ = said_bytes_ = 0;
}

void WorkerCredit::received_before(std::uint64_t tasks, std::uint64_t bytes) {
  // A sender cannot have sent more than it was told: what it claims is cut to that.
  received_ = std::max(received_, std::min(tasks, said_tasks_));
  received_bytes_ = std::max(received_bytes_, std::min(bytes, said_bytes_));
}

bool WorkerCredit::receive(std::uint64_t tasks, std::uint64_t bytes) {
  if (tasks > said_tasks_ - received_ || bytes > said_bytes_ - received_bytes_) return false;
  received_ += tasks;
  received_bytes_ += bytes;
  return true;
}

void WorkerCredit::ran(Duration run) {
  const std::int64_t ns = std::max<std::int64_t>(run.count(), 0);
  mean_run_ns_ = measured_ ? mean_run_ns_ + (ns - mean_run_ns_) / 8 : ns;
  measured_ = true;
  withheld_ = 0;
}

std::uint64_t WorkerCredit::wanted_prefetch() const {
  if (fixed_ > 0) return fixed_ - slots_;
  if (!measured_) return std::min<std::uint64_t>(1, most_prefetch_);
  const auto mean = static_cast<std::uint64_t>(std::max(mean_run_ns_, kLeastRunNs));
  const auto target = static_cast<std::uint64_t>(target_.count()) * slots_;
  // Less than a tenth of a task ahead is not worth one that waits behind a long task.
  if (target < mean / 10) return 0;
  return std::min((target + mean - 1) / mean, most_prefetch_);
}

bool WorkerCredit::update(const WorkerLoad& load) {
  if (!frozen_) {
    const std::uint64_t window = slots_ + prefetch_;
    const std::uint64_t moving = load.retained - std::min(load.stalled, load.retained);
    const std::uint64_t overdue = moving > window ? moving - window : 0;
    const std::uint64_t spent = load.unstarted + load.running + overdue + withheld_;
    const bool may_grow = load.retained < most_retained_ && load.unacknowledged < most_retained_ &&
                          load.retained_bytes <= most_retained_bytes_;
    if (may_grow && window > spent)
      tasks_limit_ = std::max(tasks_limit_, received_ + window - spent);
    if (may_grow && most_queued_bytes_ > load.bytes)
      bytes_limit_ = std::max(bytes_limit_, received_bytes_ + most_queued_bytes_ - load.bytes);
  }
  const std::uint64_t window = slots_ + prefetch_;
  const bool bytes_short = said_bytes_ - received_bytes_ < most_queued_bytes_ / 2 &&
                           bytes_limit_ - said_bytes_ >= most_queued_bytes_ / 4;
  if (tasks_limit_ <= said_tasks_) return bytes_short;
  const std::uint64_t coming = load.unstarted + load.running + (said_tasks_ - received_);
  return coming < slots_ || (tasks_limit_ - said_tasks_) * 4 >= window || bytes_short;
}

void WorkerCredit::announced() {
  said_tasks_ = tasks_limit_;
  said_bytes_ = bytes_limit_;
  // The window doubles at most from one grant to the next: one odd measurement does no harm.
  prefetch_ = std::min(wanted_prefetch(), std::max<std::uint64_t>(prefetch_ * 2, 1));
}

}  // namespace sluice::core
