// command_codec_fuzz.cpp: any bytes as a command or as what came of one.
// SPDX-License-Identifier: MIT
#include <sluice/command.hpp>

#include "exec/describe.hpp"
#include "fuzz/fuzz.hpp"

using namespace sluice;

SLUICE_FUZZ(command_codec) {
  using fuzz::require;
  const auto bytes = std::as_bytes(input);
  if (const auto command = Command::decode(bytes)) {
    require(!command->argv.empty(), "a command has a program");
    const auto packed = command->encode();
    const auto again = Command::decode(packed);
    require(again && again->encode() == packed, "a command goes round unchanged");
    require(again->argv == command->argv && again->env == command->env, "its words, too");
  }
  if (const auto result = CommandResult::decode(bytes)) {
    const auto packed = result->encode();
    const auto again = CommandResult::decode(packed);
    require(again && again->encode() == packed, "a result goes round unchanged");
    require(again->out == result->out && again->err == result->err, "its output, too");
  }
}
