// outcome_producer_test.cpp: a producer's session with its sink comes, goes, and is renewed.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/outcome_producer_rig.hpp"

namespace sluice::core {
namespace {

using namespace test;

TEST_SUITE_BEGIN("outcome_producer");

TEST_CASE("OPEN names who opens, on a new socket") {
  OutcomeProducerOptions options;
  options.name = "ann";
  ProducerRig rig(options);
  CHECK_FALSE(rig.producer.next_deadline().has_value());
  rig.producer.start(rig.now);
  rig.take();
  const auto open = rig.expect<SinkOpen>();
  CHECK(rig.is_open);
  CHECK(rig.last.sid == Sid{});
  CHECK(rig.last.n == 1);
  CHECK(open.boot == kProducerBoot);
  CHECK(open.name == "ann");
}

TEST_CASE("a sink that restarts gets everything unconfirmed again, under new credit") {
  ProducerRig rig;
  rig.open(ProducerRig::opened_message(3));
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    rig.add(seq);
    rig.expect<Outcomes>();
  }
  rig.confirm(2, 2);
  CHECK(rig.answer().cookie == 2);
  rig.producer.disconnected(rig.now);
  rig.take();
  CHECK_FALSE(rig.is_open);
  const Time lost_at = rig.now;
  rig.pass_to_deadline();
  CHECK(rig.now - lost_at >= 50ms);
  CHECK(rig.now - lost_at <= 200ms);
  rig.welcome(ProducerRig::opened_message(2));
  const auto again = rig.expect<Outcomes>();
  REQUIRE(again.entries.size() == 2);
  CHECK(again.entries[0].rsn == Rsn{1});
  CHECK(again.entries[1].rsn == Rsn{3});
  CHECK(rig.producer.stats().resent == 2);
}

TEST_CASE("a confirm of an earlier session counts for nothing") {
  ProducerRig rig;
  rig.open();
  rig.add(1);
  rig.expect<Outcomes>();
  const Sid before = rig.sid;
  rig.producer.disconnected(rig.now);
  rig.take();
  rig.pass_to_deadline();
  rig.welcome();
  rig.expect<Outcomes>();
  SinkConfirm stale;
  stale.stored.push_back({Rsn{1}, Rsn{1}});
  rig.receive(before, 1, stale);
  CHECK(rig.producer.retained() == 1);
  CHECK(rig.producer.stats().ignored == 1);
}

TEST_CASE("a heartbeat is sent when nothing else was, and its answer keeps the session") {
  ProducerRig rig;
  rig.open();
  rig.pass(1500ms);
  rig.add(1);
  rig.expect<Outcomes>();
  rig.confirm(1, 1);
  rig.answer();
  rig.pass(1999ms);
  CHECK(rig.sent.empty());
  rig.pass(1ms);
  rig.expect<SinkBeat>();
  rig.receive(rig.sid, 1, SinkBeaten{});
  rig.pass(7999ms);
  rig.expect<SinkBeat>();
  CHECK(rig.producer.is_open());
}

TEST_CASE("a sink that is silent for D is left and opened anew") {
  ProducerRig rig;
  rig.open();
  rig.pass(7999ms);
  rig.expect<SinkBeat>();
  CHECK(rig.is_open);
  rig.pass(1ms);
  CHECK_FALSE(rig.is_open);
  CHECK(rig.closed == 1);
  rig.pass_to_deadline();
  CHECK(rig.is_open);
  rig.expect<SinkOpen>();
  CHECK(rig.last.n == 2);
}

TEST_CASE("an OPEN without an answer is tried again on a new socket, less and less often") {
  ProducerRig rig;
  rig.producer.start(rig.now);
  rig.take();
  Duration longest{};
  for (int i = 0; i < 12; ++i) {
    rig.expect<SinkOpen>();
    rig.pass_to_deadline();  // D
    CHECK_FALSE(rig.is_open);
    const Time closed_at = rig.now;
    rig.pass_to_deadline();
    CHECK(rig.is_open);
    longest = std::max(longest, rig.now - closed_at);
    CHECK(rig.now - closed_at <= 5s);
  }
  rig.expect<SinkOpen>();
  CHECK(longest > 200ms);
}

TEST_CASE("UNKNOWN_SESSION opens a new session") {
  ProducerRig rig;
  rig.open();
  ErrorMessage error;
  error.code = Code::unknown_session;
  rig.receive(Sid{}, 5, error);
  CHECK_FALSE(rig.is_open);
  rig.pass_to_deadline();
  rig.expect<SinkOpen>();
}

TEST_CASE("a sink that is full is asked again when it said") {
  ProducerRig rig;
  rig.producer.start(rig.now);
  rig.take();
  rig.expect<SinkOpen>();
  ErrorMessage error;
  error.code = Code::busy;
  error.retry_ms = 3000;
  rig.receive(Sid{}, 1, error);
  const Time told_at = rig.now;
  rig.pass_to_deadline();
  CHECK(rig.now - told_at >= 3s);
  rig.expect<SinkOpen>();
}

TEST_CASE("the floor is told at once, with each session, and never falls") {
  ProducerRig rig;
  rig.open();
  rig.producer.tell_floor(kOutcomeLog, Seq{10});
  rig.producer.tell_floor(kOutcomeLog, Seq{9});
  rig.take();
  CHECK(rig.expect<Floor>().floor == Seq{10});
  rig.producer.disconnected(rig.now);
  rig.take();
  rig.pass_to_deadline();
  rig.welcome();
  CHECK(rig.expect<Floor>().floor == Seq{10});
}

TEST_CASE("a stopped producer keeps its outcomes for the next start") {
  ProducerRig rig;
  rig.open();
  rig.add(1);
  rig.expect<Outcomes>();
  rig.producer.stop();
  rig.take();
  CHECK_FALSE(rig.is_open);
  CHECK_FALSE(rig.producer.next_deadline().has_value());
  rig.open();
  rig.expect<Outcomes>();
}

TEST_SUITE_END();

}  // namespace
}  // namespace sluice::core
