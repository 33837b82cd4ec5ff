// rsn_index_test.cpp: outcome numbers find their places.
// SPDX-License-Identifier: MIT
#include "core/rsn_index.hpp"

#include <doctest/doctest.h>

#include <map>

#include "core/random.hpp"

namespace sluice::core {
namespace {

TEST_SUITE_BEGIN("rsn_index");

TEST_CASE("numbers are dense from 1") {
  RsnIndex index;
  CHECK(index.end() == Rsn{1});
  CHECK(index.add(70) == Rsn{1});
  CHECK(index.add(71) == Rsn{2});
  CHECK(index.find(Rsn{1}) == 70);
  CHECK(index.find(Rsn{2}) == 71);
  CHECK(index.find(Rsn{0}) == RsnIndex::kNone);
  CHECK(index.find(Rsn{3}) == RsnIndex::kNone);
  CHECK(index.find(Rsn{~std::uint64_t{0}}) == RsnIndex::kNone);
}

TEST_CASE("a number that stays keeps one block, not all behind it") {
  RsnIndex index;
  index.add(0);
  for (std::uint32_t i = 1; i < 100'000; ++i) {
    const Rsn rsn = index.add(i);
    index.erase(rsn);
  }
  CHECK(index.size() == 1);
  CHECK(index.blocks() <= 2);
  CHECK(index.find(Rsn{1}) == 0);
  CHECK(index.first_from(Rsn{2}) == index.end());
}

TEST_CASE("it agrees with a map under random adds and erasures") {
  RsnIndex index;
  std::map<std::uint64_t, std::uint32_t> model;
  Random random(5);
  for (int step = 0; step < 50'000; ++step) {
    if (random.below(100) < 55) {
      const auto place = static_cast<std::uint32_t>(step);
      model[raw(index.add(place))] = place;
    } else {
      const std::uint64_t rsn = random.below(raw(index.end()) + 1);
      index.erase(Rsn{rsn});
      model.erase(rsn);
    }
    if (step % 64 == 0) {
      const std::uint64_t from = random.below(raw(index.end()) + 1);
      const auto next = model.lower_bound(from);
      CHECK(raw(index.first_from(Rsn{from})) ==
            (next == model.end() ? raw(index.end()) : next->first));
    }
  }
  CHECK(index.size() == model.size());
  for (std::uint64_t rsn = 0; rsn <= raw(index.end()); ++rsn) {
    const auto at = model.find(rsn);
    REQUIRE(index.find(Rsn{rsn}) == (at == model.end() ? RsnIndex::kNone : at->second));
  }
}

TEST_SUITE_END();

}  // namespace
}  // namespace sluice::core
