// seq_index_test.cpp: numbers, slots and the floor.
// SPDX-License-Identifier: MIT
#include "core/seq_index.hpp"

#include <doctest/doctest.h>

#include <map>

#include "core/random.hpp"

using namespace sluice::core;

TEST_SUITE("seq index") {
  TEST_CASE("numbers are handed out from one, without gaps") {
    SeqIndex index;
    CHECK(index.next_seq() == Seq{1});
    CHECK(index.reserve(10) == Seq{1});
    CHECK(index.reserve(1) == Seq{11});
    CHECK(index.next_seq() == Seq{12});
    CHECK(index.find(Seq{1}) == SeqIndex::kReserved);
    CHECK(index.find(Seq{0}) == SeqIndex::kNone);
    CHECK(index.find(Seq{12}) == SeqIndex::kNone);
    CHECK(index.find(Seq{~0ULL}) == SeqIndex::kNone);
  }

  TEST_CASE("a promised number holds the floor, too") {
    SeqIndex index;
    CHECK(index.floor() == Seq{1});
    index.reserve(3);
    CHECK(index.floor() == Seq{1});
    index.set(Seq{1}, 7);
    CHECK(index.find(Seq{1}) == 7);
    index.erase(Seq{1});
    CHECK(index.find(Seq{1}) == SeqIndex::kNone);
    CHECK(index.floor() == Seq{2});
    index.erase(Seq{3});
    CHECK(index.floor() == Seq{2});
    index.erase(Seq{2});
    CHECK(index.floor() == Seq{4});
  }

  TEST_CASE("whole pages settle in any order") {
    constexpr std::uint64_t kMost = 5 * 4096;
    for (const bool forwards : {true, false}) {
      SeqIndex index;
      index.reserve(kMost);
      for (std::uint64_t i = 1; i <= kMost; ++i)
        index.erase(Seq{forwards ? i : kMost + 1 - i});
      CHECK(index.floor() == Seq{kMost + 1});
      CHECK(index.find(Seq{5000}) == SeqIndex::kNone);
      CHECK(index.reserve(1) == Seq{kMost + 1});
      CHECK(index.find(Seq{kMost + 1}) == SeqIndex::kReserved);
    }
  }

  TEST_CASE("it agrees with a map, whatever is done in whatever order") {
    Random random(5);
    SeqIndex index;
    std::map<std::uint64_t, std::uint32_t> model;
    std::uint64_t next = 1, floor = 1;
    for (int step = 0; step < 60'000; ++step) {
      const std::uint64_t what = random.below(10);
      if (what < 2) {
        const std::uint64_t count = random.below(step % 1000 == 0 ? 9000 : 6);
        REQUIRE(index.reserve(count) == Seq{next});
        for (const std::uint64_t end = next + count; next < end; ++next)
          model[next] = SeqIndex::kReserved;
      } else if (!model.empty()) {
        // Mostly near the front, as tasks settle.
        const std::uint64_t from = model.begin()->first + random.below(what < 8 ? 50 : 20'000);
        auto at = model.lower_bound(from);
        if (at == model.end()) at = model.begin();
        if (at->second == SeqIndex::kReserved && what % 2 == 0) {
          at->second = static_cast<std::uint32_t>(random.below(1000));
          index.set(Seq{at->first}, at->second);
        } else {
          index.erase(Seq{at->first});
          model.erase(at);
        }
      }
      const std::uint64_t probe = random.below(next + 10);
      const auto at = model.find(probe);
      REQUIRE(index.find(Seq{probe}) == (at == model.end() ? SeqIndex::kNone : at->second));
      if (step % 64 != 0) continue;
      REQUIRE(index.floor() == Seq{model.empty() ? next : model.begin()->first});
      REQUIRE(raw(index.floor()) >= floor);
      floor = raw(index.floor());
    }
  }
}
