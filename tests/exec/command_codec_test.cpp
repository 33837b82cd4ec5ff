// command_codec_test.cpp: commands and results survive the way; hostile bytes do no harm.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <initializer_list>

#include "sluice/command.hpp"

namespace sluice {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes(std::initializer_list<int> values) {
  Bytes result;
  for (const int value : values) result.push_back(static_cast<std::byte>(value));
  return result;
}

Command sample_command() {
  Command command;
  command.argv = {"render", "--size", "640", "caf\xC3\xA9", std::string("\xFF\x01", 2)};
  command.env = {{"A", "1"}, {"B", ""}, {"A", "2"}};
  command.cwd = "/tmp";
  command.input = std::string("in\0put", 6);
  command.output_limit = 4096;
  command.display = "render --size 640";
  return command;
}

CommandResult sample_result() {
  CommandResult result;
  result.end = CommandResult::End::timed_out;
  result.exit_code = 143;
  result.signal = 15;
  result.out = std::string("\0\x80\xFF", 3);
  result.err = "warning";
  result.out_cut = 1ULL << 40;
  result.err_cut = 7;
  result.wall = std::chrono::microseconds(1'500'000);
  result.cpu_user = std::chrono::microseconds(2);
  result.cpu_system = std::chrono::microseconds(3);
  result.peak_memory_bytes = 1 << 20;
  result.error = "why";
  result.display = "sleep 10";
  return result;
}

// The smallest command: [["a"], [], "", "", 0, ""].
Bytes tiny_command() { return bytes({0x96, 0x91, 0xA1, 'a', 0x90, 0xA0, 0xA0, 0x00, 0xA0}); }

}  // namespace

TEST_SUITE_BEGIN("command_codec");

TEST_CASE("a command comes out as it went in") {
  const Command before = sample_command();
  const auto after = Command::decode(before.encode());
  REQUIRE(after.has_value());
  CHECK(after->argv == before.argv);
  CHECK(after->env == before.env);
  CHECK(after->cwd == before.cwd);
  CHECK(after->input == before.input);
  CHECK(after->output_limit == before.output_limit);
  CHECK(after->display == before.display);
}

TEST_CASE("a result comes out as it went in") {
  const CommandResult before = sample_result();
  const auto after = CommandResult::decode(before.encode());
  REQUIRE(after.has_value());
  CHECK(after->end == before.end);
  CHECK(after->exit_code == before.exit_code);
  CHECK(after->signal == before.signal);
  CHECK(after->out == before.out);
  CHECK(after->err == before.err);
  CHECK(after->out_cut == before.out_cut);
  CHECK(after->err_cut == before.err_cut);
  CHECK(after->wall == before.wall);
  CHECK(after->cpu_user == before.cpu_user);
  CHECK(after->cpu_system == before.cpu_system);
  CHECK(after->peak_memory_bytes == before.peak_memory_bytes);
  CHECK(after->error == before.error);
  CHECK(after->display == before.display);
}

TEST_CASE("no beginning of a command or a result is one") {
  const Bytes command = sample_command().encode();
  for (std::size_t size = 0; size < command.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(Command::decode(std::span(command).first(size)));
  }
  const Bytes result = sample_result().encode();
  for (std::size_t size = 0; size < result.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(CommandResult::decode(std::span(result).first(size)));
  }
}

TEST_CASE("bytes after the array are refused") {
  Bytes command = sample_command().encode();
  command.push_back(std::byte{0xC0});
  CHECK_FALSE(Command::decode(command));
  Bytes result = sample_result().encode();
  result.push_back(std::byte{0});
  CHECK_FALSE(CommandResult::decode(result));
}

TEST_CASE("further elements of the array are ignored, missing ones are not") {
  REQUIRE(Command::decode(tiny_command()));
  Bytes longer = tiny_command();
  longer.front() = std::byte{0x98};
  for (const std::byte b : bytes({0x81, 0xA1, 'k', 0x01, 0xC0})) longer.push_back(b);
  const auto command = Command::decode(longer);
  REQUIRE(command.has_value());
  CHECK(command->argv == std::vector<std::string>{"a"});

  Bytes shorter = tiny_command();
  shorter.front() = std::byte{0x95};
  shorter.pop_back();
  CHECK_FALSE(Command::decode(shorter));
}

