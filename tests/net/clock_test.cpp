// clock_test.cpp: the clocks run.
// SPDX-License-Identifier: MIT
#include "net/clock.hpp"

#include <doctest/doctest.h>

#include <ctime>

using namespace sluice;

TEST_SUITE("clock") {
  TEST_CASE("time is since boot, suspended time included, and never goes back") {
    timespec boot{};
    REQUIRE(::clock_gettime(CLOCK_BOOTTIME, &boot) == 0);
    const core::Time first = net::Clock::now();
    CHECK(first.time_since_epoch() >= std::chrono::seconds(boot.tv_sec));
    CHECK(first.time_since_epoch() < std::chrono::seconds(boot.tv_sec + 60));
    CHECK(net::Clock::now() >= first);
  }

  TEST_CASE("wall time counts microseconds since 1970") {
    const auto seconds = static_cast<std::uint64_t>(std::time(nullptr));
    CHECK(net::Clock::wall_us() >= seconds * 1'000'000);
    CHECK(net::Clock::wall_us() < (seconds + 60) * 1'000'000);
  }
}
