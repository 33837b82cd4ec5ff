// terminal.hpp: whether somebody is looking, how wide their window is, and whether in colour.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace sluice::cli {

inline constexpr std::size_t kUsualTerminalWidth = 80;

[[nodiscard]] bool is_terminal(int fd);

/// Columns of the window behind `fd` now; 80 where it is no terminal or does not know.
[[nodiscard]] std::size_t terminal_width(int fd);

/// The rule behind use_colour: on a terminal that is not TERM=dumb, unless NO_COLOR is set and
/// not empty (https://no-color.org). Null stands for a variable that is not set.
[[nodiscard]] bool colour_wanted(bool terminal, const char* no_color, const char* term);

/// Whether what is written to `fd` may be coloured; looks at NO_COLOR and TERM.
[[nodiscard]] bool use_colour(int fd);

}  // namespace sluice::cli
