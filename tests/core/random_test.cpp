// random_test.cpp: numbers that can be told again.
// SPDX-License-Identifier: MIT
#include "core/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "core/backoff.hpp"

namespace sluice::core {
namespace {

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("random");

TEST_CASE("the same seed gives the same numbers, another seed others") {
  Random a(1), b(1), c(2);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t x = a.next();
    CHECK(x == b.next());
    CHECK(x != c.next());
    seen.insert(x);
  }
  CHECK(seen.size() == 100);
}

// The reference implementation of xoshiro256** seeded by splitmix64(0).
TEST_CASE("the first number of seed 0 is xoshiro256**'s") {
  Random random(0);
  CHECK(random.next() == 0x99ec5f36cb75f2b4ULL);
}

TEST_CASE("between reaches both ends and nothing beyond") {
  Random random(3);
  std::set<std::int64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(random.between(Duration(5), Duration(8)).count());
  CHECK(seen == std::set<std::int64_t>{5, 6, 7, 8});
  CHECK(random.between(Duration(5), Duration(5)) == Duration(5));
  CHECK(random.between(Duration(5), Duration(1)) == Duration(5));
  CHECK(random.below(0) == 0);
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("backoff");

// Section 6: "new socket after 50-200, then doubling with full jitter up to 5000".
TEST_CASE("waits begin between 50 and 200 ms and grow to at most 5 s") {
  Random random(4);
  Backoff backoff(50ms, 5s);
  Duration upper = 200ms;
  Duration longest{};
  for (int i = 0; i < 50; ++i) {
    const Duration wait = backoff.next(random);
    CHECK(wait >= 50ms);
    CHECK(wait <= upper);
    longest = std::max(longest, wait);
    upper = std::min<Duration>(upper * 2, 5s);
  }
  CHECK(longest > 2s);
  backoff.reset();
  CHECK(backoff.next(random) <= 200ms);
}

TEST_SUITE_END();

}  // namespace
}  // namespace sluice::core
