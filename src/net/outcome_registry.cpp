// outcome_registry.cpp: callbacks are called without the lock, and counted until they return.
// SPDX-License-Identifier: MIT
#include "net/outcome_registry.hpp"

#include <utility>

namespace sluice::net {
namespace {

thread_local const OutcomeRegistry* calling = nullptr;  // whose callback runs on this thread

Outcome unknown(const TaskId& id, const std::string& why) {
  Outcome outcome;
  outcome.id = id;
  outcome.status = Status::unknown;
  outcome.error = why;
  return outcome;
}

}  // namespace

void OutcomeRegistry::expect(const TaskId& id, Callback callback) {
  const std::scoped_lock lock(mutex_);
  ++waiting_;
  Waiting& waiting = callbacks_[id.seq];
  waiting.id = id;
  waiting.callbacks.push_back(std::move(callback));
}

void OutcomeRegistry::expect_known(const TaskId& id, Callback callback) {
  std::string why;
  {
    const std::scoped_lock lock(mutex_);
    ++waiting_;
    if (!abandoned_.empty())
      why = abandoned_;
    else if (delivered_.contains(id.seq))
      why = "the task of this key has ended before, and its outcome was handed out then";
    if (why.empty()) {
      Waiting& waiting = callbacks_[id.seq];
      waiting.id = id;
      waiting.callbacks.push_back(std::move(callback));
      return;
    }
  }
  call(callback, unknown(id, why));
}

void OutcomeRegistry::deliver(const OutcomeView& view) {
  std::vector<Callback> callbacks;
  {
    const std::scoped_lock lock(mutex_);
    delivered_.insert(view.id.seq);
    const auto at = callbacks_.find(view.id.seq);
    if (at == callbacks_.end()) return;
    callbacks = std::move(at->second.callbacks);
    callbacks_.erase(at);
  }
  const Outcome outcome(view);
  for (const Callback& callback : callbacks) call(callback, outcome);
}

void OutcomeRegistry::abandon(const std::string& why) {
  std::unordered_map<std::uint64_t, Waiting> callbacks;
  {
    const std::scoped_lock lock(mutex_);
    abandoned_ = why;
    callbacks.swap(callbacks_);
  }
  for (const auto& [seq, waiting] : callbacks)
    for (const Callback& callback : waiting.callbacks) call(callback, unknown(waiting.id, why));
}

void OutcomeRegistry::call(const Callback& callback, const Outcome& outcome) {
  const OutcomeRegistry* const outer = std::exchange(calling, this);
  std::exception_ptr thrown;
  try {
    if (callback) callback(outcome);
  } catch (...) {  // whatever it is, it is the user's, and wait() hands it over
    thrown = std::current_exception();
  }
  calling = outer;
  const std::scoped_lock lock(mutex_);
  if (thrown && !thrown_) thrown_ = thrown;
  if (--waiting_ == 0 || thrown) quiet_.notify_all();
}

bool OutcomeRegistry::wait(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  quiet_.wait_for(lock, timeout, [this] { return waiting_ == 0 || thrown_; });
  if (const auto thrown = std::exchange(thrown_, nullptr)) std::rethrow_exception(thrown);
  return waiting_ == 0;
}

std::size_t OutcomeRegistry::waiting() const {
  const std::scoped_lock lock(mutex_);
  return waiting_;
}

bool OutcomeRegistry::is_calling() const { return calling == this; }

}  // namespace sluice::net
