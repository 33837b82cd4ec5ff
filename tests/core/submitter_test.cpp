// submitter_test.cpp: a client's session, its waits and its questions, in virtual time.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/submitter.hpp"
#include "core/submitter_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::submitter_rig;

TEST_SUITE_BEGIN("submitter");

// PROTOCOL section 6: "H heartbeat ... sent only if nothing else was".
TEST_CASE("a beat is sent a heartbeat after the last message, and at no other time") {
  Rig rig;
  rig.open();
  rig.advance(2s - 1ns);
  CHECK(rig.sent.empty());
  rig.advance(1ns);
  rig.expect<ClientBeat>();
  rig.receive(rig.n, ClientBeaten{1000, 1 << 20});
  rig.advance(1s);
  rig.submit(1);
  rig.advance(0ns);
  rig.expect_submit(1);
  rig.receive(1, Rig::confirm(1));
  rig.answers.clear();
  rig.advance(2s - 1ns);
  CHECK(rig.sent.empty());
  rig.advance(1ns);
  rig.expect<ClientBeat>();
}

TEST_CASE("a ventilator silent for D gets a new socket") {
  Rig rig;
  rig.open();
  for (int i = 0; i < 3; ++i) {
    rig.advance(2s);
    rig.expect<ClientBeat>();
  }
  rig.advance(2s - 1ns);
  CHECK(rig.link == Submitter::Link::keep);
  rig.advance(1ns);
  CHECK(rig.link == Submitter::Link::close);
  CHECK_FALSE(rig.submitter.ready());
  rig.wait_for_socket();
  CHECK(rig.sockets == 2);
  rig.open();
}

TEST_CASE("an open without answer is given up after D") {
  Rig rig;
  rig.expect<ClientOpen>();
  rig.advance(8s - 1ns);
  CHECK(rig.link == Submitter::Link::keep);
  rig.advance(1ns);
  CHECK(rig.link == Submitter::Link::close);
  rig.wait_for_socket();
  rig.open();
}

// PROTOCOL section 6: "new socket after 50-200, then doubling with full jitter up to 5000".
TEST_CASE("waits between connections grow up to five seconds, and start anew after an OPENED") {
  Rig rig;
  Duration longest{};
  for (int i = 0; i < 20; ++i) {
    rig.expect<ClientOpen>();
    rig.submitter.link_lost(rig.now);
    rig.take();
    const Duration wait = *rig.submitter.next_deadline() - rig.now;
    CHECK(wait >= 50ms);
    CHECK(wait <= (i == 0 ? 200ms : 5000ms));
    longest = std::max(longest, wait);
    rig.wait_for_socket();
  }
  CHECK(longest > 1s);
  rig.open();
  rig.submitter.link_lost(rig.now);
  rig.take();
  CHECK(*rig.submitter.next_deadline() - rig.now <= 200ms);
}

TEST_CASE("errors that end the session make a new one") {
  for (const Code code : {Code::unknown_session, Code::session_replaced, Code::credit_exceeded}) {
    Rig rig;
    rig.open();
    rig.receive(0, ErrorMessage{code, "go away", 0, {}});
    CHECK(rig.link == Submitter::Link::close);
    CHECK(rig.submitter.last_error().code == code);
    rig.wait_for_socket();
    rig.open();
    CHECK(rig.submitter.last_error().code == Code::ok);
  }
}

TEST_CASE("a ventilator that does not want this client is left alone for a minute") {
  Rig rig;
  rig.expect<ClientOpen>();
  rig.receive(1, ErrorMessage{Code::not_authorized, "no", 0, {}});
  CHECK(rig.link == Submitter::Link::close);
  CHECK(*rig.submitter.next_deadline() == rig.now + 60s);
}

TEST_CASE("a full table of clients is tried again when it said so") {
  Rig rig;
  rig.expect<ClientOpen>();
  rig.receive(1, ErrorMessage{Code::busy, "full", 3000, {}});
  CHECK(*rig.submitter.next_deadline() == rig.now + 3s);
  rig.wait_for_socket();
  rig.open();
}

// PROTOCOL rule 11.
TEST_CASE("an older start of the same ventilator is not listened to") {
  Rig rig;
  rig.open(1000, 1 << 20, log_a, Epoch{5});
  rig.submitter.link_lost(rig.now);
  rig.take();
  rig.wait_for_socket();
  rig.expect<ClientOpen>();
  ClientOpened stale;
  stale.log = log_a;
  stale.epoch = Epoch{4};
  rig.receive(rig.n, stale);
  CHECK(rig.link == Submitter::Link::close);
  CHECK(rig.submitter.last_error().code == Code::stale_epoch);
}

TEST_CASE("a ventilator that ends says so, and the client looks for the next one") {
  Rig rig;
  rig.open();
  rig.receive(0, Bye{Code::draining});
  CHECK(rig.link == Submitter::Link::close);
  rig.wait_for_socket();
  rig.open();
}

