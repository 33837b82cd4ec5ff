// verb_worker.hpp: `sluice worker`, an execution node.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cli/app.hpp"
#include "cli/role_log.hpp"
#include "sluice/worker.hpp"

namespace sluice::cli {

/// What `sluice worker` was told.
struct WorkerArguments {
  WorkerOptions worker;
  std::string access;
  std::vector<std::string> connect;  ///< instead of a file
  bool no_lane = false, stay = false;
  std::chrono::milliseconds drain_timeout{60'000};
  LogLevel log;

  WorkerArguments();  ///< runs commands, and gives up connecting after some seconds
};

/// Adds the options of the verb.
void add_worker_options(CLI::App& verb, WorkerArguments& arguments);

/// Makes one whole of what was parsed.
void complete(WorkerArguments& arguments);

void add_worker_verb(CLI::App& program, Action& action);

}  // namespace sluice::cli
