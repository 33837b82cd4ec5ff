// outcome_line.hpp: one outcome as one line of JSON, and back.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sluice/command.hpp>
#include <sluice/outcome.hpp>

namespace sluice::store {

/// What is known of the command behind an outcome of type "exec". The caller decodes it,
/// since how a command lies in a payload is not the store's business.
struct CommandPart {
  const CommandResult* result = nullptr;  ///< none: no execution could report (expired, lost, ...)
  std::string_view command;               ///< as its author wrote it
};

/// Appends the line, newline included. Its fields, in this order:
///
///   id seq key type status attempts worker started run_s
///   for commands: exit signal stdout stderr command [stdout_base64] [stderr_base64]
///                 [stdout_cut] [stderr_cut]
///   for others:   result, or result_base64 if it is not UTF-8; null for the task's own payload
///   [error] log
///
/// `key` is null for none, `started` is ISO-8601 UTC with microseconds or null if it never did,
/// `run_s` are seconds, `error` stands only where the task is not done, `log` are 32 hex digits.
/// `exit` and `signal` are null if no execution could report. Output that is not UTF-8 has U+FFFD
/// for each byte that does not belong, and its exact bytes in `..._base64`. `..._cut` counts
/// the bytes beyond the limit that were dropped.
void append_outcome_line(std::string& out, const OutcomeView& outcome,
                         const CommandPart* command = nullptr);

/// What a sink must know of a line it wrote earlier.
struct OutcomeFacts {
  TaskId id;
  Status status{};
  std::string key;
};

/// Reads a line (without its newline); nullopt if it is not one of ours. Fields it does not know
/// it ignores.
[[nodiscard]] std::optional<OutcomeFacts> read_outcome_line(std::string_view line);

/// How every line begins; for telling a torn one from something that was never ours.
inline constexpr std::string_view kOutcomeLineStart = R"({"id":")";

}  // namespace sluice::store
