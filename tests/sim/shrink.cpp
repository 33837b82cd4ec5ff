// shrink.cpp: fewer faults, fewer tasks, the same end.
// SPDX-License-Identifier: MIT
#include "sim/shrink.hpp"

#include <algorithm>
#include <cctype>
#include <functional>
#include <vector>

namespace sluice::sim {
namespace {

constexpr std::size_t kLinesShown = 60;

// A rule without the numbers of whom it was broken by.
std::string rule_of(const std::string& broken) {
  std::string out;
  for (const char c : broken.substr(0, broken.find('\n')))
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) out += c;
  return out;
}

std::string rule_of(const Plan& plan) { return rule_of(World(plan).run().broken); }

// Takes ever smaller pieces out of 0..count-1, and keeps what can be done without.
void leave_out(std::size_t count, int& runs,
               const std::function<bool(const std::vector<bool>&)>& still_fails,
               std::vector<bool>& out) {
  for (std::size_t piece = std::max<std::size_t>(count / 2, 1); runs > 0; piece /= 2) {
    for (std::size_t at = 0; at < count && runs > 0; at += piece) {
      std::vector<bool> tried = out;
      const std::size_t end = std::min(at + piece, count);
      for (std::size_t i = at; i < end; ++i) tried[i] = true;
      if (tried == out) continue;
      --runs;
      if (still_fails(tried)) out = tried;
    }
    if (piece <= 1) return;
  }
}

Plan without_faults(const Plan& plan, const std::vector<bool>& out) {
  Plan less = plan;
  less.faults.clear();
  for (std::size_t i = 0; i < plan.faults.size(); ++i)
    if (!out[i]) less.faults.push_back(plan.faults[i]);
  return less;
}

Plan without_tasks(const Plan& plan, const std::vector<bool>& out) {
  Plan less = plan;
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) less.tasks[i].left_out = out[i];
  return less;
}

// What goes to and fro all the time.
bool is_noise(const std::string& line) {
  constexpr const char* kWords[] = {"  PING ",  " BEAT", "  STATE ", "  ACKED ",
                                    "  FLOOR ", "  QUERY", "  REPLY"};
  return std::any_of(std::begin(kWords), std::end(kWords), [&](const char* word) {
    return line.find(word) != std::string::npos;
  });
}

}  // namespace

Verdict run_twice(const Plan& plan) {
  Verdict first = World(plan).run();
  const Verdict second = World(plan).run();
  if (first.trace != second.trace || first.broken != second.broken)
    first.broken = "the same seed has run in two ways; " + first.broken;
  return first;
}

Plan shrink(const Plan& plan, int most_runs) {
  const std::string rule = rule_of(plan);
  if (rule.empty()) return plan;
  Plan least = plan;
  std::vector<bool> faults(plan.faults.size()), tasks(plan.tasks.size());
  leave_out(faults.size(), most_runs,
            [&](const std::vector<bool>& out) {
              return rule_of(without_faults(plan, out)) == rule;
            },
            faults);
  least = without_faults(plan, faults);
  leave_out(tasks.size(), most_runs,
            [&](const std::vector<bool>& out) {
              return rule_of(without_tasks(least, out)) == rule;
            },
            tasks);
  least = without_tasks(least, tasks);
  // With fewer tasks some faults may not matter any more.
  const Plan again = least;
  faults.assign(again.faults.size(), false);
  leave_out(faults.size(), most_runs,
            [&](const std::vector<bool>& out) {
              return rule_of(without_faults(again, out)) == rule;
            },
            faults);
  return without_faults(again, faults);
}

std::string report(const Plan& shrunk, const Verdict& verdict) {
  std::string out = "seed " + std::to_string(shrunk.seed) + ": " + verdict.broken + "\n";
  const auto tasks = std::count_if(shrunk.tasks.begin(), shrunk.tasks.end(),
                                   [](const TaskPlan& task) { return !task.left_out; });
  out += "left of it: " + std::to_string(tasks) + " tasks, " +
         std::to_string(shrunk.faults.size()) + " faults\n";
  for (const Fault& fault : shrunk.faults)
    out += "  " + time_text(fault.at) + "  " + describe(shrunk, fault) + "\n";
  const Verdict told = World(shrunk, true).run();
  std::vector<std::string> lines;
  for (const std::string& line : told.lines)
    if (!is_noise(line)) lines.push_back(line);
  const std::size_t from = lines.size() > kLinesShown ? lines.size() - kLinesShown : 0;
  out += from > 0 ? "the last of what happened:\n" : "what happened:\n";
  for (std::size_t i = from; i < lines.size(); ++i) out += "  " + lines[i] + "\n";
  return out;
}

}  // namespace sluice::sim
