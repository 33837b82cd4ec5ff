// verb_run.hpp: `sluice run`, as the program's options see it.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/app.hpp"

namespace CLI {
class App;
}

namespace sluice::cli {

/// Adds the verb. Its command and input sources come in `invocation`, which must outlive
/// `action`.
void add_run_verb(CLI::App& app, const Invocation& invocation, Action& action);

}  // namespace sluice::cli
