// verb_worker_test.cpp: what the options of `sluice worker` mean.
// SPDX-License-Identifier: MIT
#include "cli/verb_worker.hpp"

#include <doctest/doctest.h>

#include "cli/parse_words.hpp"

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;

WorkerArguments parsed(const std::vector<std::string>& words) {
  WorkerArguments arguments;
  CLI::App app;
  add_worker_options(app, arguments);
  parse_words(app, words);
  complete(arguments);
  return arguments;
}

TEST_SUITE("verb_worker") {
  TEST_CASE("by itself it runs commands on all cores and ends with its ventilator") {
    const auto arguments = parsed({});
    CHECK(arguments.worker.run_commands);
    CHECK(arguments.worker.slots == 0);
    CHECK(arguments.worker.prefetch == 0);
    CHECK(arguments.worker.push_lane);
    CHECK(arguments.worker.end_with_ventilator);
    CHECK(arguments.worker.connect_timeout == milliseconds(5000));
  }

  TEST_CASE("options reach the worker") {
    const auto arguments =
        parsed({"-j", "16", "--prefetch", "1", "--name", "w", "--no-lane", "--stay",
                "--connect-timeout", "1m", "--output-limit", "2M", "--kill-grace", "500ms",
                "--drain-timeout", "10", "--access", "a.json"});
    CHECK(arguments.worker.slots == 16);
    CHECK(arguments.worker.prefetch == 1);
    CHECK(arguments.worker.name == "w");
    CHECK_FALSE(arguments.worker.push_lane);
    CHECK_FALSE(arguments.worker.end_with_ventilator);
    CHECK(arguments.worker.connect_timeout == milliseconds(60'000));
    CHECK(arguments.worker.output_limit == std::uint64_t{2} << 20);
    CHECK(arguments.worker.kill_grace == milliseconds(500));
    CHECK(arguments.drain_timeout == milliseconds(10'000));
    CHECK(arguments.access == "a.json");
  }

  TEST_CASE("what is no number of tasks is refused") {
    CHECK_THROWS_AS(parsed({"-j", "many"}), CLI::ParseError);
    CHECK_THROWS_AS(parsed({"-j", "100001"}), CLI::ParseError);
    CHECK_THROWS_AS(parsed({"-j=-1"}), CLI::ParseError);
  }

  TEST_CASE("quiet and verbose exclude each other") {
    CHECK_THROWS_AS(parsed({"-q", "-v"}), CLI::ParseError);
    CHECK(parsed({"-v"}).log.verbose);
    CHECK(parsed({"-q"}).log.quiet);
  }
}

}  // namespace
}  // namespace sluice::cli
