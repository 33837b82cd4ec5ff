// run_time.hpp: how long the tasks of a type usually take, from lease to ack.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "core/time.hpp"

namespace sluice::core {

/// A running median without a sample store: each observation moves the estimate a
/// twentieth towards itself, so that half of them end on either side.
///
/// It counts from lease to ack, queueing included, so it errs on the long side.
class RunTime {
 public:
  void observe(Duration took) {
    took = std::max<Duration>(took, std::chrono::microseconds(1));
    if (median_ == Duration::zero()) {
      median_ = took;
      return;
    }
    const Duration step = std::max<Duration>(median_ / 20, Duration(1));
    median_ += took > median_ ? std::min(step, took - median_) : -std::min(step, median_ - took);
  }
  /// Zero: nothing is known yet.
  [[nodiscard]] Duration median() const { return median_; }

 private:
  Duration median_{};
};

}  // namespace sluice::core
