// runner_tasks_test.cpp: tasks on their way into a worker, and back out of it unstarted.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "core/runner_rig.hpp"

namespace sluice::core {
namespace {

using namespace test;

// One slot, and room for three tasks in all.
RunnerOptions one_slot() {
  RunnerOptions options = RunnerRig::options();
  options.slots = 1;
  options.prefetch = 3;
  return options;
}

TEST_SUITE_BEGIN("runner_tasks");

TEST_CASE("a task reaches the executors with all it says") {
  RunnerRig rig;
  rig.connect();
  Sent sent = task(7);
  sent.key = "invoice-7";
  sent.payload = "arguments";
  sent.type = 1;
  sent.last_attempt = true;
  rig.send_tasks({sent});
  const TaskStart start = rig.claim();
  CHECK(start.log == kLog);
  CHECK(start.seq == Seq{7});
  CHECK(start.type == 1);
  CHECK(start.key == "invoice-7");
  CHECK(as_text(start.payload) == "arguments");
  CHECK(start.last_attempt);
  CHECK(start.attempt == 1);
  CHECK(start.expires == Time::max());
}

// Rule 7: "TASKS with a sid or epoch other than WELCOME's: drop, count, rebuild the PULL (a stale
// worker on a re-used port must not eat tasks)." Case 25.
TEST_CASE("tasks of another session are dropped, and the lane is built anew") {
  RunnerRig rig;
  rig.connect();
  Envelope foreign = rig.tasks_message({task(1)});
  foreign.sid = next(rig.sid);
  rig.pass(1s);
  rig.receive(RunnerRig::kLane, foreign);
  CHECK(rig.pool.empty());
  CHECK(rig.runner.stats().foreign == 1);
  CHECK(rig.lane_opened == 2);
  CHECK(rig.runner.ready());
  // Not for each of a flood of them.
  rig.receive(RunnerRig::kLane, foreign);
  CHECK(rig.runner.stats().foreign == 2);
  CHECK(rig.lane_opened == 2);
}

TEST_CASE("tasks of another epoch are dropped, and the lane is built anew") {
  RunnerRig rig;
  rig.connect();
  Envelope foreign = rig.tasks_message({task(1)});
  std::get<Tasks>(foreign.message).epoch = Epoch{2};
  rig.receive(RunnerRig::kLane, foreign);
  CHECK(rig.pool.empty());
  CHECK(rig.lane_opened == 2);
}

// Rule 8: "One way per session, lane or inline."
TEST_CASE("tasks that come over the wrong way are dropped") {
  RunnerRig rig;
  rig.connect();
  rig.receive(RunnerRig::kControl, rig.tasks_message({task(1)}));
  CHECK(rig.pool.empty());
  CHECK(rig.runner.stats().ignored == 1);
}

// Rule 7: "n <= seen: drop."
TEST_CASE("a lane message that comes twice counts once") {
  RunnerRig rig;
  rig.connect();
  const Envelope message = rig.tasks_message({task(1)});
  rig.receive(RunnerRig::kLane, message);
  rig.receive(RunnerRig::kLane, message);
  CHECK(rig.pool.size() == 1);
  CHECK(rig.runner.stats().stale == 1);
}

// Rule 7: "n > seen+1: accept and GAP." Rule 1: "TASKS names the totals before it, so that what a
// cut lane lost is counted as received."
TEST_CASE("what a lane has lost is reported, and its credit is not lost with it") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1)});
  (void)rig.tasks_message({task(2)});
  (void)rig.tasks_message({});
  rig.send_tasks({task(3)});
  const Gap gap = rig.expect<Gap>();
  CHECK(gap.first == 2);
  CHECK(gap.last == 3);
  CHECK(rig.pool.size() == 2);
  // Three of four are spent; two are held, so five in all may be sent.
  CHECK(rig.state().tasks_limit == 5);
}

// Case 7: "TASKS arrive late, after they were declared lost: void_n: dropped."
TEST_CASE("what was declared lost is dropped when it comes after all") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1)});
  const Envelope late = rig.tasks_message({task(2)});
  Tasks notice;
  notice.epoch = rig.epoch;
  notice.tasks_before = rig.tasks_sent;
  notice.bytes_before = rig.bytes_sent;
  notice.void_n = rig.lane_n;
  rig.receive(RunnerRig::kControl, {rig.sid, 0, notice});
  CHECK(rig.state().lane_rx == 2);
  rig.receive(RunnerRig::kLane, late);
  CHECK(rig.pool.size() == 1);
  CHECK(rig.runner.stats().stale == 1);
  // What follows is no gap.
  rig.send_tasks({task(3)});
  CHECK(rig.pool.size() == 2);
  rig.skip_states();
}

// Rule 1: "the ventilator MUST NOT have sent more than tasks_limit tasks".
TEST_CASE("a ventilator that sends more than was asked for is left") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1), task(2), task(3), task(4), task(5)});
  CHECK_FALSE(rig.control_open);
  CHECK(rig.pool.empty());
  CHECK(rig.reconnect().empty());
  rig.state();
}

