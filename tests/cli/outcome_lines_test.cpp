// outcome_lines_test.cpp: lines by their place, copies that go on, and marks.
// SPDX-License-Identifier: MIT
#include "cli/outcome_lines.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "cli/delivery_marks.hpp"
#include "sluice/error.hpp"
#include "support/temp_folder.hpp"

namespace sluice::cli {
namespace {

TEST_SUITE("outcome lines") {
  TEST_CASE("every whole line is given with its place, and found there again") {
    const TempFolder dir;
    const std::string big(3'000'000, 'b');
    dir.write("o", "first\n" + big + "\n\nlast\ntorn");
    const OutcomeLines lines(dir.file("o"));
    std::vector<std::pair<std::string, std::uint64_t>> all;
    lines.each([&](std::string_view line, std::uint64_t place) { all.emplace_back(line, place); });
    REQUIRE(all.size() == 4);
    CHECK(all[0].first == "first");
    CHECK(all[1].first == big);
    CHECK(all[2].first.empty());
    CHECK(all[3].first == "last");
    for (const auto& [line, place] : all) CHECK(lines.at(place) == line);
    CHECK_THROWS_AS(static_cast<void>(lines.at(10'000'000)), Error);
  }

  TEST_CASE("a file that is not there is empty") {
    const TempFolder dir;
    int calls = 0;
    OutcomeLines(dir.file("none")).each([&](std::string_view, std::uint64_t) { ++calls; });
    CHECK(calls == 0);
  }
}

TEST_SUITE("outcome copy") {
  TEST_CASE("a copy goes on where it ended, be it in the middle of a line") {
    const TempFolder dir;
    dir.write("o", "one\ntwo\nthree\n");
    dir.write("copy", "one\ntw");
    OutcomeCopy copy(dir.file("copy"), dir.file("o"), false);
    copy.advance(8);
    CHECK(dir.read("copy") == "one\ntwo\n");
    copy.advance(14);
    CHECK(dir.read("copy") == dir.read("o"));
    CHECK(copy.trouble().empty());
  }

  TEST_CASE("what is not the beginning of the source begins anew, and so does a fresh one") {
    const TempFolder dir;
    dir.write("o", "one\ntwo\n");
    for (const char* const other : {"two\n", "one\ntwo\nthree\n", "x"}) {
      dir.write("copy", other);
      OutcomeCopy(dir.file("copy"), dir.file("o"), false).advance(8);
      CHECK(dir.read("copy") == "one\ntwo\n");
    }
    const OutcomeCopy fresh(dir.file("copy"), dir.file("o"), true);
    CHECK(dir.read("copy").empty());
  }

  TEST_CASE("a device, and a place that is not there, are refused") {
    const TempFolder dir;
    dir.write("o", "one\n");
    CHECK_THROWS_WITH_AS(OutcomeCopy("/dev/full", dir.file("o"), false),
                         doctest::Contains("not a regular file"), Error);
    CHECK_THROWS_WITH_AS(OutcomeCopy("/nowhere/copy", dir.file("o"), false),
                         doctest::Contains("--outcomes"), Error);
  }
}

TEST_SUITE("delivery marks") {
  TEST_CASE("a mark stays, and is that of one place alone") {
    const TempFolder dir;
    {
      const DeliveryMarks marks(dir.file("m"), true);
      CHECK_FALSE(marks.marked(0));
      marks.mark(0);
      marks.mark(200);
      marks.mark(50'000'000);
      CHECK(marks.marked(200));
    }
    const DeliveryMarks again(dir.file("m"), false);
    for (const std::uint64_t place : {0U, 200U, 50'000'000U}) CHECK(again.marked(place));
    for (const std::uint64_t place : {400U, 49'999'000U, 50'000'200U, 90'000'000U})
      CHECK_FALSE(again.marked(place));
    CHECK_FALSE(DeliveryMarks(dir.file("m"), true).marked(200));
  }
}

}  // namespace
}  // namespace sluice::cli
