// run_chaos_test.cpp: runs with a journal are killed again and again, until each comes to its end.
// SPDX-License-Identifier: MIT
//
// SLUICE_SEED repeats the decisions of a run; SLUICE_CHAOS_ROUNDS makes it longer.
#include <doctest/doctest.h>

#include <cstdint>

#include "chaos/plan.hpp"
#include "e2e/interrupted_run.hpp"

namespace sluice::chaos {
namespace {

TEST_SUITE("chaos: run") {
  TEST_CASE("however often a run is killed, its end is that of one that nobody killed") {
    Plan plan;
    const std::uint64_t rounds = number_from("SLUICE_CHAOS_ROUNDS", 30);
    int killed = 0;
    for (std::uint64_t round = 1; round <= rounds; ++round) {
      const int tasks = static_cast<int>(20 + plan.below(150));
      const auto longest = plan.one_in(3) ? plan.between(5, 80) : plan.between(100, 900);
      const int kills = static_cast<int>(1 + plan.below(20));
      const std::uint64_t seed = plan.seed();
      e2e::Words options;
      if (plan.one_in(2)) options.emplace_back("-k");
      if (plan.one_in(3)) options.insert(options.end(), {"--retries", "2"});
      plan.add(std::to_string(tasks) + " tasks, killed up to " + std::to_string(kills) +
                   " times within " + shown(longest),
               [=, &killed] {
                 e2e::InterruptedRun run(tasks, options);
                 run.go(seed, kills, longest);
                 CHECK(run.flaws() == "");
                 killed += run.killed();
               });
    }
    INFO(plan.text());
    plan.run();
    tell("runs: " + std::to_string(rounds) + ", killed " + std::to_string(killed) + " times");
    CHECK(killed > 0);
  }
}

}  // namespace
}  // namespace sluice::chaos
