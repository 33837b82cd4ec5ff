// outcome_index_test.cpp: where a task may stand in a large file.
// SPDX-License-Identifier: MIT
#include "store/outcome_index.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <vector>

using namespace sluice;
using store::OutcomeIndex;

namespace {

constexpr core::Log log_a{0xA}, log_b{0xB};
constexpr std::uint64_t kStretch = OutcomeIndex::kStretchBytes;

core::TaskKey key(std::uint64_t seq, const core::Log& log = log_a) {
  return {log, static_cast<core::Seq>(seq)};
}
std::vector<std::uint64_t> starts(const OutcomeIndex& index, const std::set<core::TaskKey>& tasks,
                                  std::uint64_t size) {
  std::vector<std::uint64_t> out;
  for (const OutcomeIndex::Part& part : index.parts(tasks, size)) out.push_back(part.from);
  return out;
}
// Ten stretches of 100 tasks of log A each.
void fill(OutcomeIndex& index) {
  for (std::uint64_t i = 0; i < 10; ++i) {
    for (std::uint64_t seq = 1; seq <= 100; ++seq) index.note(log_a, i * 100 + seq);
    index.add_group(i * kStretch);
  }
}

}  // namespace

TEST_SUITE_BEGIN("outcome_index");

TEST_CASE("a task is looked for where its number lies between the least and the most") {
  OutcomeIndex index;
  fill(index);
  CHECK(starts(index, {key(1)}, 10 * kStretch) == std::vector<std::uint64_t>{0});
  CHECK(starts(index, {key(100), key(950)}, 10 * kStretch) ==
        std::vector<std::uint64_t>{0, 9 * kStretch});
  CHECK(index.parts({key(250), key(350)}, 10 * kStretch).size() == 1);  // next to each other
  CHECK(starts(index, {key(1001)}, 10 * kStretch).empty());
  CHECK(starts(index, {key(5, log_b)}, 10 * kStretch).empty());
  CHECK(index.parts({key(950)}, 10 * kStretch)[0].to == 10 * kStretch);
  CHECK(starts(index, {key(950)}, 9 * kStretch).empty());
}

TEST_CASE("groups near each other share a stretch, and a late task widens it") {
  OutcomeIndex index;
  index.note(log_a, 500);
  index.add_group(0);
  index.note(log_a, 3);
  index.note(log_b, 7);
  index.add_group(kStretch - 1);
  CHECK(index.stretches().size() == 1);
  CHECK(starts(index, {key(250)}, kStretch).size() == 1);
  CHECK(starts(index, {key(7, log_b)}, kStretch).size() == 1);
  CHECK(starts(index, {key(2)}, kStretch).empty());
}

TEST_CASE("a group that was not written leaves nothing") {
  OutcomeIndex index;
  index.note(log_a, 9);
  index.forget_group();
  index.note(log_a, 1);
  index.add_group(0);
  CHECK(starts(index, {key(9)}, kStretch).empty());
}

TEST_CASE("a stretch with very many logs may hold anything") {
  OutcomeIndex index;
  for (std::uint8_t log = 0; log <= OutcomeIndex::kMostLogs; ++log) index.note({log}, 1);
  index.add_group(0);
  CHECK(index.stretches()[0].any);
  CHECK(starts(index, {key(77, log_b)}, kStretch).size() == 1);
  index.note(log_a, 1);
  index.add_group(kStretch);
  CHECK_FALSE(index.stretches()[1].any);
}

TEST_CASE("what stands behind the end is dropped when it is restored") {
  OutcomeIndex index, other;
  fill(index);
  other.restore(index.stretches(), 3 * kStretch);
  CHECK(other.stretches().size() == 3);
  other.note(log_a, 301);
  other.add_group(3 * kStretch);
  CHECK(starts(other, {key(301)}, 4 * kStretch) == std::vector<std::uint64_t>{3 * kStretch});
}

TEST_SUITE_END();
