// runner_reconcile_test.cpp: what a worker holds survives the loss of its session.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <vector>

#include "core/runner_rig.hpp"

namespace sluice::core {
namespace {

using namespace test;

TEST_SUITE_BEGIN("runner_reconcile");

// Rule 13: "On its own DISCONNECTED a worker stops starting queued tasks until the session is
// renewed, reconnecting after 50-200 ms."
TEST_CASE("a cut connection freezes the queue until the session is renewed") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1), task(2), task(3)});
  const TaskStart running = rig.claim();
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  CHECK(rig.frozen);
  CHECK(rig.pool.empty());
  const Time lost_at = rig.now;
  const std::vector<HeldTask> held = rig.reconnect();
  CHECK(rig.now - lost_at >= 50ms);
  CHECK(rig.now - lost_at <= 200ms);
  REQUIRE(held.size() == 3);
  CHECK(held[0].state == HeldState::running);
  CHECK(held[0].seq == Seq{1});
  CHECK(held[1].state == HeldState::queued);
  CHECK(held[2].state == HeldState::queued);
  // Those that waited start in their old order; the running one was never stopped.
  rig.state();
  CHECK_FALSE(rig.frozen);
  REQUIRE(rig.pool.size() == 2);
  CHECK(rig.pool[0].seq == Seq{2});
  CHECK(rig.pool[1].seq == Seq{3});
  rig.finish(running);
  CHECK(rig.outcomes().entries[0].seq == Seq{1});
  rig.skip_states();
}

// Case 18: "SIGSTOP longer than R, then SIGCONT: loop gap > F: drop lane input, re-HELLO before
// anything starts; a running one still delivers (dedup)."
TEST_CASE("after standing still for longer than F a worker starts nothing before a new HELLO") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1), task(2)});
  const TaskStart running = rig.claim();
  const Envelope late = rig.tasks_message({task(3)});
  rig.now += 16s + 1ns;
  rig.receive(RunnerRig::kLane, late);
  CHECK_FALSE(rig.control_open);
  CHECK(rig.frozen);
  CHECK(rig.pool.empty());
  CHECK(rig.runner.stats().stopped == 1);
  // The ventilator has given task 1 to another in the meantime and says so.
  const auto held = rig.reconnect({{Seq{1}, Lease{1001}, Verdict::drop},
                                   {Seq{2}, Lease{1002}, Verdict::drop}});
  rig.open_sinks();
  CHECK(held.size() == 2);
  rig.state();
  CHECK(rig.pool.empty());
  rig.finish(running);
  const Outcomes outcomes = rig.outcomes();
  CHECK(outcomes.entries[0].seq == Seq{1});
  rig.except({outcomes.entries[0].rsn, Code::duplicate, Status::done, 0});
  CHECK(rig.expect_after_states<Ack>().entries[0].seq == Seq{1});
  rig.skip_states();
}

TEST_CASE("standing still for F exactly is not yet too long") {
  RunnerRig rig;
  rig.connect();
  rig.now += 16s;
  rig.control_in(1, Ping{1});
  CHECK(rig.runner.ready());
  rig.state();
}

// Case 20: "partition heals: as 15" (new sid, inventory).
TEST_CASE("after a partition the same boot comes back with its inventory and goes on") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1)});
  const TaskStart running = rig.claim();
  while (rig.control_open) rig.pass_to_deadline();
  rig.skip_states();
  for (int i = 0; i < 5; ++i) {  // HELLOs that reach nobody
    rig.pass_to_deadline();
    rig.control.clear();
    while (rig.control_open) rig.pass_to_deadline();
  }
  const auto held = rig.reconnect();
  REQUIRE(held.size() == 1);
  CHECK(held[0].state == HeldState::running);
  CHECK(held[0].lease == Lease{1001});
  rig.state();
  rig.finish(running);
  CHECK(rig.outcomes().entries[0].lease == Lease{1001});
  rig.skip_states();
}

