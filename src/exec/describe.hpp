// describe.hpp: how a command ended, in one line for people.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "sluice/command.hpp"

namespace sluice::exec {

/// "exit code 3", "killed by signal 9 (KILL)", "timed out after 1.5 s",
/// "cancelled", or the reason why it was not started. Empty if all went well.
[[nodiscard]] std::string describe(const CommandResult& result, std::chrono::milliseconds timeout);

/// Whether the reason why a command was not started may be gone the next time: no memory, no
/// descriptors, its folder not mounted. That a program is not there, or is none, stays so.
[[nodiscard]] bool is_of_the_moment(std::string_view reason);

/// At most `limit` bytes of `text` on one line: control characters become
/// spaces, and a cut does not split a UTF-8 character.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t limit);

/// `text` cut to `limit` bytes between two UTF-8 characters.
[[nodiscard]] std::string_view cut_text(std::string_view text, std::size_t limit);

}  // namespace sluice::exec
