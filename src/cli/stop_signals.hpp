// stop_signals.hpp: how a long-lived role is asked to end: once politely, twice at once.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>

#include "net/signals.hpp"

namespace sluice::cli {

/// Reads SIGINT, SIGTERM and SIGHUP; a SIGHUP that is ignored, as by nohup, stays ignored.
[[nodiscard]] net::SignalReader read_stop_signals();

/// SIGINT, SIGTERM and SIGHUP, as requests to end. Create it before the process has threads. One
/// thread at a time.
class StopSignals {
 public:
  StopSignals();

  /// Waits until a signal comes, `timeout` at most. True if one came.
  bool wait(std::chrono::milliseconds timeout);

  /// How often the role was asked to end.
  [[nodiscard]] int count() const { return count_; }
  /// "SIGTERM", the last one; for logs.
  [[nodiscard]] std::string name() const;

 private:
  net::SignalReader reader_;
  int count_ = 0;
  int last_ = 0;
};

}  // namespace sluice::cli
