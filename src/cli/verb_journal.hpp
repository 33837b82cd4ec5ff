// verb_journal.hpp: `sluice journal`, a look into a journal that no ventilator has open.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/app.hpp"

namespace sluice::cli {

void add_journal_verb(CLI::App& program, Action& action);

}  // namespace sluice::cli
