// completion.hpp: scripts with which shells complete verbs, options and their values.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "cli/option_tree.hpp"

namespace sluice::cli {

/// For bash 4 or newer; needs nothing of the package bash-completion.
[[nodiscard]] std::string bash_completion(const OptionTree& tree);

/// A file _sluice for zsh's $fpath.
[[nodiscard]] std::string zsh_completion(const OptionTree& tree);

}  // namespace sluice::cli
