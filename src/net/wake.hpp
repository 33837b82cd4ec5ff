// wake.hpp: how another thread wakes a loop that sleeps.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

#include "exec/unique_fd.hpp"

namespace sluice::net {

/// An eventfd that costs a system call only if the loop really sleeps.
///
/// The loop, each turn:         Any other thread:
///   wake.going_to_sleep();       put something in the inbox;
///   if the inbox has something, wake.signal();
///     wait without sleeping;
///   else wait for wake.fd();
///   wake.awake();
///
/// The inbox must be looked at after going_to_sleep(): what was put in before is seen
/// then, and what is put in later finds the loop asleep and wakes it.
class Wake {
 public:
  Wake();  // throws Error when the process has no descriptors left
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;

  /// From any thread.
  void signal();

  /// The loop's side, on its thread.
  void going_to_sleep() { sleeping_.store(true); }
  /// After waiting; takes back signals, so that fd() is quiet again.
  void awake();
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  exec::UniqueFd fd_;
  std::atomic<bool> sleeping_{false};
  bool write_pending_ = false;  // the loop's: a signal was seen before its write
};

}  // namespace sluice::net
