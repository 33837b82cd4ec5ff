// outcome_producer_test.cpp: an outcome is let go of when the sink has it, and not before.
// SPDX-License-Identifier: MIT
#include "core/outcome_producer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/message_keeper.hpp"

namespace sluice::core {
namespace {

constexpr Boot kBoot{7};
constexpr Log kLog{1, 2, 3};
constexpr Epoch kEpoch{1};

// A producer and the sink's end of its link. What is sent and not expected fails the test.
struct Rig {
  explicit Rig(OutcomeProducerOptions options = {}) : producer(std::move(options), kBoot, 42) {}
  ~Rig() {
    for (const Envelope& envelope : sent) {
      CAPTURE(envelope.message.index());
      CHECK_MESSAGE(false, "a message nobody expected");
    }
    CHECK(answers.empty());
  }

  void take() {
    OutcomeProducer::Effects effects = producer.take_effects();
    if (effects.close) {
      is_open = false;
      ++closed;
    }
    if (effects.open) {
      CHECK_FALSE(is_open);
      is_open = true;
    }
    if (!effects.sends.empty()) CHECK(is_open);
    for (Envelope& envelope : effects.sends) {
      keeper.keep(envelope.message);
      sent.push_back(envelope);
    }
    for (const OutcomeConfirmed& each : effects.confirmed) answers.push_back(each);
    producer.recycle(std::move(effects));
  }
  void pass(Duration duration) {
    now += duration;
    producer.advance(now);
    if (const auto deadline = producer.next_deadline()) CHECK(*deadline > now);
    take();
  }
  // Jumps to what the producer waits for next.
  void pass_to_deadline() {
    const auto deadline = producer.next_deadline();
    REQUIRE(deadline.has_value());
    pass(*deadline - now);
  }
  template <typename M>
  M expect() {
    REQUIRE_FALSE(sent.empty());
    REQUIRE(std::holds_alternative<M>(sent.front().message));
    last = sent.front();
    sent.pop_front();
    return std::get<M>(last.message);
  }
  OutcomeConfirmed answer() {
    REQUIRE_FALSE(answers.empty());
    const OutcomeConfirmed first = answers.front();
    answers.pop_front();
    return first;
  }
  void receive(Sid session, std::uint64_t n, Message message) {
    producer.receive({session, n, std::move(message)}, now);
    take();
  }
  Rsn add(std::uint64_t seq, std::string_view payload = "result", Status status = Status::done) {
    OutcomeDraft draft;
    draft.log = kLog;
    draft.epoch = kEpoch;
    draft.seq = Seq{seq};
    draft.lease = Lease{seq + 1000};
    draft.status = status;
    draft.type = "resize";
    draft.payload = as_bytes(payload);
    const Rsn rsn = producer.add(draft, seq, now);
    take();
    return rsn;
  }
  static SinkOpened opened_message(std::uint64_t outcomes = 100, std::uint64_t bytes = 1 << 20) {
    SinkOpened opened;
    opened.heartbeat_ms = 2000;
    opened.dead_ms = 8000;
    opened.max_frame = 4 << 20;
    opened.outcomes_limit = outcomes;
    opened.bytes_limit = bytes;
    return opened;
  }
  void open(SinkOpened opened = opened_message()) {
    producer.start(now);
    take();
    welcome(opened);
  }
  void welcome(SinkOpened opened = opened_message()) {
    expect<SinkOpen>();
    sid = next(sid);
    receive(sid, last.n, opened);
  }
  void confirm(std::uint64_t first, std::uint64_t last_rsn, std::uint64_t outcomes = 0) {
    SinkConfirm message;
    message.stored.push_back({Rsn{first}, Rsn{last_rsn}});
    message.outcomes_limit = outcomes;
    receive(sid, 1, message);
  }
  void except(ConfirmException exception) {
    SinkConfirm message;
    message.exceptions.push_back(exception);
    receive(sid, 1, message);
  }

