// outcome_producer_batches_test.cpp: an outcome is let go of when the sink has it, and not before.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/outcome_producer_rig.hpp"

namespace sluice::core {
namespace {

using namespace test;

TEST_SUITE_BEGIN("outcome_producer");

TEST_CASE("outcomes wait for the session and then go together") {
  ProducerRig rig;
  rig.add(1, "one");
  rig.add(2, "two", Status::failed);
  rig.open();
  const auto outcomes = rig.expect<Outcomes>();
  CHECK(rig.last.sid == rig.sid);
  CHECK(outcomes.log == kOutcomeLog);
  CHECK(outcomes.epoch == kOutcomeEpoch);
  REQUIRE(outcomes.types.size() == 1);
  CHECK(outcomes.types[0] == "resize");
  REQUIRE(outcomes.entries.size() == 2);
  CHECK(outcomes.entries[0].rsn == Rsn{1});
  CHECK(outcomes.entries[0].seq == Seq{1});
  CHECK(outcomes.entries[0].lease == Lease{1001});
  CHECK(as_text(outcomes.entries[0].payload) == "one");
  CHECK(outcomes.entries[1].rsn == Rsn{2});
  CHECK(outcomes.entries[1].status == Status::failed);
}

// Rule 2: "worker keeps an outcome until CONFIRM".
TEST_CASE("an outcome is kept until the sink has confirmed it") {
  ProducerRig rig;
  rig.open();
  rig.add(1, "payload", Status::failed);
  rig.expect<Outcomes>();
  CHECK(rig.producer.retained() == 1);
  CHECK(rig.producer.retained_bytes() == 7);
  rig.confirm(1, 1);
  const OutcomeConfirmed answer = rig.answer();
  CHECK(answer.cookie == 1);
  CHECK(answer.code == Code::ok);
  CHECK(answer.stored == Status::failed);
  CHECK(rig.producer.retained() == 0);
  CHECK(rig.producer.retained_bytes() == 0);
}

// Section 4, A2: "for DUPLICATE, status is the stored one".
TEST_CASE("a duplicate is settled with the status that is stored") {
  ProducerRig rig;
  rig.open();
  rig.add(1);
  rig.expect<Outcomes>();
  rig.except({Rsn{1}, Code::duplicate, Status::cancelled, 0});
  const OutcomeConfirmed answer = rig.answer();
  CHECK(answer.code == Code::duplicate);
  CHECK(answer.stored == Status::cancelled);
  CHECK(rig.producer.retained() == 0);
}

TEST_CASE("a rejected outcome is let go of and reported") {
  ProducerRig rig;
  rig.open();
  rig.add(1);
  rig.expect<Outcomes>();
  rig.except({Rsn{1}, Code::rejected, Status{}, 0});
  CHECK(rig.answer().code == Code::rejected);
  CHECK(rig.producer.retained() == 0);
}

// Section 6: "outcome resend 5000 x2 .. 60000 +-20 %".
TEST_CASE("an unconfirmed outcome is sent again after five seconds, then ten") {
  ProducerRig rig;
  SinkOpened opened = ProducerRig::opened_message();
  opened.heartbeat_ms = 30000;
  opened.dead_ms = 600000;
  rig.open(opened);
  rig.add(1);
  rig.expect<Outcomes>();
  for (const int seconds : {5, 10, 20, 40, 60, 60}) {
    const Time sent_at = rig.now;
    while (rig.sent.empty() || !std::holds_alternative<Outcomes>(rig.sent.front().message)) {
      rig.sent.clear();  // heartbeats
      rig.receive(rig.sid, 1, SinkBeaten{});
      rig.pass_to_deadline();
    }
    rig.expect<Outcomes>();
    CHECK(rig.now - sent_at >= std::chrono::milliseconds(seconds * 800));
    CHECK(rig.now - sent_at <= std::chrono::milliseconds(seconds * 1200));
  }
  CHECK(rig.producer.stats().resent == 6);
}

TEST_CASE("a confirmed outcome leaves no timer behind") {
  ProducerRig rig;
  rig.open();
  rig.add(1);
  rig.expect<Outcomes>();
  rig.confirm(1, 1);
  rig.answer();
  REQUIRE(rig.producer.next_deadline().has_value());
  CHECK(*rig.producer.next_deadline() == rig.now + 2s);  // the heartbeat
}

// Rule 4: "Handler says later: DEFER retry_ms."
TEST_CASE("a deferred outcome is sent again when the sink said, not before") {
  ProducerRig rig;
  rig.open();
  rig.add(1);
  rig.add(2);
  rig.expect<Outcomes>();
  rig.expect<Outcomes>();
  rig.except({Rsn{1}, Code::defer, Status{}, 700});
  rig.confirm(2, 2);
  CHECK(rig.answer().cookie == 2);
  rig.pass(699ms);
  CHECK(rig.sent.empty());
  rig.pass(1ms);
  const auto again = rig.expect<Outcomes>();
  REQUIRE(again.entries.size() == 1);
  CHECK(again.entries[0].rsn == Rsn{1});
  CHECK(rig.producer.retained() == 1);
}

TEST_CASE("a deferral for longer than the resend wait is respected") {
  ProducerRig rig;
  rig.open();
  rig.add(1);
  rig.expect<Outcomes>();
  rig.except({Rsn{1}, Code::defer, Status{}, 30000});
  const Time deferred_at = rig.now;
  while (rig.now < deferred_at + 29s) {
    rig.receive(rig.sid, 1, SinkBeaten{});
    rig.pass(1s);
    for (; !rig.sent.empty(); rig.sent.pop_front())
      CHECK(std::holds_alternative<SinkBeat>(rig.sent.front().message));
  }
  rig.pass(1s);
  if (std::holds_alternative<SinkBeat>(rig.sent.front().message)) rig.expect<SinkBeat>();
  CHECK(rig.expect<Outcomes>().entries[0].rsn == Rsn{1});
}

TEST_CASE("an outcome that waits already is not put off again") {
  ProducerRig rig;
  rig.open();
  rig.add(1);
  rig.expect<Outcomes>();
  rig.except({Rsn{1}, Code::defer, Status{}, 500});
  for (int i = 0; i < 100; ++i) rig.except({Rsn{1}, Code::defer, Status{}, 5000});
  rig.pass(499ms);
  CHECK(rig.sent.empty());
  rig.pass(1ms);
  CHECK(rig.expect<Outcomes>().entries.size() == 1);
  rig.except({Rsn{1}, Code::defer, Status{}, 300});  // now it may be
  rig.pass(300ms);
  CHECK(rig.expect<Outcomes>().entries.size() == 1);
}

// Section 6: "types in a message: 256".
TEST_CASE("a message names at most 256 types") {
  ProducerRig rig;
  std::deque<std::string> types;
  for (std::uint64_t seq = 1; seq <= 300; ++seq) {
    OutcomeDraft draft;
    draft.seq = Seq{seq};
    draft.type = types.emplace_back("type " + std::to_string(seq));
    rig.producer.add(draft, seq, rig.now);
  }
  rig.open(ProducerRig::opened_message(1000));
  CHECK(rig.expect<Outcomes>().types.size() == 256);
  CHECK(rig.expect<Outcomes>().types.size() == 44);
}

// Rule 1: "The same for outcomes_limit (sink)".
TEST_CASE("no more outcomes are sent than the sink has given credit for") {
  ProducerRig rig;
  rig.open(ProducerRig::opened_message(2));
  for (std::uint64_t seq = 1; seq <= 5; ++seq) rig.add(seq);
  CHECK(rig.expect<Outcomes>().entries.size() == 1);
  CHECK(rig.expect<Outcomes>().entries.size() == 1);
  CHECK(rig.sent.empty());
  rig.confirm(1, 2, 4);
  rig.answer();
  rig.answer();
  const auto more = rig.expect<Outcomes>();
  REQUIRE(more.entries.size() == 2);
  CHECK(more.entries[0].rsn == Rsn{3});
}

TEST_CASE("no more bytes are sent than the sink has given credit for") {
  ProducerRig rig;
  rig.open(ProducerRig::opened_message(100, 10));
  rig.add(1, "123456");
  rig.add(2, "12345");
  CHECK(rig.expect<Outcomes>().entries.size() == 1);
  CHECK(rig.sent.empty());
  SinkConfirm more;
  more.stored.push_back({Rsn{1}, Rsn{1}});
  more.bytes_limit = 11;
  rig.receive(rig.sid, 1, more);
  rig.answer();
  CHECK(rig.expect<Outcomes>().entries[0].rsn == Rsn{2});
}

TEST_CASE("a smaller limit than before takes nothing back") {
  ProducerRig rig;
  rig.open(ProducerRig::opened_message(2));
  rig.confirm(1, 0, 1);
  rig.add(1);
  rig.add(2);
  rig.expect<Outcomes>();
  rig.expect<Outcomes>();
}

// Case 8: "workers re-OPEN and resend all unconfirmed".
TEST_CASE("a sink cannot confirm what it was not sent") {
  ProducerRig rig;
  rig.open(ProducerRig::opened_message(1));
  rig.add(1);
  rig.add(2);
  rig.expect<Outcomes>();
  rig.confirm(0, ~std::uint64_t{0} >> 1);
  CHECK(rig.answer().cookie == 1);
  CHECK(rig.producer.retained() == 1);
}

// Section 6: "H heartbeat (sent only if nothing else was)"; "D dead peer".
// Case 24, "outcome too large".
TEST_CASE("an outcome that no frame of the sink can hold is reported as too large") {
  ProducerRig rig;
  SinkOpened opened = ProducerRig::opened_message(100, 64 << 20);
  opened.max_frame = 256 << 10;
  rig.open(opened);
  rig.add(1, std::string((192 << 10) + 1, 'x'));
  CHECK(rig.answer().code == Code::too_large);
  rig.add(2, std::string(192 << 10, 'x'));
  rig.expect<Outcomes>();
}

TEST_CASE("a message holds up to 64 KiB, and one log and epoch") {
  ProducerRig rig;
  const std::string large(30 << 10, 'x');
  for (std::uint64_t seq = 1; seq <= 3; ++seq) rig.add(seq, large);
  OutcomeDraft other;
  other.log = kOutcomeLog;
  other.epoch = Epoch{2};
  other.seq = Seq{4};
  other.type = "resize";
  rig.producer.add(other, 4, rig.now);
  rig.open();
  CHECK(rig.expect<Outcomes>().entries.size() == 2);
  CHECK(rig.expect<Outcomes>().entries.size() == 1);
  const auto last = rig.expect<Outcomes>();
  CHECK(last.epoch == Epoch{2});
  CHECK(last.entries.size() == 1);
}

TEST_CASE("each type stands once in a message") {
  ProducerRig rig;
  const std::vector<std::string> types{"a", "b", "a", "c", "b"};
  for (std::size_t i = 0; i < types.size(); ++i) {
    OutcomeDraft draft;
    draft.seq = Seq{i + 1};
    draft.type = types[i];
    rig.producer.add(draft, i, rig.now);
  }
  rig.open();
  const auto outcomes = rig.expect<Outcomes>();
  CHECK(outcomes.types.size() == 3);
  for (std::size_t i = 0; i < types.size(); ++i)
    CHECK(outcomes.types[outcomes.entries[i].type_index] == types[i]);
}

// Section 3: "Only the ventilator's own session says it (25), and it never falls".
TEST_CASE("one outcome deferred for long does not hold what comes after") {
  ProducerRig rig;
  rig.open(ProducerRig::opened_message(1'000'000));
  rig.add(1);
  rig.expect<Outcomes>();
  rig.except({Rsn{1}, Code::defer, Status{}, 60000});
  for (std::uint64_t seq = 2; seq <= 5000; ++seq) {
    rig.add(seq);
    rig.expect<Outcomes>();
    rig.confirm(seq, seq);
    CHECK(rig.answer().cookie == seq);
  }
  CHECK(rig.producer.retained() == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace sluice::core