TEST_CASE("a type the worker does not have is NACK 1, unstarted") {
  RunnerRig rig;
  rig.connect();
  Sent sent = task(1);
  sent.type = 2;
  rig.send_tasks({sent});
  const Nack nack = rig.expect<Nack>();
  REQUIRE(nack.entries.size() == 1);
  CHECK(nack.entries[0].seq == Seq{1});
  CHECK(nack.entries[0].reason == NackReason::no_such_type);
  CHECK_FALSE(nack.entries[0].started);
  rig.skip_states();
  // Rule 5: "NACK and RETURN are retained until ACKED like ACK."
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  const auto held = rig.reconnect();
  REQUIRE(held.size() == 1);
  CHECK(held[0].state == HeldState::nack_open);
  CHECK(rig.expect<Nack>().entries[0].seq == Seq{1});
  rig.state();
  rig.acked(1);
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  CHECK(rig.reconnect().empty());
  rig.state();
}

TEST_CASE("a sink that WELCOME did not name is NACK 2") {
  RunnerRig rig;
  rig.connect();
  Sent sent = task(1);
  sent.sink = 1;
  rig.send_tasks({sent});
  CHECK(rig.expect<Nack>().entries[0].reason == NackReason::undecodable);
  rig.skip_states();
}

// NACK reason 7: a queued task whose ttl passed before it could start.
TEST_CASE("a task whose time to live is over when an executor comes to it is NACK 7") {
  RunnerRig rig;
  rig.connect();
  Sent sent = task(1);
  sent.ttl_ms = 100;
  rig.send_tasks({sent});
  const TaskStart start = rig.claim();
  CHECK(start.expires == rig.now + 100ms);
  rig.finish(start, RunEnd::expired);
  const Nack nack = rig.expect_after_states<Nack>();
  CHECK(nack.entries[0].reason == NackReason::expired);
  CHECK_FALSE(nack.entries[0].started);
  rig.skip_states();
}

TEST_CASE("a task whose time to live is over while the queue is frozen never reaches the pool") {
  RunnerRig rig;
  rig.connect();
  Sent sent = task(1);
  sent.ttl_ms = 10;
  rig.send_tasks({sent});
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  rig.reconnect();  // at least 50 ms later
  CHECK(rig.expect<Nack>().entries[0].reason == NackReason::expired);
  rig.state();
  CHECK(rig.pool.empty());
}

// Case 12: "late ACK after redelivery: settles; CANCEL the other lease."
TEST_CASE("a queued task that is cancelled is NACK 11, and its neighbours start in order") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1), task(2), task(3)});
  rig.control_in(0, Cancel{{{Seq{2}, Lease{1002}}}});
  const Nack nack = rig.expect<Nack>();
  REQUIRE(nack.entries.size() == 1);
  CHECK(nack.entries[0].seq == Seq{2});
  CHECK(nack.entries[0].reason == NackReason::cancelled);
  CHECK_FALSE(nack.entries[0].started);
  rig.skip_states();
  REQUIRE(rig.pool.size() == 2);
  CHECK(rig.pool[0].seq == Seq{1});
  CHECK(rig.pool[1].seq == Seq{3});
}

TEST_CASE("a running task that is cancelled is stopped, and is NACK 11") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1)});
  const TaskStart start = rig.claim();
  rig.control_in(0, Cancel{{{Seq{1}, Lease{1001}}}});
  CHECK(rig.cancel() == start.handle);
  CHECK(rig.control.empty());
  rig.finish(start, RunEnd::cancelled);
  const Nack nack = rig.expect<Nack>();
  CHECK(nack.entries[0].reason == NackReason::cancelled);
  CHECK(nack.entries[0].started);
  rig.skip_states();
}

// "CANCEL: answered by an outcome that won, or NACK 11."
TEST_CASE("a cancelled task that ends by itself first has an outcome") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1)});
  const TaskStart start = rig.claim();
  rig.control_in(0, Cancel{{{Seq{1}, Lease{1001}}}});
  rig.cancel();
  rig.finish(start);
  const Outcomes outcomes = rig.outcomes();
  CHECK(outcomes.entries[0].status == Status::done);
  rig.confirm(outcomes.entries[0].rsn, outcomes.entries[0].rsn);
  CHECK(rig.expect_after_states<Ack>().entries[0].seq == Seq{1});
  rig.skip_states();
}

TEST_CASE("a task claimed before its cancel is known here is stopped all the same") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1), task(2)});
  const TaskStart start = rig.pool.front();
  rig.runner.receive(RunnerRig::kControl, {rig.sid, 0, Cancel{{{Seq{1}, Lease{1001}}}}}, rig.now);
  rig.claim();  // between that and the effects
  rig.take();
  CHECK(rig.cancel() == start.handle);
  CHECK(rig.pool.size() == 1);
  rig.skip_states();
}

