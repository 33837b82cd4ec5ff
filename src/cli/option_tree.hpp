// option_tree.hpp: all verbs and options of the program, as data for manual pages and completions.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace sluice::cli {

struct OptionEntry {
  std::vector<std::string> names;    ///< as typed, short ones first: "-j", "--jobs"
  std::string value;                 ///< what its value is called in the help; empty: it has none
  std::vector<std::string> choices;  ///< the only values it takes, if the help names them: a|b|c
  std::string about;
  bool repeats = false;  ///< may be given several times
};

struct VerbEntry {
  std::string name;  ///< empty for the program itself
  std::string about;
  std::string usage;   ///< "sluice run [OPTIONS] ..."
  std::string footer;  ///< what the help says below the options
  std::vector<OptionEntry> options;
  bool takes_command = false;  ///< a command line follows its options
};

struct OptionTree {
  VerbEntry program;
  std::vector<VerbEntry> verbs;
};

/// Reads the tree out of a parser. Options that the help hides are left out.
[[nodiscard]] OptionTree option_tree(const CLI::App& program);

}  // namespace sluice::cli
