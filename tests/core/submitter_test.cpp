// submitter_test.cpp: what a client sends and learns, in virtual time.
// SPDX-License-Identifier: MIT
#include "core/submitter.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace sluice::core;
using namespace std::chrono_literals;

namespace {

constexpr Boot boot{0xB0};
constexpr Log log_a{0xA}, log_b{0xB};

// A SUBMIT as the ventilator would read it: its views copied.
struct Submitted {
  std::uint64_t cno = 0;
  struct Entry {
    std::string type, key, payload;
  };
  std::vector<Entry> entries;
};

// A client and its shell: keeps what was sent, and fails the test on what it did not take.
struct Rig {
  explicit Rig(SubmitterOptions options = {}) : submitter(std::move(options), boot, 42) {
    submitter.start(now);
    take();
  }
  ~Rig() {
    CHECK(sent.empty());
    CHECK(submits.empty());
    CHECK(answers.empty());
    CHECK(replies.empty());
    CHECK(cancels.empty());
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  void take() {
    auto effects = submitter.take_effects();
    link = effects.link;
    if (link == Submitter::Link::open) ++sockets;
    for (Envelope& envelope : effects.sends) {
      if (const auto* submit = std::get_if<Submit>(&envelope.message)) {
        Submitted copy{envelope.n, {}};
        for (const SubmitEntry& e : submit->entries)
          copy.entries.push_back({std::string(submit->types.at(e.type_index)), std::string(e.key),
                                  std::string(as_text(e.payload))});
        submits.push_back(std::move(copy));
      } else {
        sent.push_back(std::move(envelope));
      }
    }
    effects.sends.clear();
    for (auto& a : effects.answers) answers.push_back(a);
    for (auto& r : effects.replies) replies.push_back(std::move(r));
    for (auto& c : effects.cancels) cancels.push_back(std::move(c));
    log = effects.log;
    submitter.recycle(std::move(effects));
  }
  void advance(Duration by) {
    now += by;
    submitter.advance(now);
    take();
  }
  void submit(std::uint64_t cookie, std::string_view key = {}, std::string_view payload = "p",
              std::string_view type = "resize") {
    NewTask task;
    task.cookie = cookie;
    task.type = type;
    task.key = key;
    task.payload = as_bytes(payload);
    CHECK(submitter.submit(task, now) == Submitter::Taken::yes);
  }
  void receive(std::uint64_t number, Message message) {
    submitter.receive(Envelope{sid, number, std::move(message)}, now);
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
  Submitted expect_submit(std::size_t entries) {
    REQUIRE_FALSE(submits.empty());
    Submitted submit = std::move(submits.front());
    submits.pop_front();
    CHECK(submit.entries.size() == entries);
    return submit;
  }
  SubmitAnswer answer() {
    REQUIRE_FALSE(answers.empty());
    const SubmitAnswer first = answers.front();
    answers.pop_front();
    return first;
  }
  // The ventilator takes the OPEN that must have been sent.
  void open(std::uint64_t tasks_limit = 1000, std::uint64_t bytes_limit = 1 << 20,
            const Log& of = log_a, Epoch epoch = Epoch{1}) {
    CHECK(expect<ClientOpen>().boot == boot);
    sid = Sid{raw(sid) + 1};
    ClientOpened opened;
    opened.log = of;
    opened.epoch = epoch;
    opened.heartbeat_ms = 2000;
    opened.dead_ms = 8000;
    opened.max_frame = 4 << 20;
    opened.max_entries = 4096;
    opened.tasks_limit = tasks_limit;
    opened.bytes_limit = bytes_limit;
    receive(n, opened);
    CHECK(submitter.ready());
  }
  // The connection breaks, and the next one stands.
  void reopen(std::uint64_t tasks_limit = 1000, const Log& of = log_a, Epoch epoch = Epoch{1}) {
    submitter.link_lost(now);
    take();
    CHECK(link == Submitter::Link::close);
    wait_for_socket();
    open(tasks_limit, 1 << 20, of, epoch);
  }
  void wait_for_socket() {
    REQUIRE(submitter.next_deadline());
    advance(*submitter.next_deadline() - now);
    CHECK(link == Submitter::Link::open);
  }
  static SubmitConfirm confirm(std::uint64_t first, std::vector<SubmitException> exceptions = {},
                               std::uint64_t tasks = 1000, std::uint64_t bytes = 1 << 20) {
    return {Seq{first}, std::move(exceptions), tasks, bytes};
  }

  Time now{1000s};
  Submitter submitter;
  Submitter::Link link{};
  int sockets = 0;
  Sid sid{};
  std::uint64_t n = 0;
  Log log{};
  std::deque<Envelope> sent;
  std::deque<Submitted> submits;
  std::deque<SubmitAnswer> answers;
  std::deque<QueryAnswer> replies;
  std::deque<CancelDone> cancels;
};

void check(const SubmitAnswer& answer, std::uint64_t cookie, Code code, std::uint64_t seq) {
  CHECK(answer.cookie == cookie);
  CHECK(answer.code == code);
  CHECK(answer.seq == Seq{seq});
}

}  // namespace

TEST_SUITE_BEGIN("submitter");

TEST_CASE("tasks submitted in one turn leave in one message, and each is answered") {
  Rig rig;
  rig.open();
  rig.submit(1, "k1", "a");
  rig.submit(2, {}, "b", "crop");
  rig.submit(3, {}, "c");
  rig.advance(0ns);
  const Submitted submit = rig.expect_submit(3);
  CHECK(submit.cno == 1);
  CHECK(submit.entries[0].key == "k1");
  CHECK(submit.entries[0].type == "resize");
  CHECK(submit.entries[1].type == "crop");
  CHECK(submit.entries[1].payload == "b");
  CHECK(submit.entries[2].type == "resize");
  CHECK(rig.submitter.stats().unconfirmed == 3);
  rig.receive(1, Rig::confirm(10));
  check(rig.answer(), 1, Code::ok, 10);
  check(rig.answer(), 2, Code::ok, 11);
  check(rig.answer(), 3, Code::ok, 12);
  CHECK(rig.log == log_a);
  CHECK(rig.submitter.stats().unconfirmed == 0);
  CHECK(rig.submitter.stats().unconfirmed_bytes == 0);
}

TEST_CASE("what is submitted before the session stands leaves when it does") {
  Rig rig;
  rig.submit(1);
  rig.advance(0ns);
  CHECK(rig.submits.empty());
  rig.open();
  rig.expect_submit(1);
  rig.receive(1, Rig::confirm(1));
  check(rig.answer(), 1, Code::ok, 1);
}

// PROTOCOL, C2: "entries without an exception got first_seq, +1, ... in order".
TEST_CASE("exceptions are told, and the others are numbered as if those were not there") {
  Rig rig;
  rig.open();
  for (std::uint64_t i = 0; i < 4; ++i) rig.submit(i);
  rig.advance(0ns);
  rig.expect_submit(4);
  rig.receive(1, Rig::confirm(50, {{1, Code::duplicate, Seq{7}}, {2, Code::conflict, Seq{}}}));
  check(rig.answer(), 0, Code::ok, 50);
  check(rig.answer(), 1, Code::duplicate, 7);
  check(rig.answer(), 2, Code::conflict, 0);
  check(rig.answer(), 3, Code::ok, 51);
}

// Case 22, the client's half: "client resends SUBMIT after a lost CONFIRM".
TEST_CASE("a submit without its confirm comes again as it was: same boot, same number") {
  Rig rig;
  rig.open();
  rig.submit(1, "k", "a");
  rig.submit(2, {}, "b");
  rig.advance(0ns);
  const Submitted first = rig.expect_submit(2);

  SUBCASE("on the same connection, after ten seconds, then twenty") {
    // The ventilator lives: only the CONFIRM was lost.
    const auto live = [&](Duration by) {
      for (Duration done{}; done < by; done += 1s) {
        rig.advance(1s);
        while (!rig.sent.empty()) {
          rig.expect<ClientBeat>();
          rig.receive(rig.n, ClientBeaten{1000, 1 << 20});
        }
      }
    };
    live(9s);
    CHECK(rig.submits.empty());
    live(1s);
    CHECK(rig.expect_submit(2).cno == first.cno);
    live(19s);
    CHECK(rig.submits.empty());
    live(1s);
    CHECK(rig.expect_submit(2).cno == first.cno);
  }
  SUBCASE("on the next connection, at once") {
    rig.reopen();
    const Submitted again = rig.expect_submit(2);
    CHECK(again.cno == first.cno);
    CHECK(again.entries[0].key == "k");
    CHECK(again.entries[1].payload == "b");
  }
  // The ventilator knew it, and says which seqs it gave then.
  rig.receive(first.cno, Rig::confirm(0, {{0, Code::duplicate, Seq{5}}, {1, Code::duplicate, Seq{6}}}));
  check(rig.answer(), 1, Code::duplicate, 5);
  check(rig.answer(), 2, Code::duplicate, 6);
  // A second confirm of the same number answers nobody.
  rig.receive(first.cno, Rig::confirm(5));
  CHECK(rig.answers.empty());
}

TEST_CASE("after a reconnect the unconfirmed go first and in order, then what is new") {
  Rig rig;
  rig.open();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    rig.submit(i, {}, std::string(1, static_cast<char>('a' + i)));
    rig.advance(0ns);
    rig.expect_submit(1);
  }
  rig.receive(2, Rig::confirm(20));
  check(rig.answer(), 2, Code::ok, 20);
  rig.submit(4);
  rig.reopen();
  CHECK(rig.expect_submit(1).cno == 1);
  CHECK(rig.expect_submit(1).cno == 3);
  CHECK(rig.expect_submit(1).cno == 4);
  rig.receive(1, Rig::confirm(30));
  rig.receive(3, Rig::confirm(31));
  rig.receive(4, Rig::confirm(32));
  check(rig.answer(), 1, Code::ok, 30);
  check(rig.answer(), 3, Code::ok, 31);
  check(rig.answer(), 4, Code::ok, 32);
}

TEST_CASE("a ventilator with another log gets the unconfirmed tasks in new submits") {
  Rig rig;
  rig.open(1000);
  for (std::uint64_t i = 1; i <= 3; ++i) rig.submit(i);
  rig.advance(0ns);
  CHECK(rig.expect_submit(3).cno == 1);
  rig.reopen(2, log_b);  // and less credit than the old submit was large
  CHECK(rig.expect_submit(2).cno == 2);
  rig.receive(2, Rig::confirm(1, {}, 3));
  check(rig.answer(), 1, Code::ok, 1);
  check(rig.answer(), 2, Code::ok, 2);
  CHECK(rig.log == log_b);
  CHECK(rig.expect_submit(1).cno == 3);
  rig.receive(3, Rig::confirm(3, {}, 4));
  check(rig.answer(), 3, Code::ok, 3);
}

// PROTOCOL rule 1, "the client's tasks_limit".
TEST_CASE("no more tasks leave than the ventilator allows, in order") {
  Rig rig;
  rig.open(2);
  for (std::uint64_t i = 1; i <= 5; ++i) rig.submit(i);
  rig.advance(0ns);
  rig.expect_submit(2);
  rig.receive(1, Rig::confirm(1, {}, 3));
  check(rig.answer(), 1, Code::ok, 1);
  check(rig.answer(), 2, Code::ok, 2);
  rig.expect_submit(1);
  rig.receive(0, ClientBeaten{2, 1 << 20});  // overtaken: limits never fall
  CHECK(rig.submits.empty());
  rig.receive(0, ClientBeaten{5, 1 << 20});
  rig.expect_submit(2);
  rig.receive(2, Rig::confirm(3, {}, 5));
  rig.receive(3, Rig::confirm(4, {}, 5));
  rig.answers.clear();
}

TEST_CASE("credit in bytes stops new tasks, but a larger one than it may go alone") {
  Rig rig;
  rig.open(1000, 10);
  rig.submit(1, {}, "123456789012345");
  rig.submit(2, {}, "x");
  rig.advance(0ns);
  rig.expect_submit(1);
  rig.receive(1, Rig::confirm(1, {}, 1000, 11));
  check(rig.answer(), 1, Code::ok, 1);
  rig.expect_submit(1);
  rig.receive(2, Rig::confirm(2));
  check(rig.answer(), 2, Code::ok, 2);
}

TEST_CASE("a message holds 64 KiB, or one larger task") {
  Rig rig;
  rig.open();
  const std::string half(33'000, 'x'), large(200'000, 'y');
  rig.submit(1, {}, half);
  rig.submit(2, {}, half);
  rig.submit(3, {}, large);
  rig.advance(0ns);
  rig.expect_submit(1);
  rig.expect_submit(1);
  CHECK(rig.expect_submit(1).entries[0].payload.size() == 200'000);
  for (std::uint64_t cno = 1; cno <= 3; ++cno) rig.receive(cno, Rig::confirm(cno));
  rig.answers.clear();
}

TEST_CASE("a message names no more types than it may") {
  Rig rig;
  rig.open();
  for (std::uint64_t i = 0; i < 300; ++i) rig.submit(i, {}, "p", "type" + std::to_string(i));
  rig.advance(0ns);
  rig.expect_submit(256);
  CHECK(rig.expect_submit(44).entries[0].type == "type256");
  rig.receive(1, Rig::confirm(1));
  rig.receive(2, Rig::confirm(257));
  CHECK(rig.answers.size() == 300);
  rig.answers.clear();
}

TEST_CASE("the client's own limits hold tasks back") {
  SubmitterOptions options;
  options.max_unconfirmed = 2;
  Rig rig(options);
  rig.submit(1);
  rig.submit(2);
  NewTask third;
  third.type = "resize";
  CHECK(rig.submitter.submit(third, rig.now) == Submitter::Taken::full);
  rig.open();
  rig.expect_submit(2);
  rig.receive(1, Rig::confirm(1));
  rig.answers.clear();
  CHECK(rig.submitter.submit(third, rig.now) == Submitter::Taken::yes);
}

TEST_CASE("a task that no frame can hold is refused, whether the limit is known yet or not") {
  Rig rig;
  const std::string huge(4 << 20, 'x');
  rig.submit(1, {}, huge);
  rig.open();
  check(rig.answer(), 1, Code::too_large, 0);
  NewTask task;
  task.type = "resize";
  task.payload = as_bytes(huge);
  CHECK(rig.submitter.submit(task, rig.now) == Submitter::Taken::too_large);
}

// PROTOCOL code 11: "BUSY(retry_ms)".
TEST_CASE("a busy ventilator gets the same submit again when it said so") {
  Rig rig;
  rig.open();
  rig.submit(1);
  rig.advance(0ns);
  const std::uint64_t cno = rig.expect_submit(1).cno;
  rig.receive(cno, ErrorMessage{Code::busy, "full", 500, {}});
  rig.submit(2);
  rig.advance(499ms);
  CHECK(rig.submits.empty());
  rig.advance(1ms);
  std::set<std::uint64_t> cnos{rig.expect_submit(1).cno, rig.expect_submit(1).cno};
  CHECK(cnos == std::set<std::uint64_t>{cno, cno + 1});
  rig.receive(cno, Rig::confirm(1));
  rig.receive(cno + 1, Rig::confirm(2));
  rig.answers.clear();
}

TEST_CASE("a task that found no room goes again by itself a second later") {
  Rig rig;
  rig.open();
  rig.submit(1);
  rig.submit(2);
  rig.advance(0ns);
  rig.expect_submit(2);
  rig.receive(1, Rig::confirm(1, {{1, Code::busy, Seq{}}}));
  check(rig.answer(), 1, Code::ok, 1);
  rig.advance(1s - 1ns);
  CHECK(rig.submits.empty());
  rig.advance(1ns);
  CHECK(rig.expect_submit(1).cno == 2);
  rig.receive(2, Rig::confirm(2));
  check(rig.answer(), 2, Code::ok, 2);
}

TEST_CASE("a draining ventilator refuses, and the tasks are the caller's again") {
  Rig rig;
  rig.open();
  rig.submit(1);
  rig.submit(2);
  rig.advance(0ns);
  rig.expect_submit(2);
  rig.receive(1, ErrorMessage{Code::draining, "no more", 0, {}});
  check(rig.answer(), 1, Code::draining, 0);
  check(rig.answer(), 2, Code::draining, 0);
}

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

// A hostile ventilator may confirm what is not even on its way: the message that is still
// shows the tasks' bytes.
TEST_CASE("a confirm that comes in the turn of its submit leaves the message whole") {
  Rig rig;
  rig.submit(1, {}, std::string(40'000, 'z'));
  rig.expect<ClientOpen>();
  rig.sid = Sid{1};
  ClientOpened opened;
  opened.log = log_a;
  opened.max_frame = 4 << 20;
  opened.max_entries = 10;
  opened.tasks_limit = 10;
  opened.bytes_limit = 10;
  rig.submitter.receive(Envelope{rig.sid, 1, opened}, rig.now);
  rig.submitter.receive(Envelope{rig.sid, 1, Rig::confirm(1)}, rig.now);
  rig.take();
  CHECK(rig.expect_submit(1).entries[0].payload == std::string(40'000, 'z'));
  check(rig.answer(), 1, Code::ok, 1);
}

TEST_SUITE_END();
