// describe_test.cpp: the words for the end of a command.
// SPDX-License-Identifier: MIT
#include "exec/describe.hpp"

#include <doctest/doctest.h>
#include <signal.h>

namespace sluice::exec {

TEST_SUITE_BEGIN("describe");

TEST_CASE("each end has its words") {
  using std::chrono::milliseconds;
  CommandResult result;
  CHECK(describe(result, milliseconds(0)).empty());
  result.exit_code = 3;
  CHECK(describe(result, milliseconds(0)) == "exit code 3");
  result.end = CommandResult::End::signalled;
  result.signal = SIGKILL;
  CHECK(describe(result, milliseconds(0)) == "killed by signal 9 (KILL)");
  result.signal = SIGRTMIN + 1;
  CHECK(describe(result, milliseconds(0)) == "killed by signal " + std::to_string(SIGRTMIN + 1));
  result.end = CommandResult::End::cancelled;
  CHECK(describe(result, milliseconds(0)) == "cancelled");
  result.end = CommandResult::End::not_started;
  result.error = "not found: a\nb";
  CHECK(describe(result, milliseconds(0)) == "not found: a b");
}

TEST_CASE("times are shown without needless zeros") {
  CommandResult result;
  result.end = CommandResult::End::timed_out;
  CHECK(describe(result, std::chrono::milliseconds(1500)) == "timed out after 1.5 s");
  CHECK(describe(result, std::chrono::milliseconds(100'000)) == "timed out after 100 s");
  CHECK(describe(result, std::chrono::milliseconds(7)) == "timed out after 0.007 s");
}

TEST_CASE("a text is cut between characters") {
  CHECK(cut_text("abc", 3) == "abc");
  CHECK(cut_text("abcd", 3) == "abc");
  CHECK(cut_text("ab\xC3\xA9", 3) == "ab");
  CHECK(cut_text("\xF0\x9F\x98\x80", 3).empty());
  CHECK(cut_text("\x80\x80\x80\x80\x80\x80", 5).size() == 2);
  CHECK(one_line("a\tb\x7F", 10) == "a b ");
}

TEST_CASE("a program that is not there stays so, a lack of processes does not") {
  for (const char* const lasting :
       {"not found: x", "interpreter not found: x", "permission denied: x",
        "argument list too long: 9 bytes of arguments and environment for x",
        "not a command: it has no program"})
    CHECK_FALSE(is_of_the_moment(lasting));
  CHECK(is_of_the_moment("cannot start x: no process: Resource temporarily unavailable"));
  CHECK(is_of_the_moment("cannot enter folder /x: No such file or directory"));
}

TEST_SUITE_END();

}  // namespace sluice::exec
