// man_page.hpp: the program's own help as pages for man(1).
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "cli/option_tree.hpp"

namespace sluice::cli {

/// sluice(1): what the program is, and its verbs.
[[nodiscard]] std::string program_man_page(const OptionTree& tree);

/// sluice-VERB(1), in the man macros of roff.
[[nodiscard]] std::string verb_man_page(const OptionTree& tree, const VerbEntry& verb);

}  // namespace sluice::cli
