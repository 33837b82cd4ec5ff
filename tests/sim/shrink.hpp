// shrink.hpp: a run that fails, with as little in it as may be; and how it is shown.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "sim/plan.hpp"
#include "sim/world.hpp"

namespace sluice::sim {

/// Leaves out faults and tasks as long as the same rule breaks. Tries `most_runs` runs at most.
[[nodiscard]] Plan shrink(const Plan& plan, int most_runs = 400);

/// Runs it twice. A run that differs from itself is broken, too.
[[nodiscard]] Verdict run_twice(const Plan& plan);

/// The seed, the rule, what is left of the plan, and the last that happened.
[[nodiscard]] std::string report(const Plan& shrunk, const Verdict& verdict);

}  // namespace sluice::sim
