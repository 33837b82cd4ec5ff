// outcome_line_fuzz.cpp: any text as a line of an outcome file, and any outcome as a line.
// SPDX-License-Identifier: MIT
#include <optional>
#include <string>

#include "core/chunk.hpp"
#include "fuzz/fuzz.hpp"
#include "store/json_text.hpp"
#include "store/outcome_line.hpp"
#include "store/outcome_reader.hpp"

using namespace sluice;

namespace {

using fuzz::require;

void read_any(std::string_view line) {
  const auto facts = store::read_outcome_line(line);
  const auto whole = store::read_whole_outcome(line);
  require(facts || !whole, "what is read whole is a line");
  if (whole) {
    require(facts->id == whole->outcome.id, "both readers name the same task");
    require(facts->status == whole->outcome.status, "both readers name the same end");
  }
  static_cast<void>(store::read_base64(line));
}

// An outcome of a peer's making: names are UTF-8, as the codec promises; bytes are anything.
void write_and_read(fuzz::Choices& choices) {
  const auto name = [&choices] {
    std::string text = choices.text(40);
    return store::is_utf8(text) ? text : std::string("name");
  };
  OutcomeView view;
  for (std::uint8_t& byte : view.id.log) byte = choices.byte();
  view.id.seq = choices.number();
  view.status = static_cast<Status>(choices.below(4));
  view.attempt = choices.number32();
  const std::string key = name(), type = name(), worker = name(), error = choices.text(60);
  view.key = key;
  view.type = type;
  view.worker = worker;
  view.error = error;
  const std::string result = choices.text(200);
  view.result = core::as_bytes(result);
  view.result_is_task = choices.one_in(8);
  constexpr std::uint64_t kMostUs = 9'000'000'000'000'000;  // as the sink cuts it
  const std::chrono::microseconds started(std::min(choices.number(), kMostUs));
  view.started = std::chrono::system_clock::time_point(started);
  view.run = std::chrono::microseconds(std::min(choices.number(), kMostUs));
  CommandResult command;
  command.end = static_cast<CommandResult::End>(choices.below(5));
  command.exit_code = static_cast<int>(choices.number32());
  command.signal = static_cast<int>(choices.number32());
  command.out = choices.text(100);
  command.err = choices.text(100);
  command.out_cut = choices.number();
  command.error = choices.text(20);
  const store::CommandPart part{choices.one_in(4) ? nullptr : &command, "sleep 1"};
  const bool is_command = choices.one_in(2);

  std::string line;
  store::append_outcome_line(line, view, is_command ? &part : nullptr);
  require(line.starts_with(store::kOutcomeLineStart), "a line begins as every line");
  require(line.find('\n') == line.size() - 1, "an outcome is one line");
  line.pop_back();
  const auto back = store::read_whole_outcome(line);
  require(back.has_value(), "what was written is read");
  require(back->outcome.id == view.id && back->outcome.status == view.status, "it is the same one");
  require(back->outcome.key == view.key, "its key is kept");
  require(back->outcome.attempt == view.attempt, "its attempt is kept");
  require(back->is_command == is_command, "a command stays one");
  if (back->command) {
    require(back->command->out == command.out && back->command->err == command.err,
            "output is kept byte for byte");
    require(back->command->exit_code == command.exit_code, "the exit code is kept");
  } else if (!is_command && !view.result_is_task) {
    require(std::ranges::equal(back->outcome.result, view.result), "a result is kept exactly");
  }
}

}  // namespace

// The first byte says which of the two ways is tried: '{' begins a line as it stands in a file.
SLUICE_FUZZ(outcome_line) {
  read_any(fuzz::text_of(input));
  if (input.empty() || input[0] == '{') return;
  fuzz::Choices choices(input.subspan(1));
  write_and_read(choices);
}
