// halt_test.cpp: when a run stops early, and its exit code; recorded from GNU parallel 20221122.
// SPDX-License-Identifier: MIT
#include "cli/halt.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using Decision = HaltPolicy::Decision;
using When = HaltRule::When;
using Why = HaltRule::Why;

struct Run {
  std::size_t ran = 0;  // tasks until the policy spoke
  Decision decision = Decision::keep_going;
  int exit_code = 0;
};

// One task at a time, as "parallel -j1".
Run run(std::string_view rule, const std::vector<int>& exit_codes, bool total_known = true) {
  HaltPolicy policy(parse_halt(rule));
  if (total_known) policy.set_total(exit_codes.size());
  Run result;
  for (const int code : exit_codes) {
    ++result.ran;
    result.decision = policy.finished(code, 0);
    if (result.decision != Decision::keep_going) break;
  }
  result.exit_code = policy.exit_code();
  return result;
}

const std::vector<int> kMixed{0, 3, 0, 7, 0, 0, 9, 2, 0, 2};
const std::vector<int> kAllGood{0, 0, 0, 0, 0};
const std::vector<int> kAllBad{5, 6, 7, 8, 9};

bool refused(std::string_view text) {
  try {
    static_cast<void>(parse_halt(text));
  } catch (const Error& error) {
    return std::string(error.what()).find("now|soon") != std::string::npos;
  }
  return false;
}

bool same(const HaltRule& rule, When when, Why why, std::uint64_t number, bool percent) {
  return rule.when == when && rule.why == why && rule.number == number && rule.percent == percent;
}

