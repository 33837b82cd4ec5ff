// verb_sink.hpp: `sluice sink`, a collector of outcomes.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/app.hpp"
#include "cli/role_log.hpp"
#include "sluice/sink.hpp"

namespace sluice::cli {

/// What `sluice sink` was told.
struct SinkArguments {
  SinkOptions sink;
  bool no_sync = false, no_checkpoint = false, insecure = false;
  LogLevel log;
};

/// Adds the options of the verb.
void add_sink_options(CLI::App& verb, SinkArguments& arguments);

void add_sink_verb(CLI::App& program, Action& action);

}  // namespace sluice::cli
