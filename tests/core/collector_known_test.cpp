// collector_known_test.cpp: what a sink knows, told in slices to the one that comes after it.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "core/collector.hpp"

using namespace sluice::core;

namespace {

constexpr Log log_a{0xA}, log_b{0xB}, log_c{0xC};

Collector fresh() { return Collector({}, {7}, Epoch{3}); }

// All that `from` knows, as runs over whole logs; `between` is called after each slice.
template <typename Between>
void copy(const Collector& from, Collector& to, std::size_t pages, Between between) {
  KnownCursor cursor;
  KnownSlice slice;
  while (from.known_slice(cursor, pages, slice)) {
    to.restore(slice);
    between();
  }
}
std::vector<KnownSlice> slices(const Collector& from) {
  std::vector<KnownSlice> out;
  KnownCursor cursor;
  for (KnownSlice slice; from.known_slice(cursor, 1'000'000, slice);) out.push_back(slice);
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("collector_known");

TEST_CASE("a collector that knows nothing has no slice to tell") { CHECK(slices(fresh()).empty()); }

TEST_CASE("each log is told, its floor last, and the next start knows the same") {
  Collector before = fresh(), after = fresh();
  for (std::uint64_t seq = 1; seq <= 3000; ++seq) before.restore(log_a, Seq{seq}, Status::done);
  for (std::uint64_t seq = 2; seq <= 3000; seq += 2) before.restore(log_c, Seq{seq}, Status::done);
  before.restore(log_b, Seq{5}, Status::expired);
  const auto told = slices(before);
  REQUIRE(told.size() == 3);
  CHECK(told[0].log == log_a);
  CHECK(told[0].runs == std::vector<KnownRun>{{1, 3000, 1, Known::done}});
  CHECK(told[0].floor == Seq{0});
  CHECK(told[1].runs == std::vector<KnownRun>{{5, 1, 1, Known::expired}});
  CHECK(told[2].runs == std::vector<KnownRun>{{2, 1500, 2, Known::done}});
  copy(before, after, 1, [] {});
  const auto again = slices(after);
  REQUIRE(again.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(again[i].runs == told[i].runs);
}

// A checkpoint is gathered over many turns: what was stored when it was begun must all be in it.
TEST_CASE("what is stored while the slices are taken costs nothing that was known before") {
  Collector before = fresh(), after = fresh();
  for (std::uint64_t seq = 1; seq <= 5000; ++seq) {
    if (seq % 7 != 0) before.restore(log_a, Seq{seq}, Status::failed);
    if (seq % 2 == 0) before.restore(log_c, Seq{seq}, Status::done);
  }
  std::uint64_t turn = 0;
  copy(before, after, 1, [&] {
    ++turn;
    before.restore(log_b, Seq{turn}, Status::done);     // a log that came meanwhile
    for (std::uint64_t seq = 1; seq <= 5000; seq += 2)  // pages that are whole now
      if (seq / 512 < turn) before.restore(log_c, Seq{seq}, Status::done);
    before.restore(log_a, Seq{turn * 7}, Status::cancelled);  // holes that are filled
  });
  CHECK(turn > 15);
  std::vector<std::uint64_t> missing;
  for (const KnownSlice& slice : slices(after)) {
    if (slice.log != log_a) continue;
    std::vector<bool> has(6000, false);
    for (const KnownRun& run : slice.runs)
      for (std::uint64_t i = 0; i < run.count; ++i) has[run.first + i * run.step] = true;
    for (std::uint64_t seq = 1; seq <= 5000; ++seq)
      if (seq % 7 != 0 && !has[seq]) missing.push_back(seq);
  }
  CHECK(missing.empty());
  std::uint64_t in_c = 0;
  for (const KnownSlice& slice : slices(after))
    if (slice.log == log_c)
      for (const KnownRun& run : slice.runs) in_c += run.count;
  CHECK(in_c >= 2500);
}

TEST_SUITE_END();
