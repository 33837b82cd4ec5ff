// collector_ledger_test.cpp: what is known of each seq, and what knowing costs.
// SPDX-License-Identifier: MIT
#include "core/collector_ledger.hpp"

#include <doctest/doctest.h>

#include <cstdint>

using namespace sluice::core;

TEST_SUITE_BEGIN("collector_ledger");

TEST_CASE("each seq keeps its own state") {
  CollectorLedger ledger;
  ledger.set(Seq{1}, Known::done);
  ledger.set(Seq{2}, Known::failed);
  ledger.set(Seq{3}, Known::expired);
  ledger.set(Seq{4}, Known::cancelled);
  ledger.set(Seq{5}, Known::rejected);
  ledger.set(Seq{6}, Known::storing);
  CHECK(ledger.find(Seq{0}) == Known::unseen);
  CHECK(ledger.find(Seq{1}) == Known::done);
  CHECK(ledger.find(Seq{2}) == Known::failed);
  CHECK(ledger.find(Seq{3}) == Known::expired);
  CHECK(ledger.find(Seq{4}) == Known::cancelled);
  CHECK(ledger.find(Seq{5}) == Known::rejected);
  CHECK(ledger.find(Seq{6}) == Known::storing);
  CHECK(ledger.find(Seq{7}) == Known::unseen);
  CHECK(ledger.find(Seq{1ULL << 62}) == Known::unseen);
}

TEST_CASE("states that are not final change") {
  CollectorLedger ledger;
  ledger.set(Seq{9}, Known::storing);
  ledger.set(Seq{9}, Known::unseen);
  CHECK(ledger.find(Seq{9}) == Known::unseen);
  ledger.set(Seq{9}, Known::rejected);
  ledger.set(Seq{9}, Known::storing);
  ledger.set(Seq{9}, Known::failed);
  CHECK(ledger.find(Seq{9}) == Known::failed);
}

TEST_CASE("a log that went well costs no pages") {
  CollectorLedger ledger;
  for (std::uint64_t s = 0; s < 512 * 100; ++s) {
    ledger.set(Seq{s}, Known::storing);
    ledger.set(Seq{s}, Known::done);
  }
  CHECK(ledger.pages() == 0);
  CHECK(ledger.find(Seq{512 * 100 - 1}) == Known::done);
  CHECK(ledger.find(Seq{512 * 100}) == Known::unseen);
}

TEST_CASE("one failure keeps its page, and is still known among the rest") {
  CollectorLedger ledger;
  for (std::uint64_t s = 0; s < 1024; ++s)
    ledger.set(Seq{s}, s == 700 ? Known::failed : Known::done);
  CHECK(ledger.pages() == 1);
  CHECK(ledger.find(Seq{700}) == Known::failed);
  CHECK(ledger.find(Seq{699}) == Known::done);
}

TEST_CASE("the detail below the floor is forgotten") {
  CollectorLedger ledger;
  for (std::uint64_t s = 1; s < 2000; s += 2) ledger.set(Seq{s}, Known::failed);
  CHECK(ledger.pages() == 4);
  ledger.raise_floor(Seq{1999});
  CHECK(ledger.pages() == 1);
  CHECK(ledger.find(Seq{1}) == Known::done);
  CHECK(ledger.find(Seq{2}) == Known::done);
  CHECK(ledger.find(Seq{1999}) == Known::failed);
  ledger.raise_floor(Seq{5});  // it never falls
  CHECK(ledger.floor() == Seq{1999});
  ledger.set(Seq{2}, Known::failed);  // below the floor nothing is written
  CHECK(ledger.find(Seq{2}) == Known::done);
}

TEST_CASE("a floor beyond what was seen does not swallow what is to come") {
  CollectorLedger ledger;
  ledger.set(Seq{10}, Known::done);
  ledger.raise_floor(Seq{1'000'000});
  CHECK(ledger.floor() == Seq{11});
  CHECK(ledger.find(Seq{11}) == Known::unseen);
}

TEST_SUITE_END();
