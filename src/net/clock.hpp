// clock.hpp: the one real clock; everything else is told the time.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "core/time.hpp"

namespace sluice::net {

/// Safe from any thread. A loop reads it once a turn.
struct Clock {
  /// CLOCK_BOOTTIME: never set back, and it counts the time a machine was suspended, so
  /// a worker that slept through its fence knows.
  [[nodiscard]] static core::Time now();
  /// Microseconds since 1970, for reports that people read; no rule depends on it.
  [[nodiscard]] static std::uint64_t wall_us();
};

}  // namespace sluice::net
