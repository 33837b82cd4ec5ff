// verb_submit_test.cpp: what the options of `sluice submit` mean.
// SPDX-License-Identifier: MIT
#include "cli/verb_submit.hpp"

#include <doctest/doctest.h>

#include "cli/parse_words.hpp"

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;

SubmitArguments parsed(const std::vector<std::string>& words) {
  SubmitArguments arguments;
  CLI::App app;
  add_submit_options(app, arguments);
  parse_words(app, words);
  return arguments;
}

TEST_SUITE("verb_submit") {
  TEST_CASE("options reach the tasks") {
    const auto arguments = parsed(
        {"--access",  "a",   "--array",    "1-9", "--key",   "k{}",  "--timeout",      "00:01:00",
         "--retries", "4",   "--priority", "2",   "--delay", "1.5s", "--ttl",          "1h 30m",
         "--env",     "A=1", "--env",      "B=2", "--cwd",   "/tmp", "--output-limit", "1K",
         "--output",  "json"});
    const SubmissionOptions& options = arguments.submission;
    CHECK(arguments.access == "a");
    CHECK(options.array == "1-9");
    CHECK(options.key == "k{}");
    CHECK(options.timeout == milliseconds(60'000));
    CHECK(options.max_attempts == 4);
    CHECK(options.priority == 2);
    CHECK(options.delay == milliseconds(1500));
    CHECK(options.ttl == milliseconds(5'400'000));
    CHECK(options.env == std::vector<std::string>{"A=1", "B=2"});
    CHECK(options.cwd == "/tmp");
    CHECK(options.output_limit == 1024);
    CHECK(arguments.output == OutputMode::json);
  }

  TEST_CASE("what is not given is left to ventilator and worker") {
    const SubmissionOptions options = parsed({}).submission;
    CHECK(options.max_attempts == 0);
    CHECK(options.timeout.count() == 0);
    CHECK(options.ttl.count() == 0);
    CHECK(options.output_limit == 0);
  }
}

}  // namespace
}  // namespace sluice::cli
