// outcome_text.cpp: commands are decoded, everything else is written as it is.
// SPDX-License-Identifier: MIT
#include "net/outcome_text.hpp"

namespace sluice::net {
namespace {

std::string command_line(const Command& command) {
  if (!command.display.empty()) return command.display;
  std::string line;
  for (const std::string& word : command.argv) line += (line.empty() ? "" : " ") + word;
  return line;
}

}  // namespace

CommandText::CommandText(const OutcomeView& outcome) {
  if (outcome.type != kCommandType) return;
  if (outcome.result_is_task) {
    if (const auto command = Command::decode(outcome.result)) line_ = command_line(*command);
    part_.emplace().command = line_;
    return;
  }
  result_ = CommandResult::decode(outcome.result);
  // An outcome without a result (too large to send, say) has its reason in `error`.
  if (!result_ && !outcome.result.empty()) return;
  part_.emplace();
  if (!result_) return;
  part_->result = &*result_;
  part_->command = result_->display;
}

void append_outcome_text(std::string& out, const OutcomeView& outcome) {
  const CommandText command(outcome);
  store::append_outcome_line(out, outcome, command.part());
}

OutcomeView view_of(const Outcome& outcome) {
  OutcomeView view;
  view.id = outcome.id;
  view.status = outcome.status;
  view.attempt = outcome.attempt;
  view.key = outcome.key;
  view.type = outcome.type;
  view.worker = outcome.worker;
  view.error = outcome.error;
  view.result = outcome.result;
  view.result_is_task = outcome.result_is_task;
  view.started = outcome.started;
  view.run = outcome.run;
  return view;
}

}  // namespace sluice::net
