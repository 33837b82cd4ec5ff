// app.hpp: from the words of a command line to the verb that is run, and to the exit code.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/inputs.hpp"
#include "cli/option_tree.hpp"

namespace sluice::cli {

/// What a verb does once its options are read. Returns the exit code; may throw sluice::Error,
/// which is printed as "sluice VERB: what", or as {"error": what} where --output json was given,
/// with exit code 255.
using Action = std::function<int()>;

/// The part of a command line that no option parser sees, of the verbs that take commands: what
/// follows the options of "VERB [opts] [--] CMD {} ::: a b". Filled in before the action is run.
struct Invocation {
  std::vector<std::string> command;
  std::vector<InputSource> sources;
};

// Each verb lives in verb_X.cpp and has one function:
//
//   void add_X_verb(CLI::App& program, Action& action);
//   void add_X_verb(CLI::App& program, const Invocation& invocation, Action& action);
//
// It adds a subcommand X with its options to `program`, and gives it a callback (CLI11's
// `callback`) that sets `action`. The second form is for `run` and `submit`. Where the options
// are kept is the verb's business (a shared_ptr that callback and action hold). `invocation` lives
// as long as `action`. Nothing is done, opened or printed before the action is run.

/// Runs `sluice WORDS...` and returns its exit code. Prints help, version and errors itself; throws
/// only what is a bug. `words` is without the program's name. Call it before there are threads.
[[nodiscard]] int run_program(std::span<const std::string> words);

/// What that program's parser knows, for manual pages and completions.
[[nodiscard]] OptionTree program_options();

}  // namespace sluice::cli
