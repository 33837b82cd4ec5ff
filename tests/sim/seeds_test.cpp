// seeds_test.cpp: runs by chance: first safety while faults rage, then everything comes to its end.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "sim/plan.hpp"
#include "sim/shrink.hpp"
#include "sim/world.hpp"

using namespace sluice::sim;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kLongRuns = 2, kShortRuns = 10;  // fifty times as slow
#else
constexpr std::uint64_t kLongRuns = 6, kShortRuns = 40;
#endif

// SLUICE_SEED=n: that run alone, and all that happened in it.
std::optional<std::uint64_t> wanted_seed() {
  const char* const text = std::getenv("SLUICE_SEED");
  if (text == nullptr) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

void run(const Plan& plan) {
  const Verdict verdict = run_twice(plan);
  INFO("replay with SLUICE_SEED=", plan.seed);
  const std::string what = verdict.ok() ? "" : report(shrink(plan), verdict);
  CHECK(what == "");
  CHECK(verdict.stored > 0);
}

}  // namespace

TEST_SUITE_BEGIN("seeds");

TEST_CASE("no accepted task is lost, and none is stored twice") {
  if (const auto seed = wanted_seed()) {
    const Verdict verdict = World(plan_of(*seed), true).run();
    for (const std::string& line : verdict.lines) std::puts(line.c_str());
    CHECK(verdict.broken == "");
    return;
  }
  for (std::uint64_t seed = 1; seed <= kLongRuns; ++seed) run(plan_of(seed));
  for (std::uint64_t seed = 1; seed <= kShortRuns; ++seed) run(short_plan_of(seed));
}

TEST_CASE("a run is the same each time, line by line") {
  const Plan plan = short_plan_of(7);
  const Verdict one = World(plan, true).run();
  const Verdict two = World(plan, true).run();
  CHECK(one.lines.size() > 100);
  CHECK(one.lines == two.lines);
  CHECK(one.trace == World(plan).run().trace);
}

TEST_CASE("a plan is as large as it is said to be") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Plan plan = plan_of(seed);
    CHECK(plan.tasks.size() >= 200);
    CHECK(plan.workers >= 5);
    CHECK(plan.faults.size() >= 20);
    CHECK(plan.rages >= std::chrono::minutes(10));
  }
}

TEST_SUITE_END();
