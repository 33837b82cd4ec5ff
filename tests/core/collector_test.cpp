// collector_test.cpp: what a sink answers, in virtual time.
// SPDX-License-Identifier: MIT
#include "core/collector.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <variant>
#include <vector>

using namespace sluice::core;
using namespace std::chrono_literals;

namespace {

constexpr PeerId ann{1}, bob{2};
constexpr Log log_a{0xA}, log_b{0xB};
constexpr Collector::SinkId sink_id{7};

// A sink and its shell: keeps what was sent and stored, and fails the test on what it did not take.
struct Rig {
  explicit Rig(CollectorOptions options = {}) : collector(std::move(options), sink_id, Epoch{3}) {}
  ~Rig() { CHECK(sent.empty()); }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  void receive(PeerId from, Sid sid, std::uint64_t n, Message message) {
    const Envelope in{sid, n, std::move(message)};
    collector.receive(from, in, now);
    turn();
  }
  // As the shell does: store, answer, send.
  void turn() {
    auto first = collector.take_effects();
    take(first);
    for (const StoreEntry& entry : first.store) {
      stored.push_back({entry.log, entry.outcome.seq, entry.outcome.status, std::string(entry.type),
                        std::string(entry.producer), std::string(as_text(entry.outcome.payload)),
                        entry.terminal()});
      waiting += 1;
    }
    collector.recycle(std::move(first));
    if (hold) return;
    answer_all();
  }
  void answer_all() {
    const std::vector<StoreAnswer> answers(waiting, answer);
    waiting = 0;
    collector.stored(answers);
    take_again();
  }
  void take_again() {
    auto effects = collector.take_effects();
    CHECK(effects.store.empty());
    take(effects);
    collector.recycle(std::move(effects));
  }
  void take(Collector::Effects& effects) {
    for (auto& send : effects.sends) sent.push_back(std::move(send));
    effects.sends.clear();
  }
  void advance(Time to) {
    now = to;
    collector.advance(now);
    take_again();
  }
  // The next message sent, which must be an M to `to`.
  template <typename M>
  M expect(PeerId to) {
    REQUIRE_FALSE(sent.empty());
    CHECK(sent.front().to == to);
    last_sid = sent.front().envelope.sid;
    last_n = sent.front().envelope.n;
    REQUIRE(std::holds_alternative<M>(sent.front().envelope.message));
    M message = std::get<M>(std::move(sent.front().envelope.message));
    sent.pop_front();
    return message;
  }
  Sid open(PeerId peer, std::string name, std::uint64_t attempt = 1) {
    SinkOpen hello;
    hello.name = std::move(name);
    receive(peer, Sid{}, attempt, hello);
    expect<SinkOpened>(peer);
    return last_sid;
  }

  struct Stored {
    Log log;
    Seq seq;
    Status status;
    std::string type, producer, payload;
    bool terminal;
  };
  Time now{1000s};
  Collector collector;
  std::deque<Collector::Send> sent;
  std::vector<Stored> stored;
  StoreAnswer answer{};
  bool hold = false;  // the store takes its time
  std::size_t waiting = 0;
  Sid last_sid{};
  std::uint64_t last_n = 0;
};

OutcomeEntry outcome(std::uint64_t rsn, std::uint64_t seq, Status status = Status::done,
                     std::uint32_t flags = 0, std::string_view payload = "r") {
  OutcomeEntry entry;
  entry.rsn = Rsn{rsn};
  entry.seq = Seq{seq};
  entry.lease = Lease{seq};
  entry.attempt = 1;
  entry.status = status;
  entry.flags = flags;
  entry.payload = as_bytes(payload);
  return entry;
}
Outcomes outcomes(std::initializer_list<OutcomeEntry> entries, const Log& log = log_a) {
  Outcomes batch;
  batch.log = log;
  batch.epoch = Epoch{1};
  batch.types = {"resize"};
  batch.entries = entries;
  return batch;
}

void check_range(const SinkConfirm& confirm, std::uint64_t first, std::uint64_t last) {
  REQUIRE(confirm.stored.size() == 1);
  CHECK(confirm.stored[0].first == Rsn{first});
  CHECK(confirm.stored[0].last == Rsn{last});
  CHECK(confirm.exceptions.empty());
}
void check_exception(const SinkConfirm& confirm, std::uint64_t rsn, Code code, Status status = {},
                     std::uint64_t retry_ms = 0) {
  CHECK(confirm.stored.empty());
  REQUIRE(confirm.exceptions.size() == 1);
  CHECK(confirm.exceptions[0].rsn == Rsn{rsn});
  CHECK(confirm.exceptions[0].code == code);
  CHECK(confirm.exceptions[0].status == status);
  CHECK(confirm.exceptions[0].retry_ms == retry_ms);
}

}  // namespace

