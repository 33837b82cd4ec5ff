// task_view.cpp: the public view: what it shows, and the ways to finish its task.
// SPDX-License-Identifier: MIT
#include <sluice/task.hpp>

#include <utility>

#include <sluice/error.hpp>

#include "net/task_hold.hpp"

namespace sluice {
namespace {

detail::AsyncTask& finishable(detail::TaskHold* hold, bool asynchronous) {
  if (hold == nullptr)
    throw Error("this view has no task to finish: it was moved away, or never came from a worker");
  if (!asynchronous)
    throw Error(
        "a handler that takes const TaskView& returns its result or throws; to finish the "
        "task later it must take the TaskView by value");
  return static_cast<detail::AsyncTask&>(*hold);
}

}  // namespace

TaskView::TaskView(std::shared_ptr<detail::TaskHold> hold, bool asynchronous)
    : hold_(std::move(hold)), asynchronous_(asynchronous) {}

TaskView::TaskView(TaskView&& other) noexcept { *this = std::move(other); }

TaskView& TaskView::operator=(TaskView&& other) noexcept {
  if (this == &other) return *this;
  if (hold_ && asynchronous_) static_cast<detail::AsyncTask&>(*hold_).dropped();
  id = other.id;
  attempt = other.attempt;
  slot = other.slot;
  type = std::exchange(other.type, {});
  key = std::exchange(other.key, {});
  payload = std::exchange(other.payload, {});
  timeout = other.timeout;
  last_attempt = other.last_attempt;
  deadline_ = other.deadline_;
  hold_ = std::move(other.hold_);
  asynchronous_ = other.asynchronous_;
  return *this;
}

TaskView::~TaskView() {
  if (hold_ && asynchronous_) static_cast<detail::AsyncTask&>(*hold_).dropped();
}

// A finished task's cell may be another's by now.
bool TaskView::cancelled() const {
  if (!hold_) return false;
  return hold_->cancelled();
}

void TaskView::progress(std::string_view text) const {
  if (!hold_ || (asynchronous_ && static_cast<detail::AsyncTask&>(*hold_).is_finished())) return;
  hold_->progress(text);
}

void TaskView::done(std::span<const std::byte> result) {
  finishable(hold_.get(), asynchronous_).finish({}, result);
}

void TaskView::fail(const std::string& why) {
  finishable(hold_.get(), asynchronous_).finish({net::JobEnd::failed, why, 0}, {});
}

void TaskView::fail(const std::exception& why) {
  finishable(hold_.get(), asynchronous_).finish(net::ending_of(why), {});
}

void TaskView::retry(std::chrono::milliseconds after, const std::string& why) {
  fail(Retry(after, why));
}

}  // namespace sluice
