// verb_status.hpp: `sluice status`, a look at a running ventilator.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/app.hpp"

namespace sluice::cli {

void add_status_verb(CLI::App& program, Action& action);

}  // namespace sluice::cli
