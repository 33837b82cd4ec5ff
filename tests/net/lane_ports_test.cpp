// lane_ports_test.cpp: walking round a range, and resting.
// SPDX-License-Identifier: MIT
#include "net/lane_ports.hpp"

#include <doctest/doctest.h>

#include <set>

#include "sluice/error.hpp"

using namespace sluice;
using namespace std::chrono_literals;
using net::LanePorts;

namespace {
constexpr core::Time kStart{1h};
}

TEST_SUITE("lane_ports") {
  TEST_CASE("each port is given once, from where the seed says and round") {
    LanePorts ports(20'000, 20'002, 48s, 4);
    CHECK(ports.size() == 3);
    CHECK(ports.take(kStart) == 20'001);
    CHECK(ports.take(kStart) == 20'002);
    CHECK(ports.take(kStart) == 20'000);
    CHECK_FALSE(ports.take(kStart));
  }

  // PROTOCOL, "Timers": lane port quarantine 2R.
  TEST_CASE("a port given back rests until its quarantine is over") {
    LanePorts ports(20'000, 20'000, 48s, 0);
    REQUIRE(ports.take(kStart) == 20'000);
    ports.give_back(20'000, kStart);
    CHECK_FALSE(ports.take(kStart + 48s - 1ns));
    CHECK(ports.take(kStart + 48s) == 20'000);
  }

  TEST_CASE("ports rest each for its own time") {
    LanePorts ports(20'000, 20'001, 10s, 0);
    REQUIRE(ports.take(kStart));
    REQUIRE(ports.take(kStart));
    ports.give_back(20'001, kStart);
    ports.give_back(20'000, kStart + 5s);
    CHECK(ports.take(kStart + 10s) == 20'001);
    CHECK_FALSE(ports.take(kStart + 10s));
    CHECK(ports.take(kStart + 15s) == 20'000);
  }

  TEST_CASE("a port that somebody else has comes again when its turn comes") {
    LanePorts ports(20'000, 20'001, 10s, 0);
    REQUIRE(ports.take(kStart) == 20'000);
    ports.skip(20'000);
    CHECK(ports.take(kStart) == 20'001);
    CHECK(ports.take(kStart) == 20'000);
  }

  TEST_CASE("a range that is none is refused") {
    CHECK_THROWS_AS(LanePorts(20'001, 20'000, 1s, 0), Error);
    CHECK_THROWS_AS(LanePorts(0, 10, 1s, 0), Error);
  }

  TEST_CASE("the range may be all ports there are") {
    LanePorts ports(1, 65'535, 1s, 65'534);
    CHECK(ports.take(kStart) == 65'535);
    CHECK(ports.take(kStart) == 1);
  }
}
