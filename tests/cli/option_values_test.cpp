// option_values_test.cpp: options that take times, sizes and ways to print.
// SPDX-License-Identifier: MIT
#include "cli/option_values.hpp"

#include <doctest/doctest.h>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;

struct Rig {
  CLI::App app;
  milliseconds time{2000};
  std::uint64_t size = 1024;
  OutputMode mode = OutputMode::text;

  Rig() {
    add_duration(app, "-t,--time", time, "A time");
    add_bytes(app, "--size", size, "A size");
    add_output(app, mode);
  }
  // The error, or nothing.
  std::string parse(std::vector<std::string> words) {
    std::reverse(words.begin(), words.end());
    try {
      app.parse(words);
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
    return {};
  }
};

TEST_SUITE("option_values") {
  TEST_CASE("a time is read in every form") {
    CHECK(parse_milliseconds("30") == milliseconds(30'000));
    CHECK(parse_milliseconds("1.5s") == milliseconds(1'500));
    CHECK(parse_milliseconds("1h 30m") == milliseconds(5'400'000));
    CHECK(parse_milliseconds("00:01:30") == milliseconds(90'000));
  }

  TEST_CASE("less than a millisecond is one, and nothing is nothing") {
    CHECK(parse_milliseconds("10us") == milliseconds(1));
    CHECK(parse_milliseconds("1999us") == milliseconds(1));
    CHECK(parse_milliseconds("0") == milliseconds(0));
  }

  TEST_CASE("options set their values") {
    Rig rig;
    CHECK(rig.parse({"--time", "1m", "--size", "64K", "--output", "quiet"}).empty());
    CHECK(rig.time == milliseconds(60'000));
    CHECK(rig.size == 65'536);
    CHECK(rig.mode == OutputMode::quiet);
  }

  TEST_CASE("values that are not given stay as they were") {
    Rig rig;
    CHECK(rig.parse({}).empty());
    CHECK(rig.time == milliseconds(2000));
    CHECK(rig.size == 1024);
    CHECK(rig.mode == OutputMode::text);
  }

  TEST_CASE("an error names the option and the accepted forms") {
    Rig rig;
    const std::string error = rig.parse({"--time", "soon"});
    CHECK(error.find("--time") != std::string::npos);
    CHECK(error.find("soon") != std::string::npos);
    CHECK(error.find("HH:MM:SS") != std::string::npos);
    CHECK(rig.time == milliseconds(2000));
  }

  TEST_CASE("a way to print that is not known is refused with those that are") {
    Rig rig;
    CHECK(rig.parse({"--output", "yaml"}).find("text, json or quiet") != std::string::npos);
    CLI::App other;
    OutputMode mode{};
    add_output(other, mode, false);
    CHECK_THROWS_AS(other.parse("--output quiet"), CLI::ValidationError);
  }

  TEST_CASE("the help shows defaults with their units") {
    const std::string help = Rig().app.help();
    CHECK(help.find("A time (default 2.0 s)") != std::string::npos);
    CHECK(help.find("A size (default 1K)") != std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::cli
