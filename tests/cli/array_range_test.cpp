// array_range_test.cpp: the numbers of an array range, one after the other.
// SPDX-License-Identifier: MIT
#include "cli/array_range.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

std::vector<std::uint64_t> all(std::string_view text) {
  ArrayRange range(text);
  std::vector<std::uint64_t> numbers;
  while (const auto number = range.next()) numbers.push_back(*number);
  CHECK(range.size() == numbers.size());
  CHECK_FALSE(range.next());
  return numbers;
}

std::string complaint(std::string_view text) {
  try {
    ArrayRange range(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

using Numbers = std::vector<std::uint64_t>;

TEST_SUITE("array_range") {
  TEST_CASE("a range counts through both of its ends") {
    CHECK(all("7") == Numbers{7});
    CHECK(all("0") == Numbers{0});
    CHECK(all("3-3") == Numbers{3});
    CHECK(all("5-8") == Numbers{5, 6, 7, 8});
  }

  TEST_CASE("a step leaves out numbers, and the last one if it does not fall on it") {
    CHECK(all("1-7:2") == Numbers{1, 3, 5, 7});
    CHECK(all("1-8:2") == Numbers{1, 3, 5, 7});
    CHECK(all("1-8:100") == Numbers{1});
    CHECK(ArrayRange("1-100:2").size() == 50);
  }

  TEST_CASE("parts come in the order written, repeated numbers too") {
    CHECK(all("1,3,5-8") == Numbers{1, 3, 5, 6, 7, 8});
    CHECK(all("9,1-3:2,9") == Numbers{9, 1, 3, 9});
  }

  TEST_CASE("a huge range is counted without being stored") {
    ArrayRange range("1-1000000000000000");
    CHECK(range.size() == 1000000000000000);
    CHECK(range.next() == 1);
    CHECK(range.next() == 2);
  }

  TEST_CASE("the last number of 64 bits ends a range") {
    CHECK(all("18446744073709551614-18446744073709551615") ==
          Numbers{18446744073709551614U, 18446744073709551615U});
    CHECK(all("1-18446744073709551615:18446744073709551615") == Numbers{1});
    CHECK(ArrayRange("1-18446744073709551615").size() == std::numeric_limits<std::uint64_t>::max());
    CHECK(complaint("0-18446744073709551615").find("64 bits") != std::string::npos);
    CHECK(complaint("1-18446744073709551615,1").find("64 bits") != std::string::npos);
  }

  TEST_CASE("the part at fault is named") {
    CHECK(complaint("1,x,3").find("'x' is not a number") != std::string::npos);
    CHECK(complaint("1,8-5").find("'8-5' runs backwards") != std::string::npos);
    CHECK(complaint("1-5:0").find("step of 0") != std::string::npos);
    CHECK(complaint("1,,2").find("an empty part") != std::string::npos);
  }

  TEST_CASE("rubbish is refused") {
    for (const char* text : {"", ",", "1,", ",1", "-", "-5", "1-", "1-2-3", "1:2", "1-5:",
                             "1-5:2:3", " 1", "1 - 2", "1.5", "a-b", "18446744073709551616"}) {
      CAPTURE(text);
      CHECK(complaint(text) != "");
    }
  }
}

}  // namespace
}  // namespace sluice::cli
