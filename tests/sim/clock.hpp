// clock.hpp: what net::Clock says in a simulated world.
// SPDX-License-Identifier: MIT
#pragma once

#include "sim/timeline.hpp"

namespace sluice::sim {

/// The local time of the process that has its turn.
[[nodiscard]] Time& clock_of_turn();
/// What it has to add for the time of day: local time begins anew when a machine starts.
[[nodiscard]] Duration& wall_ahead_of_turn();

}  // namespace sluice::sim