// Case 5, the worker's half: "ACK lost with the connection: kept until ACKED; state 3 in
// INVENTORY."
TEST_CASE("an ACK that was not ACKED is named in the inventory and sent again") {
  RunnerRig rig;
  rig.connect();
  rig.settle_at_sink(1);
  const Ack ack = rig.expect_after_states<Ack>();
  CHECK(rig.last.n == 1);
  REQUIRE(ack.entries.size() == 1);
  CHECK(ack.entries[0].seq == Seq{1});
  CHECK(ack.entries[0].lease == Lease{1001});
  CHECK(ack.entries[0].status == Status::done);
  rig.skip_states();
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  const auto held = rig.reconnect();
  REQUIRE(held.size() == 1);
  CHECK(held[0].state == HeldState::ack_open);
  CHECK(rig.expect<Ack>().entries[0].seq == Seq{1});
  CHECK(rig.last.n == 1);
  CHECK(rig.last.sid == rig.sid);
  rig.state();
  // Case 4: ACKED lost: the same again, and idempotent. Here it comes.
  rig.acked(1);
  CHECK(rig.runner.stats().settled == 1);
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  CHECK(rig.reconnect().empty());
  rig.state();
}

TEST_CASE("what a verdict calls settled is let go of") {
  RunnerRig rig;
  rig.connect();
  rig.settle_at_sink(1);
  rig.skip_states();
  rig.expect<Ack>();
  rig.send_tasks({task(2), task(3)});
  const TaskStart running = rig.claim();
  rig.skip_states();
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  rig.reconnect({{Seq{1}, Lease{1001}, Verdict::settled},
                 {Seq{2}, Lease{1002}, Verdict::settled},
                 {Seq{3}, Lease{1003}, Verdict::settled}});
  CHECK(rig.state().running == 1);
  CHECK(rig.pool.empty());
  CHECK(rig.cancel() == running.handle);
  rig.finish(running);  // it could not be stopped; nobody wants to know
  rig.skip_states();
  CHECK(rig.runner.running() == 0);
}

// Case 11: "worker holds tasks of the old epoch: INVENTORY and VERDICT."
// Case 10: "epoch+1; workers say HELLO with inventory; running tasks are kept, not re-run."
TEST_CASE("tasks of an old epoch go on under new leases") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1), task(2)});
  const TaskStart running = rig.claim();
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  rig.epoch = Epoch{2};
  const auto held = rig.reconnect({{Seq{1}, Lease{7}, Verdict::re_leased}});
  CHECK(held.size() == 2);
  rig.state();
  CHECK(rig.pool.size() == 1);
  rig.finish(running);
  const Outcomes outcomes = rig.outcomes();
  CHECK(outcomes.epoch == Epoch{2});
  CHECK(outcomes.entries[0].lease == Lease{7});
  rig.confirm(outcomes.entries[0].rsn, outcomes.entries[0].rsn);
  CHECK(rig.expect_after_states<Ack>().entries[0].lease == Lease{7});
  rig.skip_states();
}

// Rule 11: "a higher epoch of one's own log": the older one is not followed.
TEST_CASE("a ventilator of an older epoch is not followed") {
  RunnerRig rig;
  rig.epoch = Epoch{5};
  rig.connect();
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  rig.pass_to_deadline();
  rig.expect<Hello>();
  rig.epoch = Epoch{4};
  rig.sid = make_sid(rig.epoch, 1);
  rig.control_in(rig.last.n, rig.welcome_message(true));
  CHECK_FALSE(rig.control_open);
  CHECK_FALSE(rig.runner.trouble().empty());
}

// Rule 11: "Same epoch, other inc: SPLIT_BRAIN, the worker keeps the first."
TEST_CASE("of two ventilators with one epoch the first is kept") {
  RunnerRig rig;
  rig.connect();
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  rig.pass_to_deadline();
  rig.expect<Hello>();
  Welcome other = rig.welcome_message(true);
  other.inc = Incarnation{2};
  rig.control_in(rig.last.n, other);
  CHECK_FALSE(rig.control_open);
  while (!rig.control_open) rig.pass_to_deadline();
  rig.expect<Hello>();
  rig.welcome();
  rig.verdict();
}

