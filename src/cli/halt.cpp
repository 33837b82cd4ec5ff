// halt.cpp: reading and applying --halt.
// SPDX-License-Identifier: MIT
#include "cli/halt.hpp"

#include <cstddef>
#include <string>

#include "cli/exit_code.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kFewestForPercent = 3;
constexpr std::uint64_t kMostTasks = 1'000'000'000'000;  // keeps 100 * tasks far from overflow

std::uint64_t percent_rounded_up(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : (100 * part + whole - 1) / whole;
}

// "N" or "N%" behind the equals sign.
bool parse_amount(std::string_view text, HaltRule& rule) {
  rule.percent = !text.empty() && text.back() == '%';
  if (rule.percent) text.remove_suffix(1);
  if (text.empty()) return false;
  rule.number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || rule.number > kMostTasks / 10) return false;
    rule.number = rule.number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return rule.number > 0 && (!rule.percent || rule.number <= 100);
}

bool take(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<HaltRule> parse(std::string_view text) {
  using When = HaltRule::When;
  using Why = HaltRule::Why;
  if (text == "never" || text == "0") return HaltRule{};
  if (text == "1") return HaltRule{When::soon, Why::fail, 1, false};
  if (text == "2") return HaltRule{When::now, Why::fail, 1, false};
  if (text == "-1") return HaltRule{When::soon, Why::success, 1, false};
  if (text == "-2") return HaltRule{When::now, Why::success, 1, false};

  HaltRule rule{When::soon, Why::fail, 0, false};
  if (!text.empty() && text.back() == '%' && parse_amount(text, rule)) return rule;
  if (take(text, "now,")) {
    rule.when = When::now;
  } else if (!take(text, "soon,")) {
    return std::nullopt;
  }
  if (take(text, "success=")) {
    rule.why = Why::success;
  } else if (take(text, "done=")) {
    rule.why = Why::done;
  } else if (!take(text, "fail=")) {
    return std::nullopt;
  }
  return parse_amount(text, rule) ? std::optional(rule) : std::nullopt;
}

}  // namespace

HaltRule parse_halt(std::string_view text) {
  const auto rule = parse(text);
  if (!rule) {
    throw Error("--halt '" + std::string(text) +
                "' is not understood; write never, or now|soon,fail|success|done=N or N%, "
                "for example now,fail=1 or soon,fail=10%");
  }
  return *rule;
}

bool HaltPolicy::met(std::uint64_t count) const {
  if (!rule_.percent) return count >= rule_.number;
  if (!total_ && finished_ < kFewestForPercent) return false;
  return 100 * count >= rule_.number * base();
}

int HaltPolicy::code_when_met(int task_code) const {
  if (rule_.why == HaltRule::Why::success) return kExitOk;
  // A percentage that comes to exactly one task counts as "1", as GNU parallel has it.
  const bool first = rule_.percent ? rule_.number * base() == 100 : rule_.number == 1;
  if (first) return task_code;
  if (rule_.percent) return static_cast<int>(percent_rounded_up(failed_, base()));
  return exit_code_for_failures(failed_);
}

HaltPolicy::Decision HaltPolicy::finished(int exit_code, int signal) {
  const int task_code = exit_code_of_task(exit_code, signal);
  ++finished_;
  if (task_code != 0) ++failed_;
  if (rule_.when == HaltRule::When::never) return Decision::keep_going;
  if (!halt_exit_code_) {
    // Only a task of the kind that is counted can meet the rule.
    const bool success = task_code == 0;
    const bool counts =
        rule_.why == HaltRule::Why::done || success == (rule_.why == HaltRule::Why::success);
    const std::uint64_t count = rule_.why == HaltRule::Why::done      ? finished_
                                : rule_.why == HaltRule::Why::success ? succeeded()
                                                                      : failed_;
    if (!counts || !met(count)) return Decision::keep_going;
    halt_exit_code_ = code_when_met(task_code);
  }
  return rule_.when == HaltRule::When::now ? Decision::stop_now : Decision::stop_soon;
}

int HaltPolicy::exit_code() const {
  if (halt_exit_code_) return *halt_exit_code_;
  if (rule_.when != HaltRule::When::never && rule_.percent) {
    return static_cast<int>(percent_rounded_up(failed_, finished_));
  }
  return exit_code_for_failures(failed_);
}

}  // namespace sluice::cli
