// verb_ventilator_test.cpp: what the options of `sluice ventilator` mean.
// SPDX-License-Identifier: MIT
#include "cli/verb_ventilator.hpp"

#include <doctest/doctest.h>

#include "cli/parse_words.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;
using Words = std::vector<std::string>;

VentilatorArguments parsed(const Words& words) {
  VentilatorArguments arguments;
  CLI::App app;
  add_ventilator_options(app, arguments);
  parse_words(app, words);
  complete(arguments);
  return arguments;
}

TEST_SUITE("verb_ventilator") {
  TEST_CASE("with an --out it has a sink of its own that follows it") {
    const auto arguments =
        parsed({"--bind", "tcp://127.0.0.2:5570", "--out", "o.jsonl", "--heartbeat", "500ms",
                "--advertise", "head", "--name", "centre"});
    CHECK(arguments.ventilator.bind == "tcp://127.0.0.2:5570");
    CHECK(arguments.ventilator.sinks.empty());
    CHECK(arguments.ventilator.heartbeat == milliseconds(500));
    CHECK(arguments.sink.file == "o.jsonl");
    CHECK(arguments.sink.bind == "tcp://127.0.0.2:0");
    CHECK(arguments.sink.heartbeat == milliseconds(500));
    CHECK(arguments.sink.advertise == "head");
    CHECK(arguments.sink.sync);
  }

  TEST_CASE("its own sink can listen elsewhere, and without fsync") {
    const auto arguments = parsed({"--out", "o", "--sink-bind", "tcp://127.0.0.1:9", "--no-sync"});
    CHECK(arguments.sink.bind == "tcp://127.0.0.1:9");
    CHECK_FALSE(arguments.sink.sync);
  }

  TEST_CASE("sinks elsewhere stand in their order") {
    const auto arguments = parsed({"--sink", "tcp://a:1", "--sink", "tcp://b:2"});
    CHECK(arguments.ventilator.sinks == Words{"tcp://a:1", "tcp://b:2"});
    CHECK(arguments.sink.file.empty());
  }

  TEST_CASE("without --out and --sink the error names both") {
    try {
      (void)parsed({});
      FAIL("taken");
    } catch (const Error& error) {
      const std::string text = error.what();
      CHECK(text.find("--out") != std::string::npos);
      CHECK(text.find("--sink") != std::string::npos);
    }
  }

  TEST_CASE("--out and --sink exclude each other") {
    CHECK_THROWS_AS(parsed({"--out", "o", "--sink", "tcp://a:1"}), CLI::ParseError);
  }

  TEST_CASE("a sink that nobody can connect to is refused") {
    CHECK_THROWS_AS(parsed({"--sink", "tcp://*:1"}), Error);
    CHECK_THROWS_AS(parsed({"--sink", "tcp://a:0"}), Error);
  }

  TEST_CASE("limits are read") {
    const auto options =
        parsed({"--out", "o", "--max-attempts", "7", "--max-losses", "2", "--backoff", "2m",
                "--grace", "10ms..2s", "--max-tasks", "500", "--max-bytes", "64M", "--lane-ports",
                "30000-30010", "--max-lanes", "9"})
            .ventilator;
    CHECK(options.max_attempts == 7);
    CHECK(options.max_losses == 2);
    CHECK(options.backoff == milliseconds(120'000));
    CHECK(options.grace_least == milliseconds(10));
    CHECK(options.grace_most == milliseconds(2000));
    CHECK(options.max_tasks == 500);
    CHECK(options.max_bytes == std::uint64_t{64} << 20);
    CHECK(options.lane_port_first == 30'000);
    CHECK(options.lane_port_last == 30'010);
    CHECK(options.max_lanes == 9);
  }

  TEST_CASE("lanes can be left out, and one port is a range") {
    CHECK(parsed({"--out", "o", "--no-lanes"}).ventilator.max_lanes == 0);
    const auto options = parsed({"--out", "o", "--lane-ports", "30000"}).ventilator;
    CHECK(options.lane_port_first == 30'000);
    CHECK(options.lane_port_last == 30'000);
  }

  TEST_CASE("ranges that are none are refused") {
    for (const char* const ports : {"-", "1-", "-1", "a-b", "0-5", "1-70000", "1-2-3"}) {
      CAPTURE(ports);
      CHECK_THROWS_AS(parsed({"--out", "o", std::string("--lane-ports=") + ports}), Error);
    }
    for (const char* const grace : {"1s", "2s..1s", "..", "1s..x"}) {
      CAPTURE(grace);
      CHECK_THROWS_AS(parsed({"--out", "o", std::string("--grace=") + grace}), Error);
    }
    CHECK_THROWS_AS(parsed({"--out", "o", "--max-attempts", "0"}), CLI::ParseError);
    CHECK_THROWS_AS(parsed({"--out", "o", "--max-attempts=-1"}), CLI::ParseError);
  }
}

}  // namespace
}  // namespace sluice::cli
