// exit_code.hpp: what the program's exit code says, as GNU parallel has it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace sluice::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitSuperseded = 3;    ///< a ventilator whose journal a standby has taken
inline constexpr int kExitManyFailed = 101;  ///< more than 100 tasks failed
inline constexpr int kExitOwnError = 255;    ///< sluice itself could not do what was asked

/// 0 if nothing failed, the number of failed tasks up to 100, and 101 for more.
[[nodiscard]] int exit_code_for_failures(std::uint64_t failed);

/// What a shell would say of one task: its exit code, or 128 + the signal that ended it.
[[nodiscard]] int exit_code_of_task(int exit_code, int signal);

}  // namespace sluice::cli