TEST_SUITE("halt") {
  TEST_CASE("what failed before counts, but only a new failure meets the rule") {
    HaltPolicy policy(parse_halt("now,fail=2"));
    policy.finished_before(true);
    policy.finished_before(false);
    CHECK(policy.finished(0, 0) == HaltPolicy::Decision::keep_going);
    CHECK(policy.exit_code() == 1);
    CHECK(policy.finished(9, 0) == HaltPolicy::Decision::stop_now);
    HaltPolicy none(parse_halt("never"));
    none.finished_before(true);
    CHECK(none.exit_code() == 1);
  }

  TEST_CASE("all forms of --halt are understood") {
    CHECK(parse_halt("never").when == When::never);
    CHECK(same(parse_halt("now,fail=1"), When::now, Why::fail, 1, false));
    CHECK(same(parse_halt("soon,fail=25"), When::soon, Why::fail, 25, false));
    CHECK(same(parse_halt("now,success=30%"), When::now, Why::success, 30, true));
    CHECK(same(parse_halt("soon,done=100%"), When::soon, Why::done, 100, true));
  }

  TEST_CASE("the old numeric forms are understood") {
    CHECK(parse_halt("0").when == When::never);
    CHECK(same(parse_halt("1"), When::soon, Why::fail, 1, false));
    CHECK(same(parse_halt("2"), When::now, Why::fail, 1, false));
    CHECK(same(parse_halt("-1"), When::soon, Why::success, 1, false));
    CHECK(same(parse_halt("-2"), When::now, Why::success, 1, false));
    CHECK(same(parse_halt("10%"), When::soon, Why::fail, 10, true));
  }

  TEST_CASE("anything else is refused with the list of forms") {
    for (const char* text : {"",
                             "now",
                             "soon",
                             "now,",
                             "now,fail",
                             "now,fail=",
                             "now,fail=0",
                             "now,fail=-1",
                             "now,fail=x",
                             "now,fail=1x",
                             "now,fail=101%",
                             "now,fail=0%",
                             "now,fail=%",
                             "later,fail=1",
                             "now,lost=1",
                             "3",
                             "%",
                             "NOW,fail=1",
                             "never,fail=1",
                             "now,fail=1.5%",
                             "now,fail=99999999999999999999"}) {
      CAPTURE(text);
      CHECK(refused(text));
    }
  }

  TEST_CASE("with never all tasks run and the exit code counts failures") {
    const Run all = run("never", kMixed);
    CHECK(all.ran == 10);
    CHECK(all.exit_code == 5);
    CHECK(run("never", std::vector<int>(200, 1)).exit_code == 101);
  }

  TEST_CASE("fail=1 stops at the first failure and takes its exit code") {
    const Run now = run("now,fail=1", kMixed);
    CHECK(now.ran == 2);
    CHECK(now.decision == Decision::stop_now);
    CHECK(now.exit_code == 3);
    const Run soon = run("soon,fail=1", kMixed);
    CHECK(soon.decision == Decision::stop_soon);
    CHECK(soon.exit_code == 3);
  }

  TEST_CASE("fail=2 stops at the second failure and counts failures") {
    const Run stopped = run("now,fail=2", kMixed);
    CHECK(stopped.ran == 4);
    CHECK(stopped.exit_code == 2);
  }

  TEST_CASE("a percentage is of all tasks when their number is known") {
    CHECK(run("now,fail=30%", kMixed).ran == 7);
    CHECK(run("now,fail=30%", kMixed).exit_code == 30);
    CHECK(run("now,fail=1%", kMixed).ran == 2);
    CHECK(run("now,fail=1%", kMixed).exit_code == 10);
    CHECK(run("now,fail=100%", kMixed).ran == 10);
    CHECK(run("now,fail=100%", kMixed).exit_code == 50);
    CHECK(run("now,fail=50%", {1}).exit_code == 100);
  }

  TEST_CASE("a percentage that comes to exactly one task takes that task's exit code") {
    CHECK(run("soon,fail=10%", kMixed).exit_code == 3);
  }

  TEST_CASE("without a known number a percentage is of finished tasks, three at least") {
    CHECK(run("now,fail=50%", {1, 0, 0, 1}, false).ran == 4);
    CHECK(run("now,fail=50%", {1, 1, 1, 1}, false).ran == 3);
    CHECK(run("now,fail=50%", {1, 1, 1, 1}, false).exit_code == 100);
    CHECK(run("now,fail=50%", {1, 1}, false).decision == Decision::keep_going);
  }

  TEST_CASE("success stops at enough successes with exit code 0, whatever failed before") {
    CHECK(run("now,success=1", kMixed).ran == 1);
    CHECK(run("now,success=2", kMixed).ran == 3);
    CHECK(run("now,success=2", kMixed).exit_code == 0);
    CHECK(run("soon,success=50%", kMixed).ran == 9);
    CHECK(run("soon,success=50%", kMixed).exit_code == 0);
  }

  TEST_CASE("done counts failures and successes alike") {
    CHECK(run("now,done=2", kMixed).ran == 2);
    CHECK(run("now,done=2", kMixed).exit_code == 1);
    CHECK(run("now,done=50%", kMixed).ran == 5);
    CHECK(run("now,done=50%", kMixed).exit_code == 20);
    CHECK(run("now,done=1", {4, 0}).exit_code == 4);
    CHECK(run("now,done=2", kAllGood).exit_code == 0);
  }

  TEST_CASE("a rule that is never met leaves the number of failures, or their percentage") {
    CHECK(run("now,fail=1", kAllGood).exit_code == 0);
    CHECK(run("now,success=1", kAllBad).exit_code == 5);
    CHECK(run("now,success=20", kAllGood).exit_code == 0);
    CHECK(run("now,done=9", kAllBad).exit_code == 5);
    CHECK(run("now,success=50%", kAllBad).exit_code == 100);
  }

  TEST_CASE("tasks that finish after a soon stop do not change the exit code") {
    HaltPolicy policy(parse_halt("soon,fail=1"));
    CHECK(policy.finished(7, 0) == Decision::stop_soon);
    CHECK(policy.finished(9, 0) == Decision::stop_soon);
    CHECK(policy.finished(0, 0) == Decision::stop_soon);
    CHECK(policy.halted());
    CHECK(policy.exit_code() == 7);
    CHECK(policy.failed() == 2);
    CHECK(policy.succeeded() == 1);
  }

  TEST_CASE("a task killed by a signal is a failure") {
    HaltPolicy policy(parse_halt("now,fail=1"));
    CHECK(policy.finished(0, 9) == Decision::stop_now);
    CHECK(policy.exit_code() == 137);
  }

  TEST_CASE("a success does not trigger a fail rule that the total made easier meanwhile") {
    HaltPolicy policy(parse_halt("now,fail=50%"));
    CHECK(policy.finished(1, 0) == Decision::keep_going);
    policy.set_total(2);
    CHECK(policy.finished(0, 0) == Decision::keep_going);
    CHECK(policy.finished(1, 0) == Decision::stop_now);
  }
}

}  // namespace
}  // namespace sluice::cli
