// watcher_test.cpp: a client waits for outcomes at a sink, in virtual time.
// SPDX-License-Identifier: MIT
#include "core/watcher.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

using namespace sluice::core;
using namespace std::chrono_literals;

namespace {

constexpr Boot boot{0xB0};
constexpr Log log_a{0xA}, log_b{0xB};

// A watcher and its shell: keeps what was sent, and fails the test on what it did not take.
struct Rig {
  explicit Rig(WatcherOptions options = {}) : watcher(std::move(options), boot, 42) {}
  ~Rig() {
    CHECK(sent.empty());
    CHECK(told.empty());
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  void take() {
    auto effects = watcher.take_effects(now);
    link = effects.link;
    for (Envelope& envelope : effects.sends) sent.push_back(std::move(envelope));
  }
  void tell() {
    for (const Arrival& arrival : arrivals)
      told.push_back({arrival.cookie, arrival.outcome == nullptr,
                      arrival.outcome ? std::string(as_text(arrival.outcome->payload)) : "",
                      std::string(arrival.worker)});
    arrivals.clear();
  }
  void watch(std::uint64_t seq, std::uint64_t cookie, const Log& log = log_a) {
    watcher.watch({log, Seq{seq}}, cookie, now);
  }
  void advance(Duration by) {
    now += by;
    watcher.advance(now, arrivals);
    tell();
    take();
  }
  void receive(std::uint64_t number, Message message) {
    const Envelope in{sid, number, std::move(message)};  // arrivals show what is in it
    watcher.receive(in, now, arrivals);
    tell();
    watcher.advance(now, arrivals);
    tell();
    take();
  }
  template <typename M>
  M expect() {
    REQUIRE_FALSE(sent.empty());
    REQUIRE(std::holds_alternative<M>(sent.front().message));
    n = sent.front().n;
    M message = std::get<M>(std::move(sent.front().message));
    sent.pop_front();
    return message;
  }
  void expect_watch(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> ranges,
                    std::uint64_t seen, const Log& log = log_a) {
    const Watch watch = expect<Watch>();
    CHECK(watch.seen == seen);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> got;
    for (const SeqRange& r : watch.ranges) got.emplace_back(raw(r.first), raw(r.last));
    CHECK(got == std::vector(ranges));
    if (!watch.ranges.empty()) CHECK(watch.log == log);
  }
  void open() {
    CHECK(expect<SinkOpen>().boot == boot);
    sid = Sid{raw(sid) + 1};
    SinkOpened opened;
    opened.heartbeat_ms = 2000;
    opened.dead_ms = 8000;
    receive(n, opened);
    CHECK(watcher.is_open());
  }
  void outcome(std::uint64_t number, std::initializer_list<std::uint64_t> seqs,
               const Log& log = log_a) {
    Watched watched;
    watched.outcomes.log = log;
    watched.outcomes.types = {"resize"};
    watched.workers = {"w1"};
    for (const std::uint64_t seq : seqs) {
      OutcomeEntry& entry = watched.outcomes.entries.emplace_back();
      entry.seq = Seq{seq};
      entry.payload = as_bytes("result");
      watched.worker_index.push_back(0);
    }
    receive(number, std::move(watched));
  }
  void expect_told(std::uint64_t cookie, bool given_up = false) {
    REQUIRE_FALSE(told.empty());
    CHECK(told.front().cookie == cookie);
    CHECK(told.front().given_up == given_up);
    CHECK(told.front().payload == (given_up ? "" : "result"));
    told.pop_front();
  }
  void wait_for_socket() {
    REQUIRE(watcher.next_deadline());
    advance(*watcher.next_deadline() - now);
    CHECK(link == Watcher::Link::open);
  }

  struct Heard {
    std::uint64_t cookie = 0;
    bool given_up = false;
    std::string payload, worker;
  };
  Time now{1000s};
  Watcher watcher;
  Watcher::Link link{};
  Sid sid{};
  std::uint64_t n = 0;
  std::deque<Envelope> sent;
  std::deque<Heard> told;
  std::vector<Arrival> arrivals;
};

}  // namespace

TEST_SUITE("watcher") {
  TEST_CASE("no connection is made before there is something to wait for") {
    Rig rig;
    rig.advance(1h);
    CHECK(rig.link == Watcher::Link::keep);
    CHECK_FALSE(rig.watcher.next_deadline());
    rig.watch(5, 50);
    rig.take();
    CHECK(rig.link == Watcher::Link::open);
    rig.open();
    rig.expect_watch({{5, 5}}, 0);
    rig.outcome(1, {5});
    rig.expect_told(50);
    CHECK(rig.watcher.awaited() == 0);
  }

  TEST_CASE("neighbours are one range, and each is said once") {
    Rig rig;
    for (const unsigned seq : {1U, 2U, 3U, 7U, 9U}) rig.watch(seq, seq);
    rig.take();
    rig.open();
    rig.expect_watch({{1, 3}, {7, 7}, {9, 9}}, 0);
    rig.watch(10, 10);
    rig.watch(3, 33);  // known to the sink already
    rig.take();
    rig.expect_watch({{10, 10}}, 0);
    rig.outcome(1, {3});
    rig.expect_told(3);
    rig.expect_told(33);
  }

  TEST_CASE("what a message cannot hold goes into the next") {
    WatcherOptions options;
    options.max_entries = 2;
    Rig rig(options);
    for (const unsigned seq : {1U, 3U, 5U}) rig.watch(seq, seq);
    rig.watch(7, 7, log_b);
    rig.take();
    rig.open();
    rig.expect_watch({{1, 1}, {3, 3}}, 0);
    rig.expect_watch({{5, 5}}, 0);
    rig.expect_watch({{7, 7}}, 0, log_b);
  }

  TEST_CASE("an acknowledgement rides on the next WATCH, or goes alone after a heartbeat") {
    Rig rig;
    rig.watch(1, 1);
    rig.watch(2, 2);
    rig.take();
    rig.open();
    rig.expect_watch({{1, 2}}, 0);
    rig.outcome(1, {1});
    rig.expect_told(1);
    CHECK(rig.sent.empty());
    rig.watch(3, 3);
    rig.take();
    rig.expect_watch({{3, 3}}, 1);
    rig.outcome(2, {2});
    rig.expect_told(2);
    rig.advance(2s - 1ns);
    CHECK(rig.sent.empty());
    rig.advance(1ns);
    rig.expect_watch({}, 2);
    rig.advance(2s);
    rig.expect<SinkBeat>();
  }

  TEST_CASE("much that is not acknowledged is so at once") {
    WatcherOptions options;
    options.unseen_outcomes = 3;
    Rig rig(options);
    for (const unsigned seq : {1U, 2U, 3U}) rig.watch(seq, seq);
    rig.take();
    rig.open();
    rig.expect_watch({{1, 3}}, 0);
    rig.outcome(1, {1, 2});
    CHECK(rig.sent.empty());
    rig.outcome(2, {3});
    rig.expect_watch({}, 2);
    for (const unsigned cookie : {1U, 2U, 3U}) rig.expect_told(cookie);
  }

  TEST_CASE("a new session waits for all that has not come, and tells nothing twice") {
    Rig rig;
    for (const unsigned seq : {1U, 2U, 3U}) rig.watch(seq, seq);
    rig.take();
    rig.open();
    rig.expect_watch({{1, 3}}, 0);
    rig.outcome(1, {2});
    rig.expect_told(2);
    rig.watcher.link_lost(rig.now);
    rig.take();
    CHECK(rig.link == Watcher::Link::close);
    rig.watch(4, 4);
    rig.take();
    rig.wait_for_socket();
    rig.open();
    rig.expect_watch({{1, 1}, {3, 4}}, 0);
    rig.outcome(1, {1, 2, 3});  // 2 again: the acknowledgement was lost with the connection
    rig.expect_told(1);
    rig.expect_told(3);
    CHECK(rig.watcher.stats().repeated == 1);
  }

  TEST_CASE("a silent sink is left after D, one that answers beats is not") {
    Rig rig;
    rig.watch(1, 1);
    rig.take();
    rig.open();
    rig.expect_watch({{1, 1}}, 0);
    for (int i = 0; i < 10; ++i) {
      rig.advance(2s);
      rig.expect<SinkBeat>();
      rig.receive(rig.n, SinkBeaten{});
    }
    for (int i = 0; i < 3; ++i) {
      rig.advance(2s);
      rig.expect<SinkBeat>();
    }
    CHECK(rig.link == Watcher::Link::keep);
    rig.advance(2s);
    CHECK(rig.link == Watcher::Link::close);
  }

  TEST_CASE("a full sink is asked again for everything, when it said") {
    Rig rig;
    rig.watch(1, 1);
    rig.watch(2, 2);
    rig.take();
    rig.open();
    rig.expect_watch({{1, 2}}, 0);
    ErrorMessage busy;
    busy.code = Code::busy;
    busy.retry_ms = 700;
    rig.receive(1, busy);
    CHECK(rig.link == Watcher::Link::keep);
    rig.watch(3, 3);
    rig.advance(700ms - 1ns);
    CHECK(rig.sent.empty());
    rig.advance(1ns);
    rig.expect_watch({{1, 3}}, 0);
  }

  TEST_CASE("a sink that does not know the session, or skips a number, gets a new session") {
    Rig rig;
    rig.watch(1, 1);
    rig.take();
    rig.open();
    rig.expect_watch({{1, 1}}, 0);
    rig.outcome(2, {1});
    CHECK(rig.link == Watcher::Link::close);
    rig.wait_for_socket();
    rig.open();
    rig.expect_watch({{1, 1}}, 0);
    ErrorMessage unknown;
    unknown.code = Code::unknown_session;
    rig.receive(1, unknown);
    CHECK(rig.link == Watcher::Link::close);
  }

  TEST_CASE("a sink nobody waits at any more is not connected to again") {
    Rig rig;
    rig.watch(1, 1);
    rig.take();
    rig.open();
    rig.expect_watch({{1, 1}}, 0);
    rig.watcher.forget({log_a, Seq{1}}, 2);  // another cookie
    CHECK(rig.watcher.awaited() == 1);
    rig.watcher.forget({log_a, Seq{1}}, 1);
    rig.watcher.link_lost(rig.now);
    rig.take();
    rig.advance(1min);
    CHECK(rig.link == Watcher::Link::keep);
    CHECK_FALSE(rig.watcher.next_deadline());
  }

  TEST_CASE("tasks of a ventilator that is no more are given up after a while") {
    Rig rig;
    rig.watch(1, 1);
    rig.watch(2, 2);
    rig.watch(1, 101, log_b);
    rig.take();
    rig.open();
    rig.expect_watch({{1, 2}}, 0);
    rig.expect_watch({{1, 1}}, 0, log_b);
    rig.watcher.give_up_others(log_b, rig.now + 1s);
    rig.outcome(1, {2});  // it was under way
    rig.expect_told(2);
    rig.advance(1s - 1ns);
    rig.advance(1ns);
    rig.expect_told(1, true);
    CHECK(rig.watcher.awaited() == 1);
  }
}
