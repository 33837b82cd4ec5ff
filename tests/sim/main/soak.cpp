// soak.cpp: runs seed after seed, and tells of those that fail; see scripts/soak.
// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "sim/plan.hpp"
#include "sim/shrink.hpp"
#include "sim/world.hpp"

namespace {

using namespace sluice::sim;
using Clock = std::chrono::steady_clock;

constexpr const char* kUsage =
    "usage: sim_soak [--minutes N | --seeds N] [--first SEED] [--step N] [--short] [--fail-fast]\n"
    "       sim_soak --trace SEED [--short]\n";

struct Options {
  double minutes = 0;
  std::uint64_t seeds = 0, first = 1, step = 1;
  bool is_short = false, fail_fast = false, trace = false;
};

bool read(int argc, char** argv, Options& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--short") {
      out.is_short = true;
      continue;
    }
    if (word == "--fail-fast") {
      out.fail_fast = true;
      continue;
    }
    if (i + 1 >= argc) return false;
    const char* value = argv[++i];
    if (word == "--minutes")
      out.minutes = std::atof(value);
    else if (word == "--seeds")
      out.seeds = std::strtoull(value, nullptr, 10);
    else if (word == "--first")
      out.first = std::strtoull(value, nullptr, 10);
    else if (word == "--step")
      out.step = std::strtoull(value, nullptr, 10);
    else if (word == "--trace")
      out.first = std::strtoull(value, nullptr, 10), out.trace = true;
    else
      return false;
  }
  return out.trace || out.minutes > 0 || out.seeds > 0;
}

Plan plan_for(const Options& options, std::uint64_t seed) {
  return options.is_short ? short_plan_of(seed) : plan_of(seed);
}

int show(const Options& options) {
  const Verdict verdict = World(plan_for(options, options.first), true).run();
  for (const std::string& line : verdict.lines) std::puts(line.c_str());
  std::printf("trace: %016llx\n", static_cast<unsigned long long>(verdict.trace));
  return verdict.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!read(argc, argv, options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  if (options.trace) return show(options);
  const auto begun = Clock::now();
  const auto is_over = [&](std::uint64_t done) {
    if (options.seeds > 0) return done >= options.seeds;
    return Clock::now() - begun >= std::chrono::duration<double>(options.minutes * 60);
  };
  std::uint64_t done = 0, failed = 0;
  for (std::uint64_t seed = options.first; !is_over(done); seed += options.step, ++done) {
    const Plan plan = plan_for(options, seed);
    const Verdict verdict = run_twice(plan);
    if (verdict.ok()) continue;
    ++failed;
    if (options.fail_fast) {
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                  verdict.broken.substr(0, verdict.broken.find('\n')).c_str());
      ++done;
      break;
    }
    std::puts(report(shrink(plan), verdict).c_str());
    std::fflush(stdout);
  }
  std::printf("seeds: %llu failed: %llu\n", static_cast<unsigned long long>(done),
              static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}
