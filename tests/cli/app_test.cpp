// app_test.cpp: verbs, help and errors as the shell sees them.
// SPDX-License-Identifier: MIT
#include "cli/app.hpp"

#include <doctest/doctest.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace sluice::cli {
namespace {

struct Result {
  int code = 0;
  std::string out, err;
};

Result run(const std::vector<std::string>& words) {
  std::ostringstream out, err;
  std::streambuf* const kept_out = std::cout.rdbuf(out.rdbuf());
  std::streambuf* const kept_err = std::cerr.rdbuf(err.rdbuf());
  Result result;
  result.code = run_program(words);
  std::cout.rdbuf(kept_out);
  std::cerr.rdbuf(kept_err);
  result.out = out.str();
  result.err = err.str();
  return result;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_SUITE("app") {
  TEST_CASE("the version is one line") {
    for (const char* const word : {"--version", "-V", "version"}) {
      CAPTURE(word);
      const Result result = run({word});
      CHECK(result.code == 0);
      CHECK(result.out == "sluice " SLUICE_VERSION "\n");
      CHECK(result.err.empty());
    }
  }

  TEST_CASE("without arguments it helps") {
    const Result result = run({});
    CHECK(result.code == 0);
    CHECK(result.out == run({"--help"}).out);
    for (const char* const verb :
         {"run", "ventilator", "worker", "sink", "submit", "status", "journal"})
      CHECK(holds(result.out, std::string("\n  ") + verb + " "));
  }

  TEST_CASE("each verb has help with examples and exit codes") {
    for (const char* const verb :
         {"run", "ventilator", "worker", "sink", "submit", "status", "journal"}) {
      CAPTURE(verb);
      const Result result = run({verb, "--help"});
      CHECK(result.code == 0);
      CHECK(holds(result.out, "EXAMPLE"));
      CHECK(holds(result.out, "EXIT CODE"));
      CHECK(holds(result.out, std::string("sluice ") + verb));
      CHECK(result.err.empty());
    }
  }

  TEST_CASE("an unknown verb is answered with the nearest one") {
    const Result result = run({"wroker"});
    CHECK(result.code == 255);
    CHECK(holds(result.err, "did you mean worker?"));
    CHECK(holds(result.err, "sluice --help"));
    CHECK(result.out.empty());
    CHECK_FALSE(holds(run({"frobnicate"}).err, "did you mean"));
  }

  TEST_CASE("an unknown option is answered with the nearest one") {
    const Result result = run({"worker", "--prefecth", "3"});
    CHECK(result.code == 255);
    CHECK(result.err.starts_with("sluice worker: there is no option --prefecth"));
    CHECK(holds(result.err, "did you mean --prefetch?"));
  }

  TEST_CASE("a word too many is an error") {
    const Result result = run({"status", "everything"});
    CHECK(result.code == 255);
    CHECK(holds(result.err, "\"everything\" is one word too many"));
  }

  TEST_CASE("an error is one line on stderr that names the verb") {
    const Result result = run({"status", "--access", "/nowhere/at/all.json"});
    CHECK(result.code == 255);
    CHECK(result.out.empty());
    CHECK(result.err.starts_with("sluice status: "));
    CHECK(holds(result.err, "/nowhere/at/all.json"));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  }

  TEST_CASE("with --output json an error is an object on stdout") {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"status", "--output", "json", "--access", "/nowhere/x"},
          {"status", "--output=json", "--no-such-option"},
          {"submit", "--output", "json", "--access", "/nowhere/x", "--", "echo", ":::", "1"}}) {
      CAPTURE(words.back());
      const Result result = run(words);
      CHECK(result.code == 255);
      CHECK(result.err.empty());
      const auto object = nlohmann::json::parse(result.out, nullptr, false);
      REQUIRE(object.is_object());
      CHECK(object.at("error").is_string());
    }
  }

  TEST_CASE("the words of a command are not options of sluice") {
    const Result result = run(
        {"submit", "--access", "/nowhere/x", "grep", "--output", "json", "--bogus", ":::", "a"});
    CHECK(result.code == 255);
    CHECK(result.out.empty());
    CHECK(holds(result.err, "/nowhere/x"));
    CHECK_FALSE(holds(result.err, "bogus"));
  }

  TEST_CASE("a value that cannot be read is an error that names its option") {
    const Result result = run({"worker", "--drain-timeout", "soon"});
    CHECK(result.code == 255);
    CHECK(holds(result.err, "--drain-timeout"));
    CHECK(holds(result.err, "soon"));
  }

  TEST_CASE("a ventilator without a place for outcomes says which options give one") {
    const Result result = run({"ventilator", "--access", "/tmp/never-written.json"});
    CHECK(result.code == 255);
    CHECK(holds(result.err, "--out"));
    CHECK(holds(result.err, "--sink"));
  }
}

}  // namespace
}  // namespace sluice::cli
