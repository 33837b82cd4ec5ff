// runner_drain_test.cpp: how a worker comes to its end.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "core/runner_rig.hpp"

namespace sluice::core {
namespace {

using namespace test;

struct Busy : RunnerRig {
  // Task 1 runs, task 2 waits.
  Busy() {
    connect();
    send_tasks({task(1), task(2)});
    running = claim();
  }
  void drain(DrainMode mode, std::optional<Duration> within = std::nullopt) {
    std::optional<Time> deadline;
    if (within) deadline = now + *within;
    runner.pool_progress(claimed, now);
    runner.drain(mode, deadline, now);
    take();
  }
  TaskStart running;
};

TEST_SUITE_BEGIN("runner_drain");

// "READY: DRAIN or SIGTERM: freeze limits, RETURN what has not started -> DRAINING.
// DRAINING: nothing queued, running, retained, un-ACKED: GOODBYE, wait for BYE or D -> END."
TEST_CASE("a drained worker hands back, finishes, delivers, and says goodbye in the end") {
  Busy rig;
  rig.drain(DrainMode::return_queued);
  CHECK(rig.expect<Return>().entries[0].seq == Seq{2});
  CHECK(rig.pool.empty());
  rig.finish(rig.running);
  rig.acked(1);
  const Outcomes outcomes = rig.outcomes();
  CHECK(rig.control.empty());  // no credit, and no goodbye before the sink has it
  rig.confirm(outcomes.entries[0].rsn, outcomes.entries[0].rsn);
  rig.expect<Ack>();
  CHECK(rig.control.empty());
  rig.acked(2);
  CHECK(rig.expect<Goodbye>().reason == Code::draining);
  CHECK_FALSE(rig.runner.ended());
  rig.control_in(0, Bye{Code::ok});
  CHECK(rig.runner.ended());
  CHECK(rig.runner.clean());
  CHECK_FALSE(rig.control_open);
  CHECK(rig.sink_sockets.empty());
  CHECK_FALSE(rig.runner.next_deadline().has_value());
}

TEST_CASE("the end comes D after the goodbye if nobody answers it") {
  RunnerRig rig;
  rig.connect();
  rig.runner.drain(DrainMode::return_queued, std::nullopt, rig.now);
  rig.take();
  rig.expect<Goodbye>();
  rig.pass(8s - 1ns);
  rig.skip_states();
  CHECK_FALSE(rig.runner.ended());
  rig.pass(1ns);
  CHECK(rig.runner.ended());
  CHECK(rig.runner.clean());
}

TEST_CASE("DRAIN 0 runs what is queued, too") {
  Busy rig;
  rig.control_in(0, Drain{DrainMode::finish, 0});
  CHECK(rig.runner.draining());
  REQUIRE(rig.pool.size() == 1);
  rig.finish(rig.running);
  const TaskStart second = rig.claim();
  rig.finish(second);
  CHECK(rig.outcomes().entries[0].seq == Seq{1});
  CHECK(rig.outcomes().entries[0].seq == Seq{2});
  rig.confirm(Rsn{1}, Rsn{2});
  rig.expect_after_states<Ack>();
  rig.acked(1);
  rig.expect_after_states<Goodbye>();
}

TEST_CASE("tasks under way to a draining worker are handed back") {
  Busy rig;
  rig.drain(DrainMode::return_queued);
  rig.expect<Return>();
  rig.send_tasks({task(3)});
  CHECK(rig.expect<Return>().entries[0].seq == Seq{3});
  CHECK(rig.pool.empty());
}

// DRAIN mode 2; NACK reason 6, shutdown.
TEST_CASE("a worker that stops cancels what runs and says shutdown") {
  Busy rig;
  rig.drain(DrainMode::stop);
  CHECK(rig.cancel() == rig.running.handle);
  CHECK(rig.expect<Return>().entries[0].seq == Seq{2});
  rig.finish(rig.running, RunEnd::cancelled);
  const Nack nack = rig.expect<Nack>();
  CHECK(nack.entries[0].reason == NackReason::shutdown);
  CHECK(nack.entries[0].started);
  rig.acked(2);
  rig.expect<Goodbye>();
}

TEST_CASE("what is claimed while the worker stops is cancelled as well") {
  Busy rig;
  rig.runner.drain(DrainMode::stop, std::nullopt, rig.now);
  const TaskStart second = rig.claim();
  rig.take();
  CHECK(rig.cancel() == rig.running.handle);
  CHECK(rig.cancel() == second.handle);
}

TEST_CASE("a stricter mode may follow a milder one, not the other way round") {
  Busy rig;
  rig.drain(DrainMode::finish);
  CHECK(rig.pool.size() == 1);
  rig.drain(DrainMode::return_queued);
  rig.expect<Return>();
  CHECK(rig.pool.empty());
  rig.drain(DrainMode::finish);
  rig.send_tasks({task(3)});
  CHECK(rig.expect<Return>().entries[0].seq == Seq{3});
}

// Case 28: "drain while the sink is down: deadline, exit code, everything still in the journal."
TEST_CASE("with the sink down a drain ends at its deadline, and not clean") {
  Busy rig;
  rig.drain(DrainMode::return_queued, 3s);
  rig.expect<Return>();
  rig.runner.disconnected(RunnerRig::kSinkLink, rig.now);
  rig.take();
  rig.finish(rig.running);
  rig.acked(1);
  while (!rig.runner.ended() && rig.now < Time(1h) + 3s - 1ns) {
    const auto deadline = rig.runner.next_deadline();
    REQUIRE(deadline.has_value());
    rig.pass(std::min(*deadline, Time(1h) + 3s - 1ns) - rig.now);
    rig.skip_states();
  }
  CHECK_FALSE(rig.runner.ended());
  rig.pass(1ns);
  CHECK(rig.runner.ended());
  CHECK_FALSE(rig.runner.clean());
}

TEST_CASE("the ventilator may name the deadline") {
  Busy rig;
  rig.control_in(0, Drain{DrainMode::return_queued, 500});
  rig.expect<Return>();
  rig.pass(500ms - 1ns);
  CHECK_FALSE(rig.runner.ended());
  rig.pass(1ns);
  CHECK(rig.runner.ended());
  CHECK_FALSE(rig.runner.clean());
}

TEST_CASE("a worker that holds nothing and has no session ends at once") {
  RunnerRig rig;
  rig.start();
  rig.runner.drain(DrainMode::return_queued, std::nullopt, rig.now);
  rig.take();
  CHECK(rig.runner.ended());
  CHECK(rig.runner.clean());
}

TEST_CASE("a worker that was never started ends at once") {
  RunnerRig rig;
  rig.runner.drain(DrainMode::stop, std::nullopt, rig.now);
  CHECK(rig.runner.ended());
  CHECK_FALSE(rig.runner.next_deadline().has_value());
}

TEST_CASE("a draining worker that is cut off comes back to tell what it holds") {
  Busy rig;
  rig.drain(DrainMode::return_queued);
  rig.expect<Return>();
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  rig.finish(rig.running);
  const auto held = rig.reconnect();
  CHECK(held.size() == 2);
  CHECK(rig.expect<Return>().entries[0].seq == Seq{2});
  CHECK(rig.state().tasks_limit == 0);
  rig.outcomes();
  rig.confirm(Rsn{1}, Rsn{1});
  rig.expect<Ack>();
  rig.acked(2);
  rig.expect<Goodbye>();
}

TEST_CASE("a worker may end with its ventilator, once the sink has what it made") {
  Busy rig;
  rig.runner.end_with_ventilator();
  rig.finish(rig.running);
  rig.outcomes();
  rig.skip_states();
  rig.control_in(0, Bye{Code::draining});
  CHECK_FALSE(rig.control_open);
  CHECK_FALSE(rig.runner.ended());
  rig.confirm(Rsn{1}, Rsn{1});
  CHECK(rig.runner.ended());
  CHECK(rig.runner.clean());
  CHECK(rig.control_opened == 1);
}

TEST_CASE("a worker that is not to end waits for another ventilator") {
  RunnerRig rig;
  rig.connect();
  rig.control_in(0, Bye{Code::draining});
  CHECK_FALSE(rig.runner.ended());
  rig.reconnect();
  rig.state();
}

TEST_CASE("a DRAIN with an absurd deadline leaves time to finish") {
  RunnerRig rig;
  rig.now = Time(400h * 24);  // now + the deadline must not overflow
  rig.connect();
  rig.send_tasks({task(1)});
  const TaskStart start = rig.claim();
  rig.control_in(0, Drain{DrainMode::finish, (1ULL << 63) - 1});
  CHECK_FALSE(rig.runner.ended());
  rig.finish(start);
  CHECK(rig.outcomes().entries.size() == 1);
  rig.confirm(Rsn{1}, Rsn{1});
  rig.expect_after_states<Ack>();
}

TEST_SUITE_END();

}  // namespace
}  // namespace sluice::core