  OutcomeProducer producer;
  Time now{1h};
  Sid sid{100};
  bool is_open = false;
  int closed = 0;
  test::MessageKeeper keeper;
  std::deque<Envelope> sent;
  Envelope last;
  std::deque<OutcomeConfirmed> answers;
};

TEST_SUITE_BEGIN("outcome_producer");

TEST_CASE("OPEN names who opens, on a new socket") {
  OutcomeProducerOptions options;
  options.name = "ann";
  Rig rig(options);
  CHECK_FALSE(rig.producer.next_deadline().has_value());
  rig.producer.start(rig.now);
  rig.take();
  const auto open = rig.expect<SinkOpen>();
  CHECK(rig.is_open);
  CHECK(rig.last.sid == Sid{});
  CHECK(rig.last.n == 1);
  CHECK(open.boot == kBoot);
  CHECK(open.name == "ann");
}

TEST_CASE("outcomes wait for the session and then go together") {
  Rig rig;
  rig.add(1, "one");
  rig.add(2, "two", Status::failed);
  rig.open();
  const auto outcomes = rig.expect<Outcomes>();
  CHECK(rig.last.sid == rig.sid);
  CHECK(outcomes.log == kLog);
  CHECK(outcomes.epoch == kEpoch);
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
  Rig rig;
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
  Rig rig;
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
  Rig rig;
  rig.open();
  rig.add(1);
  rig.expect<Outcomes>();
  rig.except({Rsn{1}, Code::rejected, Status{}, 0});
  CHECK(rig.answer().code == Code::rejected);
  CHECK(rig.producer.retained() == 0);
}

// Section 6: "outcome resend 5000 x2 .. 60000 +-20 %".
TEST_CASE("an unconfirmed outcome is sent again after five seconds, then ten") {
  Rig rig;
  SinkOpened opened = Rig::opened_message();
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
  Rig rig;
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
  Rig rig;
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
  Rig rig;
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

// Rule 1: "The same for outcomes_limit (sink)".
TEST_CASE("no more outcomes are sent than the sink has given credit for") {
  Rig rig;
  rig.open(Rig::opened_message(2));
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
  Rig rig;
  rig.open(Rig::opened_message(100, 10));
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
  Rig rig;
  rig.open(Rig::opened_message(2));
  rig.confirm(1, 0, 1);
  rig.add(1);
  rig.add(2);
  rig.expect<Outcomes>();
  rig.expect<Outcomes>();
}

// Case 8: "workers re-OPEN and resend all unconfirmed".
TEST_CASE("a sink that restarts gets everything unconfirmed again, under new credit") {
  Rig rig;
  rig.open(Rig::opened_message(3));
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
  rig.welcome(Rig::opened_message(2));
  const auto again = rig.expect<Outcomes>();
  REQUIRE(again.entries.size() == 2);
  CHECK(again.entries[0].rsn == Rsn{1});
  CHECK(again.entries[1].rsn == Rsn{3});
  CHECK(rig.producer.stats().resent == 2);
}

TEST_CASE("a confirm of an earlier session counts for nothing") {
  Rig rig;
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

TEST_CASE("a sink cannot confirm what it was not sent") {
  Rig rig;
  rig.open(Rig::opened_message(1));
  rig.add(1);
  rig.add(2);
  rig.expect<Outcomes>();
  rig.confirm(0, ~std::uint64_t{0} >> 1);
  CHECK(rig.answer().cookie == 1);
  CHECK(rig.producer.retained() == 1);
}

// Section 6: "H heartbeat (sent only if nothing else was)"; "D dead peer".
TEST_CASE("a heartbeat is sent when nothing else was, and its answer keeps the session") {
  Rig rig;
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
  Rig rig;
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
  Rig rig;
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
  Rig rig;
  rig.open();
  ErrorMessage error;
  error.code = Code::unknown_session;
  rig.receive(Sid{}, 5, error);
  CHECK_FALSE(rig.is_open);
  rig.pass_to_deadline();
  rig.expect<SinkOpen>();
}

TEST_CASE("a sink that is full is asked again when it said") {
  Rig rig;
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

// Case 24, "outcome too large".
TEST_CASE("an outcome that no frame of the sink can hold is reported as too large") {
  Rig rig;
  SinkOpened opened = Rig::opened_message(100, 64 << 20);
  opened.max_frame = 256 << 10;
  rig.open(opened);
  rig.add(1, std::string((192 << 10) + 1, 'x'));
  CHECK(rig.answer().code == Code::too_large);
  rig.add(2, std::string(192 << 10, 'x'));
  rig.expect<Outcomes>();
}

TEST_CASE("a message holds up to 64 KiB, and one log and epoch") {
  Rig rig;
  const std::string large(30 << 10, 'x');
  for (std::uint64_t seq = 1; seq <= 3; ++seq) rig.add(seq, large);
  OutcomeDraft other;
  other.log = kLog;
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
  Rig rig;
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
TEST_CASE("the floor is told at once, with each session, and never falls") {
  Rig rig;
  rig.open();
  rig.producer.tell_floor(kLog, Seq{10});
  rig.producer.tell_floor(kLog, Seq{9});
  rig.take();
  CHECK(rig.expect<Floor>().floor == Seq{10});
  rig.producer.disconnected(rig.now);
  rig.take();
  rig.pass_to_deadline();
  rig.welcome();
  CHECK(rig.expect<Floor>().floor == Seq{10});
}

TEST_CASE("a stopped producer keeps its outcomes for the next start") {
  Rig rig;
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

TEST_CASE("one outcome deferred for long does not hold what comes after") {
  Rig rig;
  rig.open(Rig::opened_message(1'000'000));
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
