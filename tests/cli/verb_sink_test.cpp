// verb_sink_test.cpp: what the options of `sluice sink` mean.
// SPDX-License-Identifier: MIT
#include "cli/verb_sink.hpp"

#include <doctest/doctest.h>

#include "cli/parse_words.hpp"

namespace sluice::cli {
namespace {

SinkArguments parsed(const std::vector<std::string>& words) {
  SinkArguments arguments;
  CLI::App app;
  add_sink_options(app, arguments);
  parse_words(app, words);
  return arguments;
}

TEST_SUITE("verb_sink") {
  TEST_CASE("it listens on this machine and syncs unless told otherwise") {
    const auto arguments = parsed({"--out", "o.jsonl"});
    CHECK(arguments.sink.bind == "tcp://127.0.0.1:*");
    CHECK(arguments.sink.file == "o.jsonl");
    CHECK_FALSE(arguments.no_sync);
    CHECK_FALSE(arguments.no_checkpoint);
    CHECK_FALSE(arguments.insecure);
  }

  TEST_CASE("options reach the sink") {
    const auto arguments =
        parsed({"--out", "o", "--bind", "tcp://*:5571", "--insecure", "--advertise", "head",
                "--heartbeat", "1s", "--name", "s", "--no-sync", "--no-checkpoint"});
    CHECK(arguments.sink.bind == "tcp://*:5571");
    CHECK(arguments.sink.advertise == "head");
    CHECK(arguments.sink.heartbeat == std::chrono::milliseconds(1000));
    CHECK(arguments.sink.name == "s");
    CHECK(arguments.no_sync);
    CHECK(arguments.no_checkpoint);
    CHECK(arguments.insecure);
  }

  TEST_CASE("it needs a file") { CHECK_THROWS_AS(parsed({}), CLI::RequiredError); }
}

}  // namespace
}  // namespace sluice::cli
