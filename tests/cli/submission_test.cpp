// submission_test.cpp: which tasks come of arguments, lines and ranges.
// SPDX-License-Identifier: MIT
#include "cli/submission.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include "cli/test_pipe.hpp"
#include "sluice/command.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using Words = std::vector<std::string>;

SubmissionOptions echo(Words arguments) {
  SubmissionOptions options;
  options.command = {"echo", "{}"};
  options.sources = {{InputSource::Kind::list, std::move(arguments), "", false}};
  return options;
}

Command command_of(const Task& task) {
  const auto command = Command::decode(task.payload);
  REQUIRE(command.has_value());
  return *command;
}

Words keys_of(Submission& submission) {
  Words keys;
  while (const auto task = submission.next()) keys.push_back(task->key);
  return keys;
}

Words last_words(Submission& submission) {
  Words words;
  while (const auto task = submission.next()) words.push_back(command_of(*task).argv.back());
  return words;
}

TEST_SUITE("submission") {
  TEST_CASE("each argument makes a command") {
    Submission submission(echo({"a", "b c"}));
    const auto first = submission.next();
    REQUIRE(first.has_value());
    CHECK(first->type == "exec");
    CHECK(command_of(*first).argv == Words{"echo", "a"});
    const auto second = submission.next();
    REQUIRE(second.has_value());
    CHECK(command_of(*second).argv == Words{"echo", "b c"});
    CHECK_FALSE(submission.next().has_value());
    CHECK(submission.given() == 2);
  }

  TEST_CASE("of an array the number is the argument") {
    SubmissionOptions options = echo({});
    options.sources.clear();
    options.array = "1-7:3";
    Submission submission(options);
    CHECK(last_words(submission) == Words{"1", "4", "7"});
  }

  TEST_CASE("without arguments and array, lines of standard input are taken") {
    TestPipe pipe;
    pipe.put("x\ny z\n");
    pipe.close_write();
    SubmissionOptions options = echo({});
    options.sources.clear();
    options.stdin_fd = pipe.read_fd();
    Submission submission(options);
    CHECK(last_words(submission) == Words{"x", "y z"});
  }

  TEST_CASE("an array and arguments exclude each other") {
    SubmissionOptions options = echo({"a"});
    options.array = "1-2";
    CHECK_THROWS_AS(Submission{options}, Error);
  }

  TEST_CASE("a key is filled in as a command is") {
    SubmissionOptions options = echo({"a.png", "b.png"});
    options.key = "thumb-{.}-{#}";
    Submission submission(options);
    CHECK(keys_of(submission) == Words{"thumb-a-1", "thumb-b-2"});
  }

  TEST_CASE("a key without placeholders names one task") {
    SubmissionOptions options = echo({"a"});
    options.key = "nightly";
    Submission submission(options);
    CHECK(keys_of(submission) == Words{"nightly"});
  }

  TEST_CASE("a key without placeholders is refused for several tasks, before any is given") {
    SubmissionOptions options = echo({"a", "b"});
    options.key = "nightly";
    Submission submission(options);
    CHECK_THROWS_AS((void)submission.next(), Error);
    CHECK(submission.given() == 0);
  }

  TEST_CASE("what is said of tasks reaches each of them") {
    SubmissionOptions options = echo({"a"});
    options.priority = 7;
    options.max_attempts = 5;
    options.timeout = std::chrono::milliseconds(1500);
    options.delay = std::chrono::milliseconds(20);
    options.ttl = std::chrono::milliseconds(60'000);
    options.cwd = "/tmp";
    options.output_limit = 99;
    options.env = {"A=1", "B=x=y", "C="};
    Submission submission(options);
    const auto task = submission.next();
    REQUIRE(task.has_value());
    CHECK(task->priority == 7);
    CHECK(task->max_attempts == 5);
    CHECK(task->timeout == std::chrono::milliseconds(1500));
    CHECK(task->delay == std::chrono::milliseconds(20));
    CHECK(task->ttl == std::chrono::milliseconds(60'000));
    const Command command = command_of(*task);
    CHECK(command.cwd == "/tmp");
    CHECK(command.output_limit == 99);
    const std::vector<std::pair<std::string, std::string>> expected{
        {"A", "1"}, {"B", "x=y"}, {"C", ""}};
    CHECK(command.env == expected);
  }

  TEST_CASE("a variable without a value takes the one it has here") {
    ::setenv("SLUICE_TEST_HERE", "there", 1);
    SubmissionOptions options = echo({"a"});
    options.env = {"SLUICE_TEST_HERE"};
    Submission submission(options);
    const auto task = submission.next();
    REQUIRE(task.has_value());
    CHECK(command_of(*task).env[0].second == "there");
    ::unsetenv("SLUICE_TEST_HERE");
    CHECK_THROWS_AS(Submission{options}, Error);
  }

  TEST_CASE("a variable without a name is refused") {
    for (const char* const text : {"", "=", "=x"}) {
      SubmissionOptions options = echo({"a"});
      options.env = {text};
      CAPTURE(text);
      CHECK_THROWS_AS(Submission{options}, Error);
    }
  }

  TEST_CASE("a placeholder for a source that is not there is refused") {
    SubmissionOptions options = echo({"a"});
    options.command = {"echo", "{2}"};
    CHECK_THROWS_AS(Submission{options}, Error);
    options = echo({"a"});
    options.key = "{3}";
    CHECK_THROWS_AS(Submission{options}, Error);
  }

  TEST_CASE("the slot is not known yet") {
    SubmissionOptions options = echo({"a"});
    options.command = {"echo", "{%}"};
    CHECK_THROWS_AS(Submission{options}, Error);
  }
}

}  // namespace
}  // namespace sluice::cli
