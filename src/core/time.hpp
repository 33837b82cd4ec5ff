// time.hpp: the time the core is told; it cannot read a clock.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice::core {

/// The core is told the time. LogicalClock has no now() on purpose: reading a
/// clock inside the core is a compile error, not a remark in review.
/// (std::chrono::local_t does the same for local time.)
struct LogicalClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::duration<rep, period>;
};
using Duration = LogicalClock::duration;
/// Nanoseconds since boot, suspended time included (the shells use CLOCK_BOOTTIME).
using Time = std::chrono::time_point<LogicalClock>;

/// The time the wire counts in: whole milliseconds as an unsigned number.
constexpr Duration from_ms(std::uint64_t ms) {
  constexpr std::uint64_t kMost = 292ULL * 365 * 24 * 3600 * 1000;  // what 63 bits of ns can hold
  return std::chrono::milliseconds(static_cast<std::int64_t>(ms < kMost ? ms : kMost));
}
constexpr std::uint64_t to_ms(Duration d) {
  return d.count() <= 0 ? 0
                        : static_cast<std::uint64_t>(
                              std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
}

}  // namespace sluice::core
