// suggestion_test.cpp: which known word a mistyped one is taken for.
// SPDX-License-Identifier: MIT
#include "cli/suggestion.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace sluice::cli {
namespace {

const std::vector<std::string> kVerbs{"run", "ventilator", "worker", "sink", "submit", "status"};

TEST_SUITE("suggestion") {
  TEST_CASE("a letter changed, left out, added or swapped is forgiven") {
    CHECK(nearest_word("worken", kVerbs) == "worker");
    CHECK(nearest_word("woker", kVerbs) == "worker");
    CHECK(nearest_word("ssink", kVerbs) == "sink");
    CHECK(nearest_word("stauts", kVerbs) == "status");
    CHECK(nearest_word("ventilatro", kVerbs) == "ventilator");
  }

  TEST_CASE("the beginning of a word is taken for the word") {
    CHECK(nearest_word("vent", kVerbs) == "ventilator");
    CHECK(nearest_word("sub", kVerbs) == "submit");
  }

  TEST_CASE("a word that is like no other is left alone") {
    CHECK(nearest_word("frobnicate", kVerbs).empty());
    CHECK(nearest_word("", kVerbs).empty());
    CHECK(nearest_word("x", kVerbs).empty());
    CHECK(nearest_word(std::string(10'000, 'w'), kVerbs).empty());
  }

  TEST_CASE("the question names the word, or is not asked") {
    CHECK(did_you_mean("statsu", kVerbs) == "; did you mean status?");
    CHECK(did_you_mean("frobnicate", kVerbs).empty());
  }
}

}  // namespace
}  // namespace sluice::cli
