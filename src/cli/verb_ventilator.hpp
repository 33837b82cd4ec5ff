// verb_ventilator.hpp: `sluice ventilator`, the scheduling centre.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>

#include "cli/app.hpp"
#include "cli/role_log.hpp"
#include "sluice/sink.hpp"
#include "sluice/ventilator.hpp"

namespace sluice::cli {

/// What `sluice ventilator` was told.
struct VentilatorArguments {
  VentilatorOptions ventilator;
  SinkOptions sink;  ///< its own, used if no others are named
  std::string access;
  std::string sink_bind;
  std::string lane_ports, grace, sync;
  bool no_lanes = false, no_sync = false, insecure = false, standby = false;
  std::chrono::milliseconds drain_timeout{-1};  ///< not given: a minute, with a journal none
  LogLevel log;
};

/// Adds the options of the verb.
void add_ventilator_options(CLI::App& verb, VentilatorArguments& arguments);

/// Makes one whole of what was parsed: ranges are read, the sink follows the ventilator. Throws
/// sluice::Error for what does not fit together.
void complete(VentilatorArguments& arguments);

void add_ventilator_verb(CLI::App& program, Action& action);

}  // namespace sluice::cli