TEST_CASE("a cancel under another lease is not meant") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1)});
  rig.control_in(0, Cancel{{{Seq{1}, Lease{7}}, {Seq{2}, Lease{1002}}}});
  CHECK(rig.pool.size() == 1);
}

// "A task that waited unstarted in a worker for longer than ~50 ms while its slots are busy is
// handed back (RETURN: no attempt charged, its credit withheld until a slot frees)."
TEST_CASE("what waits behind busy slots for too long is handed back") {
  RunnerRig rig(one_slot());
  rig.connect();
  rig.send_tasks({task(1), task(2)});
  const TaskStart slow = rig.claim();
  rig.pass(10ms);
  rig.send_tasks({task(3)});
  rig.pass(40ms - 1ns);
  CHECK(rig.pool.size() == 2);
  rig.pass(1ns);
  const Return first = rig.expect_after_states<Return>();
  REQUIRE(first.entries.size() == 1);
  CHECK(first.entries[0].seq == Seq{2});
  rig.pass_to_deadline();
  CHECK(rig.expect_after_states<Return>().entries[0].seq == Seq{3});
  CHECK(rig.pool.empty());
  // No credit for them while the slot is busy, then for all.
  rig.acked(2);
  rig.pass(1s);
  CHECK(rig.control.empty());
  rig.finish(slow);
  CHECK(rig.state().tasks_limit == 6);
  rig.outcomes();
}

TEST_CASE("what has just been claimed is not handed back") {
  RunnerRig rig(one_slot());
  rig.connect();
  rig.send_tasks({task(1), task(2), task(3)});
  const TaskStart first = rig.claim();
  rig.now += 50ms;
  rig.runner.pool_progress(rig.claimed, rig.now);
  rig.runner.advance(rig.now);
  const TaskStart second = rig.claim();  // the first has ended; nobody knows yet
  rig.take();
  const Return message = rig.expect_after_states<Return>();
  REQUIRE(message.entries.size() == 1);
  CHECK(message.entries[0].seq == Seq{3});
  rig.finish(first);
  rig.finish(second);
  CHECK(rig.outcomes().entries[0].seq == Seq{1});
  CHECK(rig.outcomes().entries[0].seq == Seq{2});
  rig.skip_states();
}

TEST_CASE("a task waits as long as it must while a slot is free") {
  RunnerRig rig;  // two slots
  rig.connect();
  rig.send_tasks({task(1), task(2)});
  rig.claim();
  rig.pass(60ms);
  CHECK(rig.pool.size() == 1);
}

TEST_CASE("executors may report in another order than they claimed in") {
  RunnerRig rig(one_slot());
  rig.connect();
  rig.send_tasks({task(1), task(2), task(3)});
  const TaskStart a = rig.claim();
  const TaskStart b = rig.claim();
  // Only one claim has been counted when the second one's end is told.
  TaskFinished finished;
  finished.handle = b.handle;
  rig.runner.pool_progress(1, rig.now);
  rig.runner.finished({&finished, 1}, rig.now);
  rig.runner.pool_progress(2, rig.now);
  CHECK(rig.runner.running() == 1);
  CHECK(rig.runner.unstarted() == 1);
  rig.finish(a);
  CHECK(rig.runner.running() == 0);
  CHECK(rig.runner.unstarted() == 1);
  CHECK(rig.outcomes().entries.size() == 2);
  rig.skip_states();
}

TEST_CASE("an end that is told twice counts once") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1)});
  const TaskStart start = rig.claim();
  rig.finish(start);
  rig.finish(start);
  CHECK(rig.outcomes().entries.size() == 1);
  CHECK(rig.runner.stats().ignored == 1);
  rig.skip_states();
}

// Each is answered at once, so no credit is used up; only what is not acknowledged piles up.
TEST_CASE("a ventilator that acknowledges nothing gets no more credit in the end") {
  RunnerOptions options = RunnerRig::options();
  options.max_retained = 10;
  RunnerRig rig(options);
  rig.connect();
  std::uint64_t limit = 4;
  for (std::uint64_t seq = 1; seq <= 50 && rig.tasks_sent < limit; ++seq) {
    Sent unknown = task(seq);
    unknown.type = 2;
    rig.send_tasks({unknown});
    while (!rig.control.empty()) {
      if (const auto* state = std::get_if<State>(&rig.control.front().message))
        limit = state->tasks_limit;
      rig.control.pop_front();
    }
  }
  CHECK(rig.tasks_sent >= 10);
  CHECK(rig.tasks_sent < 20);
  CHECK(rig.runner.held() == rig.tasks_sent);
  rig.acked(100);  // all of them
  CHECK(rig.runner.held() == 0);
  CHECK(rig.expect<State>().tasks_limit > limit);
}

TEST_SUITE_END();

}  // namespace
}  // namespace sluice::core
