// verb_submit.hpp: `sluice submit`, tasks for a running ventilator.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>

#include "cli/app.hpp"
#include "cli/option_values.hpp"
#include "cli/submission.hpp"

namespace sluice::cli {

/// What `sluice submit` was told.
struct SubmitArguments {
  SubmissionOptions submission;
  std::string access;
  std::string jsonl;  ///< a file of tasks, "-" for standard input; instead of a command
  OutputMode output = OutputMode::text;
  bool wait = false;
  bool bar = false;
  std::chrono::milliseconds connect_timeout{5000};
};

/// Adds the options of the verb.
void add_submit_options(CLI::App& verb, SubmitArguments& arguments);

/// `invocation` must outlive `action`.
void add_submit_verb(CLI::App& program, const Invocation& invocation, Action& action);

}  // namespace sluice::cli
