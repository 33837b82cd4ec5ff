// outcome_reader.hpp: an outcome as a sink once wrote it, read back whole.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sluice/command.hpp>
#include <sluice/outcome.hpp>

namespace sluice::store {

/// What a line of an outcome file says.
///
/// Its `result` is the handler's, byte for byte; for commands it is empty, and `command` has what
/// the line knows of the result (not its CPU time and memory). A task's own payload is
/// not in the file: such an outcome has `result_is_task` and no bytes.
struct StoredOutcome {
  Outcome outcome;
  bool is_command = false;
  std::optional<CommandResult> command;  ///< none: no execution could report
};

/// Reads a line of append_outcome_line() (without its newline); nullopt if it is none.
[[nodiscard]] std::optional<StoredOutcome> read_whole_outcome(std::string_view line);

/// Undoes base64 (RFC 4648, with padding); nullopt if it is none.
[[nodiscard]] std::optional<std::string> read_base64(std::string_view text);

}  // namespace sluice::store
