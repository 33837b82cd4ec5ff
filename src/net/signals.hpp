// signals.hpp: signals become something a loop reads; no handler ever runs.
// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>
#include <initializer_list>
#include <optional>

#include "exec/unique_fd.hpp"

namespace sluice::net {

/// Blocks every signal but those of a crash (SIGSEGV and its like) in the calling thread, and in
/// the threads it starts later. First thing in each thread of a shell: a signal that
/// interrupts a thread makes ZeroMQ calls return early, and is not for that thread anyway.
void block_signals_in_this_thread();

/// While it lives, the calling thread blocks all signals; afterwards as before. Put it around
/// the creation of a thread, which then starts with all of them blocked.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

/// Reads signals instead of being interrupted by them. Create it first thing in main(),
/// before any thread: it blocks its signals, and threads inherit that. SIGPIPE is ignored
/// from then on. The signals stay blocked afterwards.
class SignalReader {
 public:
  SignalReader(std::initializer_list<int> signals);  // SIGINT, SIGTERM, ...; throws Error

  /// The next signal that came, or nothing. Never blocks.
  [[nodiscard]] std::optional<int> next();
  /// For a poll set: readable when next() has something.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  exec::UniqueFd fd_;
};

}  // namespace sluice::net
