// ventilator_calls.cpp: how other threads of the process talk to the ventilator's loop.
// SPDX-License-Identifier: MIT
#include <utility>

#include <sluice/error.hpp>

#include "net/clock.hpp"
#include "net/ventilator_loop.hpp"

namespace sluice::net {

void VentilatorLoop::call(const std::function<void(core::Dispatcher&, core::Time)>& work) {
  Call call{&work, false};
  std::unique_lock lock(mutex_);
  if (!ended_) {
    calls_.push_back(&call);
    wake_.signal();
    changed_.wait(lock, [&] { return call.done || ended_; });
  }
  if (call.done) return;
  lock.unlock();
  rethrow_failure();
  throw Error("the ventilator has stopped: nothing more can be asked of it");
}

// A call finds all that its thread submitted before it: those tasks are fetched between.
void VentilatorLoop::take_submits_and_calls(core::Time now) {
  std::vector<Call*> calls;
  {
    const std::scoped_lock lock(mutex_);
    calls.swap(calls_);
  }
  take_submits(now);
  for (Call* call : calls) (*call->work)(*core_, now);
  const std::scoped_lock lock(mutex_);
  answered_.insert(answered_.end(), calls.begin(), calls.end());
}

bool VentilatorLoop::wait_settled(std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  // What was submitted before this call is in the core once a turn has passed.
  call([](core::Dispatcher&, core::Time) {});
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool quiet = unsettled_ == 0 && inbox_.waiting() == 0;
    if (quiet || ended_) break;
    if (changed_.wait_until(lock, until) == std::cv_status::timeout) {
      if (unsettled_ == 0 && inbox_.waiting() == 0) break;
      return false;
    }
  }
  lock.unlock();
  rethrow_failure();
  return unsettled() == 0;
}

void VentilatorLoop::wait_for_room() {
  std::unique_lock lock(mutex_);
  ++room_waiters_;
  changed_.wait(lock, [&] { return has_room_ || ended_; });
  --room_waiters_;
}

std::size_t VentilatorLoop::unsettled() const {
  const std::scoped_lock lock(mutex_);
  return unsettled_ + inbox_.waiting();
}

std::string VentilatorLoop::status_json() {
  std::string text;
  call([&](core::Dispatcher&, core::Time now) { text = status_text(now); });
  return text;
}

void VentilatorLoop::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stop_asked_ = true;
  }
  wake_.signal();
  if (thread_.joinable()) thread_.join();
}

void VentilatorLoop::rethrow_failure() const {
  std::exception_ptr failure;
  {
    const std::scoped_lock lock(mutex_);
    failure = failure_;
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace sluice::net