TEST_CASE("a text may be str or bin") {
  // [[bin "a"], [bin "K", str "v"], bin "/", str "in", 0, bin ""]
  const auto command = Command::decode(
      bytes({0x96, 0x91, 0xC4, 1, 'a', 0x92, 0xC4, 1, 'K', 0xA1, 'v', 0xC4, 1, '/', 0xA2, 'i', 'n',
             0x00, 0xC4, 0}));
  REQUIRE(command.has_value());
  CHECK(command->argv == std::vector<std::string>{"a"});
  CHECK(command->env.at(0) == std::pair<std::string, std::string>("K", "v"));
  CHECK(command->cwd == "/");
  CHECK(command->input == "in");
}

TEST_CASE("text that is not UTF-8 is packed as bin, and so is all output") {
  Command command;
  command.argv = {"\xC3\xA9", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80"};
  const Bytes packed = command.encode();
  CHECK(packed.at(2) == std::byte{0xA2});   // fixstr of two bytes
  CHECK(packed.at(5) == std::byte{0xC4});   // bin 8: a cut character
  CHECK(packed.at(8) == std::byte{0xC4});   // an overlong one
  CHECK(packed.at(13) == std::byte{0xC4});  // a surrogate
  CHECK(packed.at(18) == std::byte{0xC4});  // beyond the last one

  CommandResult result;
  result.out = "text";
  CHECK(result.encode().at(4) == std::byte{0xC4});
}

TEST_CASE("fields of a wrong type make it no command") {
  for (const std::size_t position : {1U, 4U, 5U, 6U, 8U}) {
    CAPTURE(position);
    Bytes wrong = tiny_command();
    wrong[position] = std::byte{0x05};  // a number
    if (position == 1) wrong.erase(wrong.begin() + 2, wrong.begin() + 4);
    CHECK_FALSE(Command::decode(wrong));
  }
  Bytes negative_limit = tiny_command();
  negative_limit[7] = std::byte{0xFF};
  CHECK_FALSE(Command::decode(negative_limit));
  Bytes odd_env = tiny_command();
  odd_env[4] = std::byte{0x91};
  odd_env.insert(odd_env.begin() + 5, std::byte{0xA0});
  CHECK_FALSE(Command::decode(odd_env));
  CHECK_FALSE(Command::decode(bytes({0x80})));
  CHECK_FALSE(Command::decode(bytes({0xC1})));
  CHECK_FALSE(Command::decode({}));
}

TEST_CASE("a result with an unknown end or a number out of range is refused") {
  Bytes packed = sample_result().encode();
  REQUIRE(packed.at(1) == std::byte{2});
  packed[1] = std::byte{5};
  CHECK_FALSE(CommandResult::decode(packed));
  packed[1] = std::byte{0xFF};
  CHECK_FALSE(CommandResult::decode(packed));
}

TEST_CASE("sizes that the payload cannot hold are refused") {
  CHECK_FALSE(Command::decode(bytes({0xDD, 0xFF, 0xFF, 0xFF, 0xFF})));
  CHECK_FALSE(Command::decode(bytes({0x96, 0xDD, 0x7F, 0xFF, 0xFF, 0xFF, 0xA1, 'a'})));
  CHECK_FALSE(Command::decode(bytes({0x96, 0x91, 0xC6, 0xFF, 0xFF, 0xFF, 0xFF, 'a'})));
  CHECK_FALSE(Command::decode(bytes({0x96, 0x91, 0xDB, 0xFF, 0xFF, 0xFF, 0xFF, 'a'})));
  CHECK_FALSE(Command::decode(bytes({0x96, 0xDF, 0xFF, 0xFF, 0xFF, 0xFF})));
}

TEST_CASE("nesting deeper than any command is refused") {
  for (const std::size_t depth : {64U, 100'000U}) {
    const Bytes nested(depth, std::byte{0x91});
    CHECK_FALSE(Command::decode(nested));
    Bytes trailing = tiny_command();
    trailing.front() = std::byte{0x97};
    trailing.insert(trailing.end(), depth, std::byte{0x91});
    trailing.push_back(std::byte{0x90});
    CHECK_FALSE(Command::decode(trailing));
  }
}

TEST_CASE("any single changed byte leaves decode an answer") {
  const Bytes good = sample_command().encode();
  std::size_t refused = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      Bytes changed = good;
      changed[i] = static_cast<std::byte>(value);
      if (!Command::decode(changed)) ++refused;
    }
  }
  CHECK(refused > 0);
}

TEST_SUITE_END();

}  // namespace sluice
