// suggestion.hpp: what somebody probably meant who typed a word that is not known.
// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice::cli {

/// The known word with the fewest letters changed, added, left out or swapped; empty if
/// none is near: more than a third of the letters, or more than three, are different.
[[nodiscard]] std::string nearest_word(std::string_view typed, std::span<const std::string> known);

/// "; did you mean X?", or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view typed, std::span<const std::string> known);

}  // namespace sluice::cli
