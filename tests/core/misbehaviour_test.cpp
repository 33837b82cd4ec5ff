// misbehaviour_test.cpp: three bad frames, sixty seconds, one error a second.
// SPDX-License-Identifier: MIT
#include "core/misbehaviour.hpp"

#include <doctest/doctest.h>

#include <cstdint>

using namespace sluice::core;
using namespace std::chrono_literals;

namespace {

constexpr PeerId ann{1}, bob{2};
constexpr Time t0{100s};

}  // namespace

TEST_SUITE_BEGIN("misbehaviour");

// PROTOCOL rule 12: "Three BAD_FRAMEs in 10 s: BYE, and the peer is ignored for 60 s."
TEST_CASE("the third bad frame within ten seconds is the one too many") {
  Misbehaviour table;
  CHECK_FALSE(table.offend(ann, t0));
  CHECK_FALSE(table.offend(ann, t0 + 5s));
  CHECK_FALSE(table.ignored(ann, t0 + 5s));
  CHECK(table.offend(ann, t0 + 10s));
  CHECK(table.ignored(ann, t0 + 10s));
  CHECK(table.ignored(ann, t0 + 70s - 1ns));
  CHECK_FALSE(table.ignored(ann, t0 + 70s));
}

TEST_CASE("bad frames further apart than ten seconds are forgiven") {
  Misbehaviour table;
  CHECK_FALSE(table.offend(ann, t0));
  CHECK_FALSE(table.offend(ann, t0 + 5s));
  CHECK_FALSE(table.offend(ann, t0 + 10s + 1ns));
  CHECK(table.offend(ann, t0 + 15s));  // with those at 5 s and 10 s
}

TEST_CASE("one peer's bad frames are not another's") {
  Misbehaviour table;
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(table.offend(ann, t0));
    CHECK_FALSE(table.offend(bob, t0));
  }
  CHECK(table.offend(ann, t0));
  CHECK(table.ignored(ann, t0));
  CHECK_FALSE(table.ignored(bob, t0));
}

TEST_CASE("the table of offenders does not grow without end") {
  Misbehaviour table;
  for (std::uint64_t i = 0; i < 3 * Misbehaviour::kMostPeers; ++i)
    CHECK_FALSE(table.offend(PeerId{i}, t0));
  CHECK(table.peers() == Misbehaviour::kMostPeers);
}

// PROTOCOL rule 6: "ERROR UNKNOWN_SESSION (at most 1/s per peer)".
TEST_CASE("a peer is told one error a second") {
  ErrorLimiter limiter;
  CHECK(limiter.allow(ann, t0));
  CHECK_FALSE(limiter.allow(ann, t0 + 1s - 1ns));
  CHECK(limiter.allow(bob, t0 + 1s - 1ns));
  CHECK(limiter.allow(ann, t0 + 1s));
  CHECK_FALSE(limiter.allow(ann, t0 + 1s));
}

TEST_CASE("the table of peers told off does not grow without end") {
  ErrorLimiter limiter;
  for (std::uint64_t i = 0; i < 3 * ErrorLimiter::kMostPeers; ++i)
    CHECK(limiter.allow(PeerId{i}, t0));
  CHECK(limiter.peers() == ErrorLimiter::kMostPeers);
}

TEST_SUITE_END();
