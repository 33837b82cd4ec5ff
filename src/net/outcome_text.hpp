// outcome_text.hpp: an outcome as the line that stands in an outcome file.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include <sluice/command.hpp>
#include <sluice/outcome.hpp>

#include "store/outcome_line.hpp"

namespace sluice::net {

/// What a line says of the command behind an outcome of type "exec". Its views are those of
/// this object and of the outcome.
class CommandText {
 public:
  explicit CommandText(const OutcomeView& outcome);
  CommandText(const CommandText&) = delete;
  CommandText& operator=(const CommandText&) = delete;

  /// Null where the outcome is not that of a command, or not as sluice writes them.
  [[nodiscard]] const store::CommandPart* part() const { return part_ ? &*part_ : nullptr; }

 private:
  std::optional<CommandResult> result_;
  std::string line_;
  std::optional<store::CommandPart> part_;
};

/// Appends the line, newline included (README, "Outcomes").
void append_outcome_text(std::string& out, const OutcomeView& outcome);

/// The views are those of `outcome`.
[[nodiscard]] OutcomeView view_of(const Outcome& outcome);

}  // namespace sluice::net
