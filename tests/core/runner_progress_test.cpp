// runner_progress_test.cpp: what handlers say of their tasks goes to the ventilator now and then.
// SPDX-License-Identifier: MIT
#include "core/runner_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::test;

namespace {

// Two tasks are running.
struct Running : RunnerRig {
  Running() {
    connect();
    send_tasks({task(1), task(2)});
    first = claim();
    second = claim();
    runner.pool_progress(claimed, now);
    take();
    skip_states();
  }
  void say(std::initializer_list<TaskProgress> texts) {
    const std::vector<TaskProgress> list(texts);
    runner.progress(list, now);
    take();
    skip_states();
  }
  TaskStart first, second;
};

}  // namespace

TEST_SUITE_BEGIN("runner progress");

// Rule 19: "A worker MAY say how far the tasks are that it runs".
TEST_CASE("progress is said with the task's number and lease") {
  Running rig;
  rig.say({{rig.first.handle, "page 1"}, {rig.second.handle, "page 9"}});
  const Progress said = rig.expect<Progress>();
  CHECK(rig.last.sid == rig.sid);
  CHECK(rig.last.n == 0);
  REQUIRE(said.entries.size() == 2);
  CHECK(said.entries[0].seq == Seq{1});
  CHECK(said.entries[0].lease == Lease{1001});
  CHECK(said.entries[0].text == "page 1");
  CHECK(said.entries[1].seq == Seq{2});
  CHECK(said.entries[1].text == "page 9");
}

// Rule 19: "at most once in 200 ms".
TEST_CASE("the next progress is taken 200 ms later") {
  Running rig;
  rig.say({{rig.first.handle, "page 1"}});
  rig.expect<Progress>();
  CHECK(rig.runner.progress_from() == rig.now + 200ms);
  rig.pass(199ms);
  rig.say({{rig.first.handle, "page 2"}});
  rig.pass(1ms);
  rig.say({{rig.first.handle, "page 3"}});
  CHECK(rig.expect<Progress>().entries[0].text == "page 3");
  rig.skip_states();
}

TEST_CASE("of a task that has ended nothing is said") {
  Running rig;
  rig.finish(rig.first);
  const Outcomes outcomes = rig.outcomes();
  rig.say({{rig.first.handle, "page 1"}, {rig.second.handle, "page 2"}});
  const Progress said = rig.expect<Progress>();
  REQUIRE(said.entries.size() == 1);
  CHECK(said.entries[0].seq == Seq{2});
  rig.say({{rig.first.handle, "page 1"}});
}

TEST_CASE("one message holds at most a hundred texts") {
  RunnerOptions options = RunnerRig::options();
  options.slots = 200;
  RunnerRig rig(options);
  rig.connect();
  std::vector<Sent> tasks;
  for (std::uint64_t seq = 1; seq <= 101; ++seq) tasks.push_back(task(seq));
  rig.send_tasks(tasks);
  std::vector<TaskProgress> texts;
  for (int i = 0; i < 101; ++i) texts.push_back({rig.claim().handle, "x"});
  rig.runner.pool_progress(rig.claimed, rig.now);
  rig.runner.progress(texts, rig.now);
  rig.take();
  rig.skip_states();
  CHECK(rig.expect<Progress>().entries.size() == 100);
  rig.skip_states();
}

TEST_CASE("without a session no progress is taken") {
  Running rig;
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  CHECK_FALSE(rig.runner.progress_from().has_value());
  rig.say({{rig.first.handle, "page 1"}});
}

TEST_SUITE_END();
