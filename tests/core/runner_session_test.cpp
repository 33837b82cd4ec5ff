// runner_session_test.cpp: a worker's sessions begin, are kept up, and end.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/runner_rig.hpp"

namespace sluice::core {
namespace {

using namespace test;

TEST_SUITE_BEGIN("runner_session");

// "CLOSED: start: new DEALER, HELLO(prev) -> HELLO."
TEST_CASE("HELLO says who the worker is and what it can run") {
  RunnerRig rig;
  const Hello hello = rig.start();
  CHECK(rig.control_open);
  CHECK(rig.last.sid == Sid{});
  CHECK(rig.last.n == 1);
  CHECK(hello.boot == kBoot);
  CHECK(hello.name == "ann");
  CHECK(hello.types == std::vector<std::string>{"resize", "mail"});
  CHECK(hello.slots == 2);
  CHECK(hello.lanes == LaneWish::push);
  CHECK_FALSE(hello.previous.has_value());
}

// "HELLO: WELCOME: open lane and sinks, INVENTORY -> RECONCILE; VERDICT of the last chunk: STATE
// with credit -> READY."
TEST_CASE("a session is ready after the verdict, and only then gives credit") {
  RunnerRig rig;
  rig.start();
  CHECK(rig.welcome().empty());
  CHECK(rig.last.n == 1);
  CHECK(rig.lane_open);
  CHECK(rig.sink_sockets.at(0) == kSink);
  rig.open_sinks();
  CHECK_FALSE(rig.runner.ready());
  CHECK(rig.frozen);
  const State state = rig.verdict();
  CHECK(rig.runner.ready());
  CHECK_FALSE(rig.frozen);
  CHECK(state.tasks_limit == 4);  // two slots, two tasks each
  CHECK(state.bytes_limit == RunnerOptions{}.max_queued_bytes);
}

// Case 14: "HELLO twice on one connection: same WELCOME."
TEST_CASE("a WELCOME that comes twice changes nothing") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({task(1)});
  rig.control_in(1, rig.welcome_message(true));
  CHECK(rig.runner.ready());
  CHECK(rig.lane_opened == 1);
  CHECK(rig.pool.size() == 1);
}

TEST_CASE("a WELCOME for an earlier HELLO is ignored") {
  RunnerRig rig;
  rig.start();
  rig.sid = make_sid(Epoch{1}, 1);
  rig.control_in(0, rig.welcome_message(true));
  CHECK_FALSE(rig.lane_open);
}

// "HELLO: nothing for D: close, backoff -> CLOSED."
TEST_CASE("a HELLO without an answer for D is said again on a new socket") {
  RunnerRig rig;
  rig.start();
  rig.pass(8s - 1ns);
  CHECK(rig.control_open);
  rig.pass(1ns);
  CHECK_FALSE(rig.control_open);
  rig.pass_to_deadline();
  CHECK(rig.control_open);
  rig.expect<Hello>();
  CHECK(rig.last.n == 2);
}

// Section 6: H, "sent only if nothing else was".
TEST_CASE("a heartbeat is a STATE, sent when nothing else was for H") {
  RunnerRig rig;
  rig.connect();
  rig.pass(2s - 1ns);
  CHECK(rig.control.empty());
  rig.pass(1ns);
  rig.state();
  CHECK(rig.last.n == 2);
  rig.pass(1s);
  rig.control_in(3, Ping{2});
  rig.state();
  rig.pass(2s - 1ns);
  CHECK(rig.control.empty());
  rig.pass(1ns);
  rig.state();
}

TEST_CASE("a PING is answered by a STATE that echoes its number") {
  RunnerRig rig;
  rig.connect();
  rig.control_in(77, Ping{1});
  CHECK(rig.state().ping_echo == 77);
}

// Rule 9: "silence > D: the worker closes its sockets and starts again with HELLO on new ones."
// Case 17: half-open TCP: "silence D both ways".
TEST_CASE("a ventilator that is silent for D is left, and looked for on new sockets") {
  RunnerRig rig;
  rig.connect();
  rig.pass(4s);
  rig.skip_states();
  rig.control_in(1, Ping{1});
  rig.skip_states();
  rig.pass(8s - 1ns);
  rig.skip_states();
  CHECK(rig.control_open);
  rig.pass(1ns);
  CHECK_FALSE(rig.control_open);
  CHECK_FALSE(rig.lane_open);
  CHECK(rig.frozen);
  rig.pass_to_deadline();
  CHECK(rig.control_open);
  const Hello hello = rig.expect<Hello>();
  REQUIRE(hello.previous.has_value());
  CHECK(hello.previous->log == kLog);
  CHECK(hello.previous->epoch == Epoch{1});
  CHECK(hello.previous->sid == rig.sid);
}

// Rule 10: "A worker MUST NOT start a queued task if the ventilator's last message is older than F
// (checked just before the start)." Case 19: between that check and the start nothing can help; a
// task may then run twice, and only the sink decides.
TEST_CASE("starts are allowed for F after the ventilator's last message") {
  RunnerRig rig;
  rig.connect();
  CHECK(rig.start_until == rig.now + 16s);
  rig.pass(1s);
  CHECK(rig.start_until == rig.now + 15s);
  rig.control_in(1, Ping{1});
  rig.state();
  CHECK(rig.start_until == rig.now + 16s);
}

// "READY: ERROR 6/7/8: freeze the queue, close sockets -> CLOSED."
TEST_CASE("UNKNOWN_SESSION, SESSION_REPLACED and STALE_EPOCH begin a new session") {
  for (const Code code : {Code::unknown_session, Code::session_replaced, Code::stale_epoch}) {
    RunnerRig rig;
    rig.connect();
    ErrorMessage error;
    error.code = code;
    rig.receive(RunnerRig::kControl, {Sid{}, 0, error});
    CHECK_FALSE(rig.control_open);
    CHECK(rig.frozen);
    rig.reconnect();
    rig.state();
  }
}

TEST_CASE("an error about one message does not end the session") {
  RunnerRig rig;
  rig.connect();
  ErrorMessage error;
  error.code = Code::bad_type;
  rig.receive(RunnerRig::kControl, {Sid{}, 3, error});
  CHECK(rig.runner.ready());
  CHECK(rig.runner.stats().errors == 1);
}

// "HELLO: ERROR: close, backoff (13: the other endpoint; 5: 60 s)."
TEST_CASE("NOT_PRIMARY leads to the endpoint it names") {
  RunnerRig rig;
  rig.start();
  ErrorMessage error;
  error.code = Code::not_primary;
  error.endpoint = "tcp://10.0.0.2:5570";
  rig.receive(RunnerRig::kControl, {Sid{}, 1, error});
  CHECK_FALSE(rig.control_open);
  rig.pass_to_deadline();
  rig.expect<Hello>();
  CHECK(rig.endpoint == "tcp://10.0.0.2:5570");
}

TEST_CASE("NOT_AUTHORIZED is not asked again for a minute") {
  RunnerRig rig;
  rig.start();
  ErrorMessage error;
  error.code = Code::not_authorized;
  error.text = "unknown key";
  rig.receive(RunnerRig::kControl, {Sid{}, 1, error});
  CHECK(rig.runner.trouble() == "the ventilator says: unknown key");
  rig.pass(60s - 1ns);
  CHECK_FALSE(rig.control_open);
  rig.pass(1ns);
  rig.expect<Hello>();
}

// Rule 8: "BYE(lane), and the worker says HELLO again with lanes=1."
TEST_CASE("a worker whose lane cannot be reached gets its tasks inline") {
  RunnerRig rig;
  rig.connect();
  rig.control_in(0, Bye{Code::lane});
  CHECK_FALSE(rig.lane_open);
  rig.pass_to_deadline();
  CHECK(rig.expect<Hello>().lanes == LaneWish::inline_only);
  rig.welcome(false);
  CHECK_FALSE(rig.lane_open);
  rig.verdict();
  rig.send_tasks({task(1)});
  CHECK(rig.pool.size() == 1);
}

// Rule 8: "Lane probe: an empty TASKS n=1 before any task; if STATE.lane_rx >= 1 does not come".
TEST_CASE("a lane probe is answered at once, with lane_rx") {
  RunnerRig rig;
  rig.connect();
  rig.send_tasks({});
  CHECK(rig.state().lane_rx == 1);
  rig.send_tasks({task(1)});
  CHECK(rig.pool.size() == 1);
}

TEST_CASE("a lane probe that overtakes the verdict is not forgotten") {
  RunnerRig rig;
  rig.start();
  rig.welcome();
  rig.open_sinks();
  rig.send_tasks({});
  CHECK(rig.control.empty());
  CHECK(rig.verdict().lane_rx == 1);
}

TEST_CASE("a frame that cannot be read is answered, at most once a second") {
  RunnerRig rig;
  rig.connect();
  rig.runner.refused(RunnerRig::kControl, Code::bad_frame, 9, rig.now);
  rig.runner.refused(RunnerRig::kControl, Code::bad_frame, 10, rig.now);
  rig.take();
  CHECK(rig.expect<ErrorMessage>().code == Code::bad_frame);
  CHECK(rig.last.n == 9);
  rig.pass(1s);
  rig.runner.refused(RunnerRig::kControl, Code::bad_frame, 11, rig.now);
  rig.take();
  rig.expect<ErrorMessage>();
}

TEST_CASE("a message of another session has no effect") {
  RunnerRig rig;
  rig.connect();
  rig.receive(RunnerRig::kControl, {next(rig.sid), 1, Bye{Code::draining}});
  CHECK(rig.runner.ready());
  CHECK(rig.runner.stats().foreign == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace sluice::core
