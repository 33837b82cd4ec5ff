// backoff.hpp: how long to wait before the next attempt to connect.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/random.hpp"
#include "core/time.hpp"

namespace sluice::core {

/// The first wait lies between `least` and four times as much (50-200 ms); then the
/// upper end doubles, with full jitter, up to `most` (docs/PROTOCOL.md, "Timers").
/// A crowd of peers that lost the same ventilator so comes back spread out.
class Backoff {
 public:
  Backoff(Duration least, Duration most) : least_(least), most_(most) {}

  Duration next(Random& random) {
    if (upper_ < Duration(1)) upper_ = least_ * 4;
    const Duration wait = random.between(least_, upper_ < most_ ? upper_ : most_);
    if (upper_ < most_) upper_ = upper_ * 2;
    return wait;
  }
  /// The other side has answered: the next wait is a first one again.
  void reset() { upper_ = Duration(0); }

 private:
  Duration least_, most_;
  Duration upper_{0};  // 0: none yet
};

}  // namespace sluice::core
