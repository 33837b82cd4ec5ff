// collector_ledger_test.cpp: what is known of each seq, and what knowing costs.
// SPDX-License-Identifier: MIT
#include "core/collector_ledger.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <vector>

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

namespace {

// What another ledger makes of what the first tells, some pages at a time.
void copy(const CollectorLedger& from, CollectorLedger& to, std::size_t pages = 2) {
  std::vector<KnownRun> runs;
  for (std::optional<Seq> at = Seq{0}; at; at = from.runs(*at, pages, runs)) {
    for (const KnownRun& run : runs) to.restore(run);
    runs.clear();
  }
  for (const KnownRun& run : runs) to.restore(run);
  to.restore_floor(from.floor());
}
std::vector<KnownRun> all_runs(const CollectorLedger& ledger) {
  std::vector<KnownRun> runs;
  CHECK_FALSE(ledger.runs(Seq{0}, 1'000'000, runs));
  return runs;
}

}  // namespace

TEST_CASE("runs say in short what is stored, and nothing else") {
  CollectorLedger ledger;
  CHECK(all_runs(ledger).empty());
  for (std::uint64_t s = 1; s <= 2000; ++s) ledger.set(Seq{s}, Known::done);
  CHECK(all_runs(ledger) == std::vector<KnownRun>{{1, 2000, 1, Known::done}});
  ledger.set(Seq{2001}, Known::failed);
  ledger.set(Seq{2002}, Known::storing);
  ledger.set(Seq{2003}, Known::rejected);
  for (std::uint64_t s = 3000; s < 9000; s += 3) ledger.set(Seq{s}, Known::done);
  CHECK(all_runs(ledger) == std::vector<KnownRun>{{1, 2000, 1, Known::done},
                                                  {2001, 1, 1, Known::failed},
                                                  {3000, 2000, 3, Known::done}});
}

TEST_CASE("a ledger is the same after its runs, whatever lies in it and however they are cut") {
  std::uint64_t random = 88172645463325252ULL;
  const auto next = [&random](std::uint64_t below) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random % below;
  };
  for (int round = 0; round < 40; ++round) {
    CollectorLedger ledger, other;
    const std::uint64_t step = 1 + next(4), holes = next(3) * 40;
    for (std::uint64_t s = next(5000); s < 9000; s += step) {
      if (holes > 0 && next(holes) == 0) continue;
      const auto state = next(50) == 0 ? static_cast<Known>(1 + next(6)) : Known::done;
      ledger.set(Seq{s}, state);
    }
    if (round % 3 == 0) ledger.raise_floor(Seq{next(9000)});
    copy(ledger, other, 1 + next(5));
    CHECK(other.floor() == ledger.floor());
    bool same = true;
    for (std::uint64_t s = 0; s < 9100; ++s) {
      const Known was = ledger.find(Seq{s});
      same = same && other.find(Seq{s}) == (is_stored(was) ? was : Known::unseen);
    }
    CHECK(same);
    CHECK(all_runs(ledger) == all_runs(other));
  }
}

TEST_CASE("a floor is restored though nothing is left above it") {
  CollectorLedger ledger, other;
  for (std::uint64_t s = 1; s <= 700; ++s) ledger.set(Seq{s}, Known::failed);
  ledger.raise_floor(Seq{701});
  copy(ledger, other);
  CHECK(other.floor() == Seq{701});
  CHECK(other.find(Seq{700}) == Known::done);
  CHECK(other.find(Seq{701}) == Known::unseen);
}

TEST_CASE("what is restored over what is there leaves the first state") {
  CollectorLedger ledger;
  ledger.set(Seq{600}, Known::failed);
  ledger.restore({512, 512, 1, Known::done});
  ledger.restore({0, 1024, 1, Known::expired});
  CHECK(ledger.find(Seq{600}) == Known::failed);
  CHECK(ledger.find(Seq{599}) == Known::done);
  CHECK(ledger.find(Seq{511}) == Known::expired);
}

TEST_SUITE_END();
