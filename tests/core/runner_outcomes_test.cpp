// runner_outcomes_test.cpp: how what came of a task reaches the sink and the ventilator.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "core/runner_rig.hpp"

namespace sluice::core {
namespace {

using namespace test;

// A connected worker that has claimed task 1.
struct Claimed : RunnerRig {
  explicit Claimed(bool last_attempt = false) {
    connect();
    Sent sent = task(1);
    sent.key = "k";
    sent.last_attempt = last_attempt;
    send_tasks({sent});
    start_of_1 = claim();
  }
  NackEntry nack() {
    const Nack message = expect_after_states<Nack>();
    REQUIRE(message.entries.size() == 1);
    skip_states();
    return message.entries[0];
  }
  TaskStart start_of_1;
};

TEST_SUITE_BEGIN("runner_outcomes");

// Rule 2: "worker keeps an outcome until CONFIRM, then (seq, lease, outcome) until ACKED."
TEST_CASE("a success goes to the sink, is ACKed once stored, and kept until ACKED") {
  Claimed rig;
  rig.finish(rig.start_of_1, RunEnd::ok, {}, "42", 1500us);
  const Outcomes outcomes = rig.outcomes();
  REQUIRE(outcomes.entries.size() == 1);
  const OutcomeEntry& entry = outcomes.entries[0];
  CHECK(outcomes.log == kLog);
  CHECK(outcomes.epoch == Epoch{1});
  CHECK(outcomes.types[entry.type_index] == "resize");
  CHECK(entry.seq == Seq{1});
  CHECK(entry.lease == Lease{1001});
  CHECK(entry.attempt == 1);
  CHECK(entry.key == "k");
  CHECK(entry.status == Status::done);
  CHECK(entry.flags == 0);
  CHECK(entry.run_us == 1500);
  CHECK(as_text(entry.payload) == "42");
  rig.skip_states();
  CHECK(rig.control.empty());  // nothing is said before the sink has it
  CHECK(rig.runner.retained() == 1);
  rig.confirm(entry.rsn, entry.rsn);
  const Ack ack = rig.expect_after_states<Ack>();
  CHECK(ack.entries[0].status == Status::done);
  CHECK(rig.runner.stats().settled == 0);
  rig.acked(1);
  CHECK(rig.runner.stats().settled == 1);
  rig.skip_states();
}

// Rule 14: "NACK is for 'again, please' only."
TEST_CASE("a failure with attempts left is a NACK with what went wrong") {
  Claimed rig;
  rig.finish(rig.start_of_1, RunEnd::failed, "disk full");
  const NackEntry nack = rig.nack();
  CHECK(nack.seq == Seq{1});
  CHECK(nack.lease == Lease{1001});
  CHECK(nack.reason == NackReason::failed);
  CHECK(nack.started);
  CHECK(nack.retry_ms == 0);
  CHECK(nack.text == "disk full");
}

TEST_CASE("each way to end badly has its reason") {
  const std::pair<RunEnd, NackReason> reasons[] = {
      {RunEnd::timeout, NackReason::timeout},
      {RunEnd::crashed, NackReason::crashed},
      {RunEnd::undecodable, NackReason::undecodable},
      {RunEnd::no_such_type, NackReason::no_such_type},
      {RunEnd::cancelled, NackReason::shutdown},
  };
  for (const auto& [end, reason] : reasons) {
    Claimed rig;
    rig.finish(rig.start_of_1, end);
    CHECK(rig.nack().reason == reason);
  }
}

TEST_CASE("a failure may say when the next attempt is wanted") {
  Claimed rig;
  TaskFinished finished;
  finished.handle = rig.start_of_1.handle;
  finished.end = RunEnd::failed;
  finished.retry_ms = 700;
  rig.runner.finished({&finished, 1}, rig.now);
  rig.take();
  const NackEntry nack = rig.nack();
  CHECK(nack.reason == NackReason::failed);
  CHECK(nack.retry_ms == 700);
}

// Rule 14: "A failing last attempt is an outcome (status failed, sent to the sink, then ACKed)."
TEST_CASE("a failing last attempt is a failed outcome, with its result") {
  for (const RunEnd end : {RunEnd::failed, RunEnd::timeout, RunEnd::crashed}) {
    Claimed rig(true);
    rig.finish(rig.start_of_1, end, "exit code 3", "output");
    const Outcomes outcomes = rig.outcomes();
    CHECK(outcomes.entries[0].status == Status::failed);
    CHECK(outcomes.entries[0].error == "exit code 3");
    CHECK(as_text(outcomes.entries[0].payload) == "output");
    rig.confirm(Rsn{1}, Rsn{1});
    CHECK(rig.expect_after_states<Ack>().entries[0].status == Status::failed);
    rig.skip_states();
  }
}

// Rule 14: "and so is a failure that the handler calls final".
TEST_CASE("a failure that no attempt can mend is a failed outcome at once") {
  Claimed rig;
  rig.finish(rig.start_of_1, RunEnd::fatal, "no such customer");
  const Outcomes outcomes = rig.outcomes();
  CHECK(outcomes.entries[0].status == Status::failed);
  CHECK(outcomes.entries[0].error == "no such customer");
  rig.confirm(Rsn{1}, Rsn{1});
  CHECK(rig.expect_after_states<Ack>().entries[0].status == Status::failed);
  rig.skip_states();
}

TEST_CASE("what is no failure of the task is never final") {
  for (const RunEnd end : {RunEnd::undecodable, RunEnd::no_such_type, RunEnd::cancelled}) {
    Claimed rig(true);
    rig.finish(rig.start_of_1, end);
    rig.nack();
  }
}

// Case 24: "outcome too large, or rejected by the sink: NACK 9/10, never a blind retry."
TEST_CASE("a result that no frame holds is NACK 10") {
  Claimed rig;
  const std::string large(static_cast<std::size_t>(rig.runner.max_result()) + 1, 'x');
  rig.finish(rig.start_of_1, RunEnd::ok, {}, large);
  const NackEntry nack = rig.nack();
  CHECK(nack.reason == NackReason::outcome_too_large);
  CHECK(nack.started);
  CHECK(nack.text.find("4128769") != std::string_view::npos);
}

TEST_CASE("the largest result there may be is delivered") {
  Claimed rig;
  const std::string large(static_cast<std::size_t>(rig.runner.max_result()), 'x');
  rig.finish(rig.start_of_1, RunEnd::ok, {}, large);
  CHECK(rig.outcomes().entries[0].payload.size() == large.size());
  rig.skip_states();
}

TEST_CASE("an outcome the sink rejects is NACK 9") {
  Claimed rig;
  rig.finish(rig.start_of_1);
  rig.outcomes();
  rig.except({Rsn{1}, Code::rejected, Status{}, 0});
  const NackEntry nack = rig.nack();
  CHECK(nack.reason == NackReason::outcome_rejected);
  CHECK(nack.started);
}

TEST_CASE("an outcome too large for the sink is NACK 10") {
  Claimed rig;
  rig.finish(rig.start_of_1);
  rig.outcomes();
  rig.except({Rsn{1}, Code::too_large, Status{}, 0});
  CHECK(rig.nack().reason == NackReason::outcome_too_large);
}

// Case 29: "outcome confirmed as DUPLICATE of another status: the stored status is what the
// ventilator records."
TEST_CASE("the ACK of a duplicate carries what the sink holds") {
  Claimed rig;
  rig.finish(rig.start_of_1);
  rig.outcomes();
  rig.except({Rsn{1}, Code::duplicate, Status::expired, 0});
  CHECK(rig.expect_after_states<Ack>().entries[0].status == Status::expired);
  CHECK(rig.runner.stats().duplicates == 1);
  rig.skip_states();
}

// Case 18: the lease is another's now. An outcome still counts; a failure would be charged to
// nobody.
TEST_CASE("a failure under a lease that was taken away is not reported") {
  Claimed rig;
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  rig.reconnect({{Seq{1}, Lease{1001}, Verdict::drop}});
  rig.finish(rig.start_of_1, RunEnd::failed);
  rig.skip_states();
  CHECK(rig.control.empty());
  CHECK(rig.runner.running() == 0);
}

// Rule 7 of the design: "a slow sink delays confirms, retained outcomes eat worker credit".
TEST_CASE("a sink that confirms nothing uses up the worker's credit") {
  RunnerOptions options = RunnerRig::options();
  options.slots = 1;
  options.prefetch = 2;
  RunnerRig rig(options);
  rig.connect();
  std::uint64_t seq = 0;
  std::uint64_t limit = 2;
  while (seq < limit && seq < 100) {
    rig.send_tasks({task(++seq)});
    rig.finish(rig.claim());
    while (!rig.control.empty()) limit = rig.state().tasks_limit;
  }
  CHECK(limit == 4);  // as many on their way as may be held, and no more
  rig.pass(100ms);
  CHECK(rig.control.empty());
  while (!rig.sinks.empty()) rig.outcomes();
  rig.confirm(Rsn{1}, Rsn{4});
  CHECK(rig.expect<Ack>().entries.size() == 4);
  CHECK(rig.state().tasks_limit == 6);
}

// Case 8: "sink restarts: workers re-OPEN and resend all unconfirmed; nothing is executed again."
TEST_CASE("a sink that restarts gets the outcomes again, and no task is run again") {
  Claimed rig;
  rig.finish(rig.start_of_1);
  rig.outcomes();
  rig.runner.disconnected(RunnerRig::kSinkLink, rig.now);
  rig.take();
  CHECK(rig.sink_sockets.empty());
  while (rig.sink_sockets.empty()) rig.pass_to_deadline();
  rig.open_sinks();
  CHECK(rig.outcomes().entries[0].rsn == Rsn{1});
  CHECK(rig.pool.empty());
  rig.skip_states();
}

// Case 27: "number of sinks changes: journaled per task", and the list only grows.
TEST_CASE("each sink gets the outcomes of its tasks") {
  RunnerRig rig;
  rig.sink_names.push_back("tcp://10.0.0.2:5571");
  rig.connect();
  CHECK(rig.sink_sockets.size() == 2);
  Sent second = task(2);
  second.sink = 1;
  rig.send_tasks({task(1), second});
  const TaskStart a = rig.claim();
  const TaskStart b = rig.claim();
  rig.finish(a);
  rig.finish(b);
  REQUIRE(rig.sinks.size() == 2);
  CHECK(rig.sinks[0].link == 0);
  CHECK(rig.sinks[1].link == 1);
  rig.outcomes();
  rig.outcomes();
  rig.skip_states();
}

TEST_CASE("a sink that is no longer named is kept until it has confirmed, then closed") {
  Claimed rig;
  rig.finish(rig.start_of_1);
  rig.outcomes();
  rig.skip_states();
  rig.sink_names = {"tcp://10.0.0.3:5571"};
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  rig.reconnect();
  rig.open_sinks();
  rig.state();
  CHECK(rig.sink_sockets.size() == 2);
  rig.confirm(Rsn{1}, Rsn{1});
  CHECK(rig.expect<Ack>().entries.size() == 1);
  rig.skip_states();
  rig.runner.disconnected(RunnerRig::kControl, rig.now);
  rig.take();
  rig.reconnect();
  rig.open_sinks();
  rig.expect<Ack>();
  rig.state();
  REQUIRE(rig.sink_sockets.size() == 1);
  CHECK(rig.sink_sockets.begin()->second == "tcp://10.0.0.3:5571");
}

TEST_SUITE_END();

}  // namespace
}  // namespace sluice::core
