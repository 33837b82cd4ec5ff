// command_line_test.cpp: which command a task runs, and how it is shown.
// SPDX-License-Identifier: MIT
#include "cli/command_line.hpp"

#include <doctest/doctest.h>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using Words = std::vector<std::string>;

Words argv(Words words, const Words& arguments, std::uint64_t number = 1) {
  return CommandLine(std::move(words)).build(arguments, number).argv;
}

std::string display(Words words, const Words& arguments, std::uint64_t number = 1) {
  return CommandLine(std::move(words)).build(arguments, number).display;
}

std::string complaint(Words words, const Words& arguments) {
  try {
    static_cast<void>(CommandLine(std::move(words)).build(arguments, 7));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_SUITE("command_line") {
  TEST_CASE("several words are started without a shell, and arguments are never split") {
    CHECK(argv({"gzip", "-k", "{}"}, {"my file"}) == Words{"gzip", "-k", "my file"});
    CHECK(argv({"echo", "a;b", "$HOME", ">{}"}, {"x y"}) == Words{"echo", "a;b", "$HOME", ">x y"});
    CHECK_FALSE(CommandLine({"gzip", "{}"}).uses_shell());
  }

  TEST_CASE("one word with shell syntax is run by sh, with arguments quoted") {
    CHECK(argv({"gzip -c {} > {.}.z"}, {"my file.txt"}) ==
          Words{"sh", "-c", "gzip -c 'my file.txt' > 'my file'.z"});
    CHECK(CommandLine({"gzip {}"}).uses_shell());
  }

  TEST_CASE("each character of shell syntax alone makes a word a shell command") {
    for (const char c : std::string(" |&;<>()$`\"'\\*?[]#~=%!{}\n\t")) {
      CAPTURE(c);
      CHECK(CommandLine({std::string("a") + c}).uses_shell());
    }
  }

  TEST_CASE("placeholders themselves are not shell syntax") {
    CHECK(argv({"tools/{/.}"}, {"in/run 1.sh"}) == Words{"tools/run 1"});
    CHECK(argv({"./job-{#}"}, {"a"}, 12) == Words{"./job-12"});
    CHECK_FALSE(CommandLine({"slot-{%}"}).uses_shell());
    CHECK(CommandLine({"{a,b}"}).uses_shell());
  }

  TEST_CASE("one plain word is a program") {
    CHECK(argv({"hostname"}, {"a b"}) == Words{"hostname", "a b"});
  }

  TEST_CASE("arguments come last where there is no placeholder") {
    CHECK(argv({"echo", "-n"}, {"a b", "c"}) == Words{"echo", "-n", "a b", "c"});
    CHECK(argv({"echo foo"}, {"a b", "c"}) == Words{"sh", "-c", "echo foo 'a b' c"});
    CHECK(argv({"echo foo"}, {""}) == Words{"sh", "-c", "echo foo ''"});
    CHECK(argv({"true"}, {}) == Words{"true"});
    CHECK(argv({"echo foo"}, {}) == Words{"sh", "-c", "echo foo"});
  }

  TEST_CASE("a placeholder of any kind keeps arguments from coming last") {
    CHECK(argv({"echo", "{#}"}, {"a"}, 3) == Words{"echo", "3"});
    CHECK(argv({"echo", "{%}"}, {"a"}) == Words{"echo", "{%}"});
    CHECK(argv({"echo", "{2}"}, {"a", "b"}) == Words{"echo", "b"});
  }

  TEST_CASE("without a command the record is one, run by sh") {
    CHECK(argv({}, {"gzip a; touch b"}) == Words{"sh", "-c", "gzip a; touch b"});
    CHECK(argv({}, {"printf", "2 3"}) == Words{"sh", "-c", "printf 2 3"});
    CHECK(argv({}, {"echo {#}"}) == Words{"sh", "-c", "echo {#}"});
    CHECK(argv({"{}"}, {"ls /a"}) == Words{"sh", "-c", "ls /a"});
  }

  TEST_CASE("a placeholder by itself becomes a word for each argument") {
    CHECK(argv({"mv", "{}"}, {"a b", "c"}) == Words{"mv", "a b", "c"});
    CHECK(argv({"cmp", "{2}", "{1}"}, {"a", "b"}) == Words{"cmp", "b", "a"});
  }

  TEST_CASE("the display can be pasted into a shell") {
    CHECK(display({"echo", "{}", ">x"}, {"it's"}) == "echo 'it'\"'\"'s' '>x'");
    CHECK(display({"echo {} >x"}, {"a b"}) == "echo 'a b' >x");
    CHECK(display({}, {"ls | wc"}) == "ls | wc");
  }

  TEST_CASE("the display is one line, and the text keeps its line breaks") {
    const CommandLine program({"echo", "{}"});
    CHECK(program.build(Words{"a\nb"}, 1).display == "echo 'a\\nb'");
    CHECK(program.text(Words{"a\nb"}, 1) == "echo 'a\nb'");
    const CommandLine script({"echo {}\necho {#}"});
    CHECK(script.build(Words{"x"}, 2).display == "echo x\\necho 2");
    CHECK(script.text(Words{"x"}, 2) == "echo x\necho 2");
    CHECK(script.build(Words{"x"}, 2).argv[2] == "echo x\necho 2");
  }

  TEST_CASE("only the words are set, the rest of the command is left to others") {
    const Command command = CommandLine({"echo", "{}"}).build(Words{"a"}, 1);
    CHECK(command.env.empty());
    CHECK(command.cwd.empty());
    CHECK(command.input.empty());
    CHECK(command.output_limit == 0);
  }

  TEST_CASE("what asks for too much of the input can be found out beforehand") {
    CHECK(CommandLine({"echo", "{1}", "{3.}"}).highest_position() == 3);
    CHECK(CommandLine({"echo", "{}"}).highest_position() == 0);
    CHECK(CommandLine({"echo", "{%}"}).mentions_slot());
    CHECK_FALSE(CommandLine({"echo", "{}"}).mentions_slot());
  }

  TEST_CASE("a task that cannot be started is refused by its number") {
    CHECK(complaint({"{2}"}, {"a"}).find("task 7 has no command") == 0);
    const std::string with_nul("a\0b", 3);
    CHECK(complaint({"echo", "{}"}, {with_nul}).find("--null") != std::string::npos);
    CHECK(complaint({"echo {}"}, {with_nul}).find("task 7 has a NUL byte") == 0);
    CHECK(complaint({}, {with_nul}).find("NUL") != std::string::npos);
    CHECK(complaint({"echo", "{}"}, {"a"}) == "");
  }
}

}  // namespace
}  // namespace sluice::cli
