// flags.hpp: the bits that tasks and outcomes carry, as docs/PROTOCOL.md numbers them.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace sluice::core {

// Of an entry of SUBMIT.
inline constexpr std::uint32_t kSubmitWanted = 1;  // its outcome will be watched for

// Of an entry of TASKS.
inline constexpr std::uint32_t kLastAttempt = 1;
inline constexpr std::uint32_t kTaskWanted = 2;

// Of an entry of OUTCOMES, and of WATCHED.
inline constexpr std::uint32_t kTerminal = 1;     // store without asking the handler
inline constexpr std::uint32_t kTaskPayload = 2;  // the payload is the task's own, not a result
inline constexpr std::uint32_t kOutcomeWanted = 4;
// Of WATCHED alone.
inline constexpr std::uint32_t kContentGone = 8;  // only the status is still known ...
inline constexpr std::uint32_t kStatusGone = 16;  // ... or not even that

}  // namespace sluice::core
