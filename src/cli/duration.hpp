// duration.hpp: lengths of time as people write and read them.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace sluice::cli {

/// Reads "30" or "1.5" (seconds), numbers with units ("200ms", "2m", "1h 30m", "2d"; largest unit
/// first, each at most once) and clock forms ("MM:SS", "HH:MM:SS", "D-HH:MM:SS").
///
/// Digits finer than a microsecond are dropped. Throws sluice::Error, which lists the accepted
/// forms, for anything else: negative, empty, or too long for 64 bits of microseconds.
[[nodiscard]] std::chrono::microseconds parse_duration(std::string_view text);

/// Two units at most, rounded to nearest: "250 us", "350 ms", "1.5 s", "1m 12s", "2h 5m", "3d 4h".
[[nodiscard]] std::string format_duration(std::chrono::microseconds duration);

}  // namespace sluice::cli