TEST_CASE("messages of another session change nothing") {
  Rig rig;
  rig.open(1);
  rig.submit(1);
  rig.submit(2);
  rig.advance(0ns);
  rig.expect_submit(1);
  const Sid own = std::exchange(rig.sid, Sid{999});
  rig.receive(1, Rig::confirm(1));
  rig.receive(0, ClientBeaten{100, 1 << 20});
  CHECK(rig.answers.empty());
  CHECK(rig.submits.empty());
  rig.sid = own;
  rig.receive(1, Rig::confirm(1));
  check(rig.answer(), 1, Code::ok, 1);
  rig.expect_submit(1);
}

TEST_CASE("a question is asked once and answered once") {
  Rig rig;
  rig.submitter.query(7, Query{"status", {"x"}}, rig.now + 5s, rig.now);
  rig.take();
  rig.open();
  const Query query = rig.expect<Query>();
  CHECK(query.verb == "status");
  const std::uint64_t q = rig.n;
  rig.receive(q, Reply{Code::ok, "{}"});
  REQUIRE(rig.replies.size() == 1);
  CHECK(rig.replies[0].cookie == 7);
  CHECK(rig.replies[0].code == Code::ok);
  CHECK(rig.replies[0].json == "{}");
  rig.replies.clear();
  rig.receive(q, Reply{Code::ok, "{}"});
}

TEST_CASE("a question nobody answers ends at its deadline") {
  Rig rig;
  rig.open();
  rig.submitter.query(7, Query{"status", {}}, rig.now + 1s, rig.now);
  rig.take();
  rig.expect<Query>();
  CHECK(*rig.submitter.next_deadline() == rig.now + 1s);
  rig.advance(1s - 1ns);
  CHECK(rig.replies.empty());
  rig.advance(1ns);
  REQUIRE(rig.replies.size() == 1);
  CHECK(rig.replies[0].code == Code::expired);
  rig.replies.clear();
}

TEST_CASE("a question that was under way when the link broke is not asked twice") {
  Rig rig;
  rig.open();
  rig.submitter.cancel(8, {Seq{1}}, rig.now + 50s, rig.now);
  rig.take();
  rig.expect<CancelTasks>();
  rig.reopen();
  REQUIRE(rig.cancels.size() == 1);
  CHECK(rig.cancels[0].code == Code::unknown_session);
  rig.cancels.clear();
}

TEST_CASE("status is asked again on a new connection, since that changes nothing") {
  Rig rig;
  rig.open();
  rig.submitter.query(7, Query{"status", {}}, rig.now + 50s, rig.now);
  rig.take();
  rig.expect<Query>();
  rig.reopen();
  CHECK(rig.replies.empty());
  CHECK(rig.expect<Query>().verb == "status");
  rig.receive(rig.n, Reply{Code::ok, "{}"});
  REQUIRE(rig.replies.size() == 1);
  CHECK(rig.replies[0].json == "{}");
  rig.replies.clear();
}

TEST_CASE("a cancel is answered for each task") {
  Rig rig;
  rig.open();
  rig.submitter.cancel(8, {Seq{1}, Seq{2}}, rig.now + 5s, rig.now);
  rig.take();
  CHECK(rig.expect<CancelTasks>().seqs.size() == 2);
  rig.receive(rig.n, CancelReply{{{Seq{1}, Code::ok}, {Seq{2}, Code::expired}}});
  REQUIRE(rig.cancels.size() == 1);
  CHECK(rig.cancels[0].cookie == 8);
  REQUIRE(rig.cancels[0].answers.size() == 2);
  CHECK(rig.cancels[0].answers[1].code == Code::expired);
  rig.cancels.clear();
}

TEST_CASE("an error that names a question answers it") {
  Rig rig;
  rig.open();
  rig.submitter.query(7, Query{"nonsense", {}}, rig.now + 5s, rig.now);
  rig.take();
  rig.expect<Query>();
  rig.receive(rig.n, ErrorMessage{Code::bad_type, "no such verb", 0, {}});
  REQUIRE(rig.replies.size() == 1);
  CHECK(rig.replies[0].code == Code::bad_type);
  CHECK(rig.replies[0].json == "no such verb");
  rig.replies.clear();
}

TEST_CASE("a refused client is back within a minute, whatever it was told to wait") {
  Rig rig;
  rig.expect<ClientOpen>();
  rig.now = Time(400h * 24);  // a machine that is up for long: now + the wait must not overflow
  rig.receive(rig.n, ErrorMessage{Code::busy, "full", (1ULL << 63) - 1, {}});
  REQUIRE(rig.submitter.next_deadline());
  CHECK(*rig.submitter.next_deadline() > rig.now);
  CHECK(*rig.submitter.next_deadline() <= rig.now + 1min);
  rig.wait_for_socket();
  rig.open();
}

TEST_SUITE_END();
