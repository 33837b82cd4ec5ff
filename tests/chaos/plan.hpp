// plan.hpp: what a chaos run will do, drawn from a seed before it begins.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace sluice::chaos {

/// $SLUICE_SEED, or a new one each time.
[[nodiscard]] std::uint64_t chaos_seed();

/// $`name`, or `otherwise`: for runs that are longer than the usual.
[[nodiscard]] std::uint64_t number_from(const char* name, std::uint64_t otherwise);

/// A line of the test's output that people read and nobody checks.
void tell(const std::string& text);
/// A part of the running test case that this machine cannot do, and why.
void skip(const std::string& why);

/// Lets so much time pass. Only for what happens to others meanwhile, such as a pause.
void pass(std::chrono::milliseconds time);

/// The steps of a run. All that is random in them is drawn while they are added, so the seed
/// repeats them whatever the timing of the run; what they meet is up to the machine.
///
///     Plan plan;
///     const auto pause = plan.between(100, 900);
///     plan.add("stop for " + shown(pause), [=] { ... });
///     INFO(plan.text());   // printed only on failure
///     plan.run();
class Plan {
 public:
  /// Of `chaos_seed()`; each test case draws its own numbers from it. Tells the seed.
  Plan();

  [[nodiscard]] std::uint64_t below(std::uint64_t end) { return random_() % end; }
  [[nodiscard]] bool one_in(std::uint64_t n) { return below(n) == 0; }
  [[nodiscard]] std::chrono::milliseconds between(std::int64_t least, std::int64_t most);
  /// For those who need a seed of their own.
  [[nodiscard]] std::uint64_t seed() { return random_(); }

  void add(std::string text, std::function<void()> act);
  /// The steps that have not been run yet, in order.
  void run();
  /// The seed, all steps so far, and which one is the last that was begun.
  [[nodiscard]] std::string text() const;

 private:
  struct Step {
    std::string text;
    std::function<void()> act;
  };
  std::uint64_t seed_;
  std::mt19937_64 random_;
  std::vector<Step> steps_;
  std::size_t begun_ = 0;
};

[[nodiscard]] inline std::string shown(std::chrono::milliseconds time) {
  return std::to_string(time.count()) + " ms";
}

}  // namespace sluice::chaos
