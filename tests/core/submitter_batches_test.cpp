// submitter_batches_test.cpp: what a client submits, keeps and sends again.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/submitter.hpp"
#include "core/submitter_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::submitter_rig;

TEST_SUITE_BEGIN("submitter_batches");

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
  rig.receive(first.cno,
              Rig::confirm(0, {{0, Code::duplicate, Seq{5}}, {1, Code::duplicate, Seq{6}}}));
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
  rig.receive(1, Rig::confirm(1, {}, 1000, 16));
  check(rig.answer(), 1, Code::ok, 1);
  rig.expect_submit(1);
  rig.receive(2, Rig::confirm(2));
  check(rig.answer(), 2, Code::ok, 2);
}

// Rule 1.5: "one that is sent again in a session which begins with less must go as it was".
TEST_CASE("a batch goes again as it was, though the new session begins with less credit") {
  Rig rig;
  rig.open(10);
  for (std::uint64_t cookie = 1; cookie <= 8; ++cookie) rig.submit(cookie);
  rig.advance(0ns);
  CHECK(rig.expect_submit(8).entries.size() == 8);
  rig.reopen(3);
  CHECK(rig.expect_submit(8).entries.size() == 8);
  rig.submit(9);
  rig.advance(1ms);
  CHECK(rig.submits.empty());  // it has spent all of it, and more
  rig.receive(0, ClientBeaten{9, 1'000'000});
  rig.expect_submit(1);
}

TEST_CASE("what overran the credit in bytes is not sent a second time") {
  Rig rig;
  rig.open(1000, 10);
  for (std::uint64_t cookie = 1; cookie <= 3; ++cookie) {
    rig.submit(cookie, {}, "9 bytes..");
    rig.advance(1ms);
  }
  rig.expect_submit(1);
  rig.expect_submit(1);  // it goes because one byte is left, and overruns by eight
  CHECK(rig.submits.empty());
  rig.receive(0, ClientBeaten{1000, 18});
  CHECK(rig.submits.empty());
  rig.receive(0, ClientBeaten{1000, 19});
  rig.expect_submit(1);
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