TEST_CASE("a ventilator with another log gets nothing of what was held before") {
  RunnerRig rig;
  rig.connect();
  rig.settle_at_sink(1);
  rig.expect_after_states<Ack>();
  rig.send_tasks({task(2), task(3)});
  const TaskStart running = rig.claim();
  rig.skip_states();
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  rig.log = Log{1};
  CHECK(rig.reconnect().empty());
  rig.state();
  CHECK(rig.cancel() == running.handle);
  rig.finish(running);
  rig.skip_states();
  CHECK(rig.runner.running() == 0);
  CHECK(rig.runner.unstarted() == 0);
}

// Finishes `count` tasks whose outcomes the sink does not confirm.
void leave_unconfirmed(RunnerRig& rig, std::uint64_t count) {
  for (std::uint64_t seq = 1; seq <= count; ++seq) {
    rig.send_tasks({task(seq)});
    rig.finish(rig.claim());
    CHECK(rig.outcomes().entries.size() == 1);
    rig.skip_states();
  }
}

void follow(RunnerRig& rig, const Log& log, const std::string& sink) {
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  rig.log = log;
  rig.sink_names = {sink};
  CHECK(rig.reconnect().empty());
  rig.open_sinks();
}

// Rule 1, credit: else a worker whose ventilator and sink died would get nothing from the next.
TEST_CASE("outcomes for sinks of a ventilator before take no credit from the one of now") {
  RunnerRig rig;
  rig.connect();
  leave_unconfirmed(rig, 8);  // beyond its window of 4: there was no more credit
  CHECK(rig.runner.retained() == 8);
  follow(rig, Log{1}, "tcp://10.0.0.2:5571");
  CHECK(rig.state().tasks_limit == 4);
  CHECK(rig.runner.retained() == 8);  // their sink may come back
}

TEST_CASE("outcomes for sinks of ventilators before have a limit of their own") {
  RunnerOptions options = RunnerRig::options();
  options.max_retained = 8;
  RunnerRig rig(options);
  rig.connect();
  leave_unconfirmed(rig, 8);
  follow(rig, Log{1}, "tcp://10.0.0.2:5571");
  rig.state();
  CHECK(rig.runner.retained() == 8);
  leave_unconfirmed(rig, 4);
  follow(rig, Log{2}, "tcp://10.0.0.3:5571");
  rig.state();
  CHECK(rig.runner.retained() == 0);
  CHECK(rig.runner.stats().given_up == 12);
}

TEST_CASE("an inventory of many tasks goes in chunks and is ready after the last verdict") {
  RunnerOptions options = RunnerRig::options();
  options.prefetch = 10'000;
  RunnerRig rig(options);
  rig.connect();
  std::vector<Sent> many;
  for (std::uint64_t seq = 1; seq <= 20'000; ++seq) many.push_back(task(seq));
  rig.send_tasks(many);
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  rig.pass_to_deadline();
  rig.expect<Hello>();
  rig.sid = make_sid(rig.epoch, ++rig.sessions);
  rig.control_in(rig.last.n, rig.welcome_message(true));
  const auto first = rig.expect<Inventory>();
  CHECK(rig.last.n == 1);
  CHECK_FALSE(first.last);
  const auto second = rig.expect<Inventory>();
  CHECK(rig.last.n == 2);
  CHECK(second.last);
  CHECK(first.held.size() + second.held.size() == 20'000);
  rig.control_in(1, Verdicts{});
  CHECK_FALSE(rig.runner.ready());
  rig.control_in(2, Verdicts{});
  CHECK(rig.runner.ready());
  rig.state();
}

TEST_SUITE_END();

}  // namespace
}  // namespace sluice::core
