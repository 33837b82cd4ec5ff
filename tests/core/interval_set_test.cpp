// interval_set_test.cpp: numbers in and out of order, and the floor.
// SPDX-License-Identifier: MIT
#include "core/interval_set.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <set>
#include <utility>

using sluice::core::IntervalSet;

TEST_SUITE_BEGIN("interval_set");

TEST_CASE("numbers in order are one interval") {
  IntervalSet set;
  for (std::uint64_t v = 1; v <= 100'000; ++v) CHECK(set.insert(v));
  CHECK(set.intervals() == 1);
  CHECK(set.inserted() == 100'000);
  CHECK(set.contains(1));
  CHECK(set.contains(100'000));
  CHECK_FALSE(set.contains(0));
  CHECK_FALSE(set.contains(100'001));
}

TEST_CASE("a number is new only once") {
  IntervalSet set;
  CHECK(set.insert(5));
  CHECK_FALSE(set.insert(5));
  CHECK(set.insert(6));
  CHECK_FALSE(set.insert(5));
  CHECK_FALSE(set.insert(6));
  CHECK(set.inserted() == 2);
}

TEST_CASE("the number between two intervals makes them one") {
  IntervalSet set;
  CHECK(set.insert(1));
  CHECK(set.insert(3));
  CHECK(set.intervals() == 2);
  CHECK(set.insert(2));
  CHECK(set.intervals() == 1);
  CHECK_FALSE(set.insert(2));
  CHECK(set.insert(4));
  CHECK(set.intervals() == 1);
}

TEST_CASE("a number in front of an interval extends it") {
  IntervalSet set;
  CHECK(set.insert(10));
  CHECK(set.insert(9));
  CHECK(set.insert(8));
  CHECK(set.intervals() == 1);
  CHECK(set.contains(8));
  CHECK_FALSE(set.contains(7));
}

TEST_CASE("growing in order stops at the interval behind") {
  IntervalSet set;
  CHECK(set.insert(5));
  CHECK(set.insert(1));
  CHECK(set.insert(2));
  CHECK(set.insert(3));
  CHECK(set.intervals() == 2);
  CHECK(set.insert(4));
  CHECK(set.intervals() == 1);
  CHECK_FALSE(set.insert(5));
  CHECK(set.insert(6));
}

TEST_CASE("everything below the floor is a member and costs nothing") {
  IntervalSet set;
  for (std::uint64_t v = 0; v < 100; v += 2) CHECK(set.insert(v));
  CHECK(set.intervals() == 50);
  set.raise_floor(95);
  CHECK(set.intervals() == 2);  // 96, 98
  CHECK(set.contains(1));
  CHECK(set.contains(94));
  CHECK_FALSE(set.contains(95));
  CHECK_FALSE(set.insert(3));
  set.raise_floor(10);  // it never falls
  CHECK(set.floor() == 95);
}

TEST_CASE("a floor within an interval keeps its upper part") {
  IntervalSet set;
  for (std::uint64_t v = 1; v <= 10; ++v) CHECK(set.insert(v));
  set.raise_floor(5);
  CHECK(set.contains(10));
  CHECK_FALSE(set.contains(11));
  CHECK(set.insert(11));
  CHECK(set.intervals() == 1);
}

TEST_CASE("the largest numbers do not wrap round") {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  IntervalSet set;
  CHECK(set.insert(most - 2));
  CHECK(set.insert(most - 1));
  CHECK(set.insert(most));
  CHECK_FALSE(set.insert(most));
  CHECK_FALSE(set.contains(0));
  CHECK(set.insert(0));
  CHECK(set.intervals() == 2);
}

TEST_CASE("it agrees with a plain set, whatever the order") {
  IntervalSet set;
  std::set<std::uint64_t> plain;
  std::uint64_t x = 1;
  for (int i = 0; i < 20'000; ++i) {
    x = x * 6364136223846793005ULL + 1442695040888963407ULL;
    const std::uint64_t value = (x >> 33) % 3000;
    REQUIRE(set.insert(value) == plain.insert(value).second);
    // Then a short run in order, which takes the fast way.
    for (std::uint64_t next = value + 1; next < value + (x >> 60); ++next)
      REQUIRE(set.insert(next) == plain.insert(next).second);
  }
  for (std::uint64_t v = 0; v < 3100; ++v) REQUIRE(set.contains(v) == (plain.count(v) == 1));
  CHECK(set.inserted() == plain.size());
}

TEST_CASE("the first interval from a number on is the one around it, or behind it") {
  IntervalSet set;
  CHECK_FALSE(set.interval_from(0));
  for (const std::uint64_t value : {3U, 4U, 5U, 9U}) set.insert(value);
  using Pair = std::pair<std::uint64_t, std::uint64_t>;
  CHECK(set.interval_from(0) == Pair{3, 5});
  CHECK(set.interval_from(5) == Pair{3, 5});
  CHECK(set.interval_from(6) == Pair{9, 9});
  CHECK_FALSE(set.interval_from(10));
}

TEST_SUITE_END();