TEST_SUITE_BEGIN("collector");

TEST_CASE("a producer that opens learns the sink's name, waits and credit") {
  Rig rig;
  SinkOpen hello;
  hello.name = "w1";
  rig.receive(ann, Sid{}, 5, hello);
  const auto opened = rig.expect<SinkOpened>(ann);
  CHECK(rig.last_n == 5);
  CHECK(epoch_of(rig.last_sid) == Epoch{3});
  CHECK(opened.sink_id == sink_id);
  CHECK(opened.sink_epoch == 3);
  CHECK(opened.heartbeat_ms == 2000);
  CHECK(opened.dead_ms == 8000);
  CHECK(opened.max_frame == 4 << 20);
  CHECK(opened.outcomes_limit == 65'536);
  CHECK(opened.bytes_limit == 64 << 20);
}

// Case 14, for sinks: the same try on the same connection.
TEST_CASE("a repeated open is answered with the same session, a new try with a new one") {
  Rig rig;
  const Sid first = rig.open(ann, "w1", 1);
  CHECK(rig.open(ann, "w1", 1) == first);
  const Sid second = rig.open(ann, "w1", 2);
  CHECK(second != first);
  rig.receive(ann, first, 1, SinkBeat{});
  CHECK(rig.expect<ErrorMessage>(ann).code == Code::unknown_session);
  CHECK(rig.collector.stats().producers == 1);
}

// PROTOCOL rule 4: "The sink stores, then confirms".
TEST_CASE("outcomes are confirmed after they are stored, as one range") {
  Rig rig;
  const Sid sid = rig.open(ann, "w1");
  rig.hold = true;
  rig.receive(ann, sid, 1,
              outcomes({outcome(1, 10), outcome(2, 11, Status::failed), outcome(3, 12)}));
  CHECK(rig.sent.empty());
  REQUIRE(rig.stored.size() == 3);
  CHECK(rig.stored[1].seq == Seq{11});
  CHECK(rig.stored[1].status == Status::failed);
  CHECK(rig.stored[1].type == "resize");
  CHECK(rig.stored[1].producer == "w1");
  CHECK(rig.stored[1].payload == "r");
  rig.answer_all();
  const auto confirm = rig.expect<SinkConfirm>(ann);
  CHECK(rig.last_sid == sid);
  CHECK(rig.last_n == 1);
  check_range(confirm, 1, 3);
  CHECK(confirm.outcomes_limit == 65'536 + 3);
  CHECK(confirm.bytes_limit == (64 << 20) + 3);
}

TEST_CASE("a producer gets one confirm a turn, however many messages it sent") {
  Rig rig;
  const Sid sid = rig.open(ann, "w1");
  rig.receive(ann, sid, 1, outcomes({outcome(1, 10)}));
  check_range(rig.expect<SinkConfirm>(ann), 1, 1);
  const Envelope again{sid, 2, outcomes({outcome(2, 10)})};  // a duplicate: no need of the store
  const Envelope fresh{sid, 3, outcomes({outcome(3, 11), outcome(4, 12)})};
  rig.collector.receive(ann, again, rig.now);
  rig.collector.receive(ann, fresh, rig.now);
  rig.turn();
  const auto confirm = rig.expect<SinkConfirm>(ann);
  REQUIRE(confirm.stored.size() == 1);
  CHECK(confirm.stored[0].first == Rsn{3});
  CHECK(confirm.stored[0].last == Rsn{4});
  REQUIRE(confirm.exceptions.size() == 1);
  CHECK(confirm.exceptions[0].rsn == Rsn{2});
  CHECK(confirm.outcomes_limit == 65'536 + 4);
}

// Case 2: the worker died after sending, the task was run again elsewhere.
TEST_CASE("the second outcome of a task is a duplicate and is not stored") {
  Rig rig;
  const Sid first = rig.open(ann, "w1");
  const Sid second = rig.open(bob, "w2");
  rig.receive(ann, first, 1, outcomes({outcome(1, 42)}));
  check_range(rig.expect<SinkConfirm>(ann), 1, 1);
  rig.receive(bob, second, 1, outcomes({outcome(1, 42)}));
  check_exception(rig.expect<SinkConfirm>(bob), 1, Code::duplicate, Status::done);
  CHECK(rig.stored.size() == 1);
}

// Case 3 and 5: the confirm was lost, and the same worker asks again on a new connection.
TEST_CASE("an outcome sent again by its own producer is answered with what is stored") {
  Rig rig;
  const Sid first = rig.open(ann, "w1");
  rig.receive(ann, first, 1, outcomes({outcome(1, 42, Status::failed)}));
  check_range(rig.expect<SinkConfirm>(ann), 1, 1);
  const Sid second = rig.open(bob, "w1");
  rig.receive(bob, second, 1, outcomes({outcome(1, 42, Status::failed)}));
  check_exception(rig.expect<SinkConfirm>(bob), 1, Code::duplicate, Status::failed);
  CHECK(rig.stored.size() == 1);
}

// Case 26 and 29: "the stored status is what the ventilator records".
TEST_CASE("a duplicate is told the status that is stored, not its own") {
  Rig rig;
  const Sid worker = rig.open(ann, "w1");
  const Sid ventilator = rig.open(bob, "ventilator");
  rig.receive(bob, ventilator, 1, outcomes({outcome(1, 42, Status::cancelled, kTerminal)}));
  check_range(rig.expect<SinkConfirm>(bob), 1, 1);
  rig.receive(ann, worker, 1, outcomes({outcome(1, 42, Status::done)}));
  check_exception(rig.expect<SinkConfirm>(ann), 1, Code::duplicate, Status::cancelled);

  rig.receive(ann, worker, 2, outcomes({outcome(2, 43, Status::done)}));
  check_range(rig.expect<SinkConfirm>(ann), 2, 2);
  rig.receive(bob, ventilator, 2, outcomes({outcome(2, 43, Status::expired, kTerminal)}));
  check_exception(rig.expect<SinkConfirm>(bob), 2, Code::duplicate, Status::done);
  CHECK(rig.stored.size() == 2);
}

// PROTOCOL rule 4: "Duplicate while in progress: answer with the first."
TEST_CASE("a copy that comes while the first is being stored waits for the first's answer") {
  Rig rig;
  const Sid first = rig.open(ann, "w1");
  const Sid second = rig.open(bob, "w2");
  rig.hold = true;
  rig.receive(ann, first, 1, outcomes({outcome(1, 42, Status::failed)}));
  rig.receive(bob, second, 1, outcomes({outcome(8, 42, Status::done)}));
  rig.receive(ann, first, 2, outcomes({outcome(1, 42, Status::failed)}));  // sent again
  CHECK(rig.sent.empty());
  CHECK(rig.stored.size() == 1);

  SUBCASE("stored: the second is a duplicate of it") {
    rig.answer_all();
    check_range(rig.expect<SinkConfirm>(ann), 1, 1);
    check_exception(rig.expect<SinkConfirm>(bob), 8, Code::duplicate, Status::failed);
  }
  SUBCASE("later: both come again") {
    rig.answer = {StoreAnswer::Code::later, 250};
    rig.answer_all();
    check_exception(rig.expect<SinkConfirm>(ann), 1, Code::defer, {}, 250);
    check_exception(rig.expect<SinkConfirm>(bob), 8, Code::defer, {}, 250);
  }
  SUBCASE("never: both are rejected") {
    rig.answer = {StoreAnswer::Code::never, 0};
    rig.answer_all();
    check_exception(rig.expect<SinkConfirm>(ann), 1, Code::rejected);
    check_exception(rig.expect<SinkConfirm>(bob), 8, Code::rejected);
  }
}

// Case 8: "the sink's file decides duplicates; nothing is executed again".
TEST_CASE("after a restart what the file holds is a duplicate, the rest is stored") {
  Rig rig;
  rig.collector.restore(log_a, Seq{1}, Status::done);
  rig.collector.restore(log_a, Seq{2}, Status::expired);
  rig.receive(ann, make_sid(Epoch{2}, 9), 77, outcomes({outcome(1, 1)}));
  CHECK(rig.expect<ErrorMessage>(ann).code == Code::unknown_session);
  CHECK(rig.last_n == 77);

  const Sid sid = rig.open(ann, "w1");
  rig.receive(ann, sid, 1, outcomes({outcome(1, 1), outcome(2, 2), outcome(3, 3)}));
  const auto confirm = rig.expect<SinkConfirm>(ann);
  REQUIRE(confirm.stored.size() == 1);
  CHECK(confirm.stored[0].first == Rsn{3});
  REQUIRE(confirm.exceptions.size() == 2);
  CHECK(confirm.exceptions[0].status == Status::done);
  CHECK(confirm.exceptions[1].status == Status::expired);
  REQUIRE(rig.stored.size() == 1);
  CHECK(rig.stored[0].seq == Seq{3});
}

TEST_CASE("the same seq of another log is another task") {
  Rig rig;
  const Sid sid = rig.open(ann, "w1");
  rig.receive(ann, sid, 1, outcomes({outcome(1, 1)}, log_a));
  check_range(rig.expect<SinkConfirm>(ann), 1, 1);
  rig.receive(ann, sid, 2, outcomes({outcome(2, 1)}, log_b));
  check_range(rig.expect<SinkConfirm>(ann), 2, 2);
  CHECK(rig.stored.size() == 2);
}

// Case 9: "DEFER, credit runs out, ...; goes on when there is room".
TEST_CASE("a full disk defers, its credit stays spent, and it goes on when there is room") {
  CollectorOptions options;
  options.window_outcomes = 2;
  Rig rig(options);
  const Sid sid = rig.open(ann, "w1");
  rig.answer = {StoreAnswer::Code::later, 1000};
  rig.receive(ann, sid, 1, outcomes({outcome(1, 1), outcome(2, 2)}));
  auto confirm = rig.expect<SinkConfirm>(ann);
  CHECK(confirm.stored.empty());
  REQUIRE(confirm.exceptions.size() == 2);
  CHECK(confirm.exceptions[0].code == Code::defer);
  CHECK(confirm.exceptions[0].retry_ms == 1000);
  CHECK(confirm.outcomes_limit == 2);

  rig.answer = {};
  rig.receive(ann, sid, 2, outcomes({outcome(1, 1), outcome(2, 2)}));  // sent again: no new credit
  confirm = rig.expect<SinkConfirm>(ann);
  check_range(confirm, 1, 2);
  CHECK(confirm.outcomes_limit == 4);
}

// Case 24: the handler says never; the replacement is the last word.
TEST_CASE("a rejection is remembered and repeated, and only a terminal outcome replaces it") {
  Rig rig;
  const Sid sid = rig.open(ann, "w1");
  rig.answer = {StoreAnswer::Code::never, 0};
  rig.receive(ann, sid, 1, outcomes({outcome(1, 42)}));
  check_exception(rig.expect<SinkConfirm>(ann), 1, Code::rejected);
  rig.answer = {};
  rig.receive(ann, sid, 2, outcomes({outcome(2, 42)}));
  check_exception(rig.expect<SinkConfirm>(ann), 2, Code::rejected);
  CHECK(rig.stored.size() == 1);

  rig.receive(ann, sid, 3, outcomes({outcome(3, 42, Status::failed, kTerminal)}));
  check_range(rig.expect<SinkConfirm>(ann), 3, 3);
  REQUIRE(rig.stored.size() == 2);
  CHECK(rig.stored[1].terminal);
  rig.receive(ann, sid, 4, outcomes({outcome(4, 42)}));
  check_exception(rig.expect<SinkConfirm>(ann), 4, Code::duplicate, Status::failed);
}

TEST_CASE("a terminal outcome cannot be rejected") {
  Rig rig;
  const Sid sid = rig.open(ann, "ventilator");
  rig.answer = {StoreAnswer::Code::never, 0};
  rig.receive(ann, sid, 1, outcomes({outcome(1, 42, Status::expired, kTerminal | kTaskPayload)}));
  check_range(rig.expect<SinkConfirm>(ann), 1, 1);
}

// PROTOCOL rule 1: absolute, cumulative per session, counting distinct outcomes.
TEST_CASE("whoever exceeds the outcomes it was given loses its session") {
  CollectorOptions options;
  options.window_outcomes = 2;
  Rig rig(options);
  const Sid sid = rig.open(ann, "w1");
  rig.hold = true;
  rig.receive(ann, sid, 1, outcomes({outcome(1, 1), outcome(2, 2)}));
  CHECK(rig.sent.empty());
  rig.receive(ann, sid, 2, outcomes({outcome(3, 3)}));
  CHECK(rig.expect<ErrorMessage>(ann).code == Code::credit_exceeded);
  CHECK(rig.last_n == 2);
  CHECK(rig.collector.stats().producers == 0);
  // What was within the credit is stored; there is just nobody left to be told.
  rig.answer_all();
  CHECK(rig.collector.stats().stored == 2);
}

TEST_CASE("credit in bytes counts payloads") {
  CollectorOptions options;
  options.window_bytes = 3;
  Rig rig(options);
  const Sid sid = rig.open(ann, "w1");
  rig.receive(ann, sid, 1, outcomes({outcome(1, 1, Status::done, 0, "abc")}));
  CHECK(rig.expect<SinkConfirm>(ann).bytes_limit == 6);
  rig.receive(ann, sid, 2, outcomes({outcome(2, 2, Status::done, 0, "abcd")}));
  CHECK(rig.expect<ErrorMessage>(ann).code == Code::credit_exceeded);
}

TEST_CASE("a new session counts anew") {
  CollectorOptions options;
  options.window_outcomes = 1;
  Rig rig(options);
  const Sid first = rig.open(ann, "w1", 1);
  rig.answer = {StoreAnswer::Code::later, 10};
  rig.receive(ann, first, 1, outcomes({outcome(7, 1)}));
  check_exception(rig.expect<SinkConfirm>(ann), 7, Code::defer, {}, 10);
  rig.answer = {};
  const Sid second = rig.open(ann, "w1", 2);
  rig.receive(ann, second, 1, outcomes({outcome(7, 1)}));
  const auto confirm = rig.expect<SinkConfirm>(ann);
  check_range(confirm, 7, 7);
  CHECK(confirm.outcomes_limit == 2);
}

// PROTOCOL section 6: "D dead peer 4H".
TEST_CASE("a producer silent for D is forgotten, at that very moment") {
  Rig rig;
  const Sid sid = rig.open(ann, "w1");
  const Time opened_at = rig.now;
  REQUIRE(rig.collector.next_deadline());
  CHECK(*rig.collector.next_deadline() == opened_at + 8s);
  rig.now = opened_at + 3s;
  rig.receive(ann, sid, 9, SinkBeat{});
  rig.expect<SinkBeaten>(ann);
  CHECK(rig.last_n == 9);
  CHECK(rig.last_sid == sid);
  rig.advance(opened_at + 8s);
  CHECK(rig.collector.stats().producers == 1);
  CHECK(*rig.collector.next_deadline() == opened_at + 11s);
  rig.advance(opened_at + 11s - 1ns);
  CHECK(rig.collector.stats().producers == 1);
  rig.advance(opened_at + 11s);
  CHECK(rig.collector.stats().producers == 0);
  CHECK(rig.collector.stats().lost_producers == 1);
  CHECK_FALSE(rig.collector.next_deadline());
  rig.receive(ann, sid, 10, SinkBeat{});
  CHECK(rig.expect<ErrorMessage>(ann).code == Code::unknown_session);
}

// PROTOCOL rule 6: "at most 1/s per peer, no other effect".
TEST_CASE("stale traffic is told once a second, and nothing of it is stored") {
  Rig rig;
  for (std::uint64_t n = 1; n <= 5; ++n) rig.receive(ann, Sid{99}, n, outcomes({outcome(n, n)}));
  CHECK(rig.expect<ErrorMessage>(ann).code == Code::unknown_session);
  CHECK(rig.last_n == 1);
  rig.now += 1s;
  rig.receive(ann, Sid{99}, 6, outcomes({outcome(6, 6)}));
  rig.expect<ErrorMessage>(ann);
  CHECK(rig.stored.empty());
}

// PROTOCOL rule 12.
TEST_CASE("three bad frames end the session and silence the peer for a minute") {
  Rig rig;
  const Sid sid = rig.open(ann, "w1");
  rig.collector.refused(ann, Code::bad_frame, 4, rig.now);
  rig.turn();
  CHECK(rig.expect<ErrorMessage>(ann).code == Code::bad_frame);
  CHECK(rig.last_n == 4);
  rig.collector.refused(ann, Code::bad_frame, 5, rig.now);
  rig.turn();  // told already this second
  rig.collector.refused(ann, Code::bad_frame, 6, rig.now);
  rig.turn();
  const auto farewell = rig.expect<ErrorMessage>(ann);
  CHECK(farewell.code == Code::bad_frame);
  CHECK(farewell.retry_ms == 60'000);
  CHECK(rig.collector.ignores(ann, rig.now));
  rig.receive(ann, sid, 1, SinkBeat{});
  rig.receive(ann, Sid{}, 2, SinkOpen{});
  rig.collector.refused(ann, Code::bad_frame, 7, rig.now);
  rig.turn();
  CHECK(rig.collector.stats().ignored == 3);
  rig.now += 60s;
  rig.open(ann, "w1", 3);
}

// PROTOCOL rule 12: "Three frames refused for another reason".
TEST_CASE("another version and a frame too large count against a peer, too") {
  Rig rig;
  rig.open(ann, "w1");
  rig.collector.refused(ann, Code::bad_version, 4, rig.now);
  rig.turn();
  CHECK(rig.expect<ErrorMessage>(ann).code == Code::bad_version);
  rig.collector.refused(ann, Code::too_large, 5, rig.now);
  rig.turn();  // told already this second
  rig.collector.refused(ann, Code::bad_frame, 6, rig.now);
  rig.turn();
  CHECK(rig.expect<ErrorMessage>(ann).retry_ms == 60'000);
  CHECK(rig.collector.ignores(ann, rig.now));
}

// PROTOCOL rule 12: "Unknown type: ERROR BAD_TYPE, the session lives."
TEST_CASE("an unknown type is told, however often, and the session lives") {
  Rig rig;
  const Sid sid = rig.open(ann, "w1");
  for (std::uint64_t n = 1; n <= 5; ++n) {
    rig.collector.refused(ann, Code::bad_type, n, rig.now);
    rig.turn();
    CHECK(rig.expect<ErrorMessage>(ann).code == Code::bad_type);
    rig.now += 1s;
  }
  rig.receive(ann, sid, 1, SinkBeat{});
  rig.expect<SinkBeaten>(ann);
}

// PROTOCOL "floor": "a sink may forget them and MUST answer DUPLICATE for them".
TEST_CASE("below the floor everything is a duplicate") {
  Rig rig;
  const Sid sid = rig.open(ann, "ventilator");
  rig.receive(ann, sid, 1, outcomes({outcome(1, 2), outcome(2, 10)}));
  check_range(rig.expect<SinkConfirm>(ann), 1, 2);
  rig.receive(ann, sid, 1, Floor{log_a, Seq{10}});
  rig.receive(ann, sid, 2, outcomes({outcome(3, 9)}));
  check_exception(rig.expect<SinkConfirm>(ann), 3, Code::duplicate, Status::done);
  rig.receive(ann, sid, 3, Floor{log_a, Seq{3}});  // it never falls
  rig.receive(ann, sid, 4, outcomes({outcome(4, 5), outcome(5, 11)}));
  const auto confirm = rig.expect<SinkConfirm>(ann);
  REQUIRE(confirm.exceptions.size() == 1);
  CHECK(confirm.exceptions[0].rsn == Rsn{4});
  REQUIRE(confirm.stored.size() == 1);
  CHECK(confirm.stored[0].first == Rsn{5});
}

TEST_CASE("more exceptions than one message may hold are told in several") {
  CollectorOptions options;
  options.frame.max_entries = 2;
  Rig rig(options);
  const Sid sid = rig.open(ann, "w1");
  rig.answer = {StoreAnswer::Code::later, 10};
  rig.receive(ann, sid, 1, outcomes({outcome(1, 1), outcome(2, 2), outcome(3, 3)}));
  CHECK(rig.expect<SinkConfirm>(ann).exceptions.size() == 2);
  CHECK(rig.expect<SinkConfirm>(ann).exceptions.size() == 1);
  CHECK(rig.last_n == 2);
}

TEST_CASE("a sink with all the producers it may have says when to come again") {
  CollectorOptions options;
  options.max_producers = 1;
  Rig rig(options);
  rig.open(ann, "w1");
  rig.receive(bob, Sid{}, 1, SinkOpen{});
  const auto busy = rig.expect<ErrorMessage>(bob);
  CHECK(busy.code == Code::busy);
  CHECK(busy.retry_ms > 0);
}

TEST_CASE("a log too many is deferred, not lost") {
  CollectorOptions options;
  options.max_logs = 1;
  Rig rig(options);
  rig.collector.restore(log_b, Seq{1}, Status::done);  // the file's own logs do not count
  const Sid sid = rig.open(ann, "w1");
  rig.receive(ann, sid, 1, outcomes({outcome(1, 1)}, log_a));
  check_range(rig.expect<SinkConfirm>(ann), 1, 1);
  rig.receive(ann, sid, 2, outcomes({outcome(2, 1)}, Log{0xC}));
  check_exception(rig.expect<SinkConfirm>(ann), 2, Code::defer, {}, 60'000);
}

TEST_CASE("a producer whose connection is gone is forgotten at once") {
  Rig rig;
  const Sid sid = rig.open(ann, "w1");
  rig.collector.unreachable(ann);
  CHECK(rig.collector.stats().producers == 0);
  rig.receive(ann, sid, 1, SinkBeat{});
  CHECK(rig.expect<ErrorMessage>(ann).code == Code::unknown_session);
}

TEST_CASE("what was handed to the store stays readable when its producer is dropped meanwhile") {
  Rig rig;
  const Sid sid = rig.open(ann, "a-worker-with-quite-a-long-name");
  const Envelope in{sid, 1, outcomes({outcome(1, 1)})};
  rig.collector.receive(ann, in, rig.now);
  rig.collector.unreachable(ann);
  rig.turn();
  REQUIRE(rig.stored.size() == 1);
  CHECK(rig.stored[0].producer == "a-worker-with-quite-a-long-name");
}

TEST_SUITE_END();
