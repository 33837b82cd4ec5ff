// dispatcher_clients_test.cpp: what submitters may send, and what they are told.
// SPDX-License-Identifier: MIT
#include "core/dispatcher_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::rig;

namespace {

std::vector<SubmitEntry> plain(std::size_t count) { return std::vector<SubmitEntry>(count); }

}  // namespace

TEST_SUITE("dispatcher clients") {
  TEST_CASE("an OPEN is answered with the terms, and the same if it is repeated") {
    DispatcherOptions options = one_sink();
    options.max_tasks = 1000;
    Rig rig(options);
    Client ann(1);
    const ClientOpened opened = rig.open(ann);
    CHECK(opened.log == kLog);
    CHECK(opened.epoch == Epoch{1});
    CHECK(opened.heartbeat_ms == 2000);
    CHECK(opened.dedup_ms == 600'000);
    CHECK_FALSE(opened.durable);
    CHECK(opened.tasks_limit == 500);  // half: another client shall find some, too
    const Sid sid = ann.sid;
    --ann.tries;
    rig.open(ann);
    CHECK(ann.sid == sid);
    rig.open(ann);  // a new try is a new session
    CHECK(ann.sid != sid);
    CHECK(rig.status().clients == 1);
  }

  // C2: "entries without an exception got first_seq, +1, ... in order".
  TEST_CASE("tasks get numbers in order, exceptions none") {
    Rig rig;
    Client ann(1);
    rig.open(ann);
    SubmitEntry huge;
    const std::string large((4 << 20) - (64 << 10) + 1, 'x');
    huge.payload = as_bytes(large);
    const SubmitConfirm first = rig.submit_as(ann, 1, {with_key("a"), huge, with_key("b")});
    CHECK(raw(first.first) == 1);
    REQUIRE(first.exceptions.size() == 1);
    CHECK(first.exceptions[0].index == 1);
    CHECK(first.exceptions[0].code == Code::too_large);
    const SubmitConfirm second = rig.submit_as(ann, 2, plain(2));
    CHECK(raw(second.first) == 3);
    CHECK(rig.machine.unsettled() == 4);
    CHECK(rig.machine.counters().refused == 1);
  }

  // Case 22: "client resends SUBMIT after a lost CONFIRM: same session and cno, or same key:
  // DUPLICATE with the first seq; other payload under a known key: CONFLICT".
  TEST_CASE("a SUBMIT sent again is answered again and makes no second task") {
    Rig rig;
    Client ann(1);
    rig.open(ann);
    const SubmitConfirm first = rig.submit_as(ann, 1, plain(3));
    const SubmitConfirm again = rig.submit_as(ann, 1, plain(3));
    CHECK(again.first == first.first);
    ann.peer = PeerId{11};
    rig.open(ann);
    CHECK(rig.submit_as(ann, 1, plain(3)).first == first.first);
    CHECK(rig.machine.unsettled() == 3);
    CHECK(rig.machine.counters().duplicates == 6);
    Client bob(2);  // another boot counts for itself
    rig.open(bob);
    CHECK(raw(rig.submit_as(bob, 1, plain(1)).first) == 4);
  }

  TEST_CASE("a known key is a DUPLICATE, with another payload a CONFLICT") {
    Rig rig;
    Client ann(1);
    Client bob(2);
    rig.open(ann);
    rig.open(bob);
    rig.submit_as(ann, 1, {with_key("k", "work")});
    const SubmitConfirm second = rig.submit_as(
        bob, 1, {with_key("k", "work"), with_key("k", "other"), with_key("l"), with_key("l")});
    REQUIRE(second.exceptions.size() == 3);
    CHECK(second.exceptions[0].code == Code::duplicate);
    CHECK(raw(second.exceptions[0].seq) == 1);
    CHECK(second.exceptions[1].code == Code::conflict);
    CHECK(second.exceptions[2].index == 3);
    CHECK(second.exceptions[2].code == Code::duplicate);
    CHECK(raw(second.exceptions[2].seq) == 2);
    CHECK(rig.machine.counters().conflicts == 1);
    // The same for a submitter in this process.
    const auto seq = rig.machine.reserve(2);
    REQUIRE(seq);
    CHECK(rig.machine.submit(*seq, "t", with_key("k", "work"), rig.now) == Code::duplicate);
    CHECK(rig.machine.submit(next(*seq), "u", with_key("k", "work"), rig.now) == Code::conflict);
    CHECK(rig.machine.counters().conflicts == 2);
    CHECK(rig.machine.unsettled() == 2);
  }

  // SUBMIT flag 1, TASKS flag 2, OUTCOMES flag 4.
  TEST_CASE("that an outcome is wanted travels to the worker, and into the ventilator's own") {
    Rig rig;
    Client ann(1);
    Worker bob(2, "bob");
    CHECK(rig.open(ann).sinks == one_sink().sinks);
    SubmitEntry wanted;
    wanted.flags = kSubmitWanted;
    for (const bool wants : {true, false}) {
      rig.submit_as(ann, wants ? 1 : 2, {wants ? wanted : SubmitEntry{}});
      const Seq seq{wants ? 1U : 2U};
      CHECK(rig.machine.cancel(seq, rig.now));
      rig.turn();
      const OutcomeEntry outcome = rig.expect_outcome();
      CHECK(((outcome.flags & kOutcomeWanted) != 0) == wants);
      rig.confirm(outcome.rsn);
    }
    rig.join(bob, kMany);
    rig.submit_as(ann, 3, {wanted});
    CHECK((rig.task_for(bob).flags & kTaskWanted) != 0);
    rig.submit_as(ann, 4, plain(1));
    CHECK((rig.task_for(bob).flags & kTaskWanted) == 0);
  }

  TEST_CASE("who submits a known task again and waits makes it wanted, if it has not left") {
    Rig rig;
    Client ann(1);
    Worker bob(2, "bob");
    rig.open(ann);
    rig.submit_as(ann, 1, {with_key("k", "work")});
    SubmitEntry again = with_key("k", "work");
    again.flags = kSubmitWanted;
    CHECK(rig.submit_as(ann, 2, {again}).exceptions.size() == 1);
    rig.join(bob, 1);
    CHECK((rig.task_for(bob).flags & kTaskWanted) != 0);
  }

  TEST_CASE("a key is forgotten after the window, but not before its task is settled") {
    DispatcherOptions options = one_sink();
    options.dedup_window = 10s;
    Rig rig(options);
    Client ann(1);
    Worker bob(2, "bob");
    rig.open(ann);
    rig.join(bob, kMany);
    rig.submit_as(ann, 1, {with_key("k")});
    const TaskEntry task = rig.task_for(bob);
    for (int i = 0; i < 30; ++i) {
      rig.pass(1s, {&bob});
      rig.receive(ann.peer, ann.sid, 0, ClientBeat{});
      rig.expect<ClientBeaten>(ann.peer);
    }
    CHECK(rig.submit_as(ann, 2, {with_key("k")}).exceptions.size() == 1);
    rig.ack(bob, task);
    CHECK(rig.submit_as(ann, 3, {with_key("k")}).exceptions.size() == 1);
    rig.pass(11s, {&bob});
    CHECK(rig.submit_as(ann, 4, {with_key("k")}).exceptions.empty());
    rig.task_for(bob);
  }

  // Rule 1: "limits never decrease ... The same for ... the client's tasks_limit".
  TEST_CASE("a client that sends more than it may is told so, and nothing is taken") {
    DispatcherOptions options = one_sink();
    options.max_tasks = 2;
    Rig rig(options);
    Client ann(1);
    rig.open(ann);
    CHECK(rig.submit_as(ann, 1, plain(2)).tasks_limit == 2);  // it is full
    rig.send_submit(ann, 2, plain(1));
    CHECK(rig.expect<ErrorMessage>(ann.peer).code == Code::credit_exceeded);
    CHECK(rig.last_n == 2);
    CHECK(rig.machine.unsettled() == 2);
    CHECK(rig.machine.counters().credit_exceeded == 1);
  }

  // Rule 1.5: "one SUBMIT may overrun them: one that is sent again in a session which begins with
  // less must go as it was".
  TEST_CASE("the last submit may overrun the limit of tasks, as far as there is room") {
    DispatcherOptions options = one_sink();
    options.client_window_tasks = 5;
    options.max_tasks = 10;
    Rig rig(options);
    Client ann(1);
    CHECK(rig.open(ann).tasks_limit == 5);
    const SubmitConfirm confirm = rig.submit_as(ann, 1, plain(12));
    REQUIRE(confirm.exceptions.size() == 2);
    CHECK(confirm.exceptions[0].index == 10);
    CHECK(confirm.exceptions[0].code == Code::busy);
    CHECK(rig.machine.unsettled() == 10);
    CHECK(confirm.tasks_limit <= 12);  // it has spent all that it was given, and more
    rig.send_submit(ann, 2, plain(1));
    CHECK(rig.expect<ErrorMessage>(ann.peer).code == Code::credit_exceeded);
  }

  TEST_CASE("a SUBMIT spends its credit once a session, however often it is sent") {
    DispatcherOptions options = one_sink();
    options.client_window_tasks = 10;
    Rig rig(options);
    Client ann(1);
    rig.open(ann);
    CHECK(rig.submit_as(ann, 1, plain(10)).tasks_limit == 20);
    for (int i = 0; i < 5; ++i) CHECK(rig.submit_as(ann, 1, plain(10)).tasks_limit == 20);
    CHECK(rig.submit_as(ann, 2, plain(10)).tasks_limit == 30);
    ann.peer = PeerId{11};
    CHECK(rig.open(ann).tasks_limit == 10);
    CHECK(rig.submit_as(ann, 1, plain(10)).tasks_limit == 20);
    CHECK(rig.submit_as(ann, 2, plain(10)).tasks_limit == 30);
    CHECK(rig.submit_as(ann, 1, plain(10)).tasks_limit <= 40);
    CHECK(rig.machine.unsettled() == 20);
  }

  TEST_CASE("in bytes the last submit may overrun the limit, and counts in full") {
    DispatcherOptions options = one_sink();
    options.client_window_bytes = 100;
    Rig rig(options);
    Client ann(1);
    CHECK(rig.open(ann).bytes_limit == 100);
    const std::string payload(99, 'x');
    std::uint64_t sent = 0;
    for (std::uint64_t cno = 1; cno <= 20; ++cno) {
      sent += 2 * payload.size();
      const SubmitConfirm confirm =
          rig.submit_as(ann, cno, {with_payload(payload), with_payload(payload)});
      CHECK(confirm.bytes_limit == sent + 100);  // an honest client can always go on
    }
  }

  // Credit cannot be taken back, and an idle client may hold its share for ever.
  TEST_CASE("each of many clients may send a task, and the limit holds for all together") {
    DispatcherOptions options = one_sink();
    options.max_tasks = 10;
    Rig rig(options);
    std::vector<Client> clients;
    for (std::uint64_t i = 1; i <= 20; ++i) {
      clients.emplace_back(i);
      CHECK(rig.open(clients.back()).tasks_limit >= 1);
    }
    std::uint64_t taken = 0;
    for (Client& client : clients) {
      const SubmitConfirm confirm = rig.submit_as(client, 1, plain(1));
      if (confirm.exceptions.empty())
        ++taken;
      else
        CHECK(confirm.exceptions[0].code == Code::busy);
    }
    CHECK(taken == 10);
    CHECK(rig.machine.unsettled() == 10);
    CHECK_FALSE(rig.machine.has_room());
    CHECK_FALSE(rig.machine.reserve(1));
    CHECK(rig.machine.counters().refused == 0);
  }

  TEST_CASE("a client that asks again and again gets no more than half of what is left") {
    DispatcherOptions options = one_sink();
    options.max_tasks = 100;
    options.max_bytes = 1000;
    Rig rig(options);
    Client ann(1), bob(2);
    CHECK(rig.open(ann).tasks_limit == 50);
    for (std::uint64_t n = 1; n <= 20; ++n) {
      rig.receive(ann.peer, ann.sid, n, ClientBeat{});
      const ClientBeaten told = rig.expect<ClientBeaten>(ann.peer);
      CHECK(told.tasks_limit == 50);
      CHECK(told.bytes_limit == 500);
    }
    CHECK(rig.open(bob).tasks_limit == 25);
  }

  TEST_CASE("a client without credit is told when there is room") {
    DispatcherOptions options = one_sink();
    options.max_tasks = 4;
    Rig rig(options);
    Client ann(1);
    Worker bob(2, "bob");
    rig.join(bob, kMany);
    std::uint64_t limit = rig.open(ann).tasks_limit;
    std::uint64_t sent = 0;
    for (std::uint64_t cno = 1; sent < limit; ++cno) {
      ++sent;
      limit = rig.submit_as(ann, cno, plain(1)).tasks_limit;
    }
    CHECK(sent == 4);
    const std::vector<TaskEntry> tasks = rig.all_for(bob);
    CHECK(rig.nothing_sent());
    rig.ack(bob, tasks[0]);
    const ClientBeaten told = rig.expect<ClientBeaten>(ann.peer);
    CHECK(told.tasks_limit == 5);
    CHECK(rig.nothing_sent());  // once
    rig.ack(bob, tasks[1]);
    rig.ack(bob, tasks[2]);
    rig.receive(ann.peer, ann.sid, 7, ClientBeat{});
    CHECK(rig.expect<ClientBeaten>(ann.peer).tasks_limit == 6);
    CHECK(rig.last_n == 7);
  }

  TEST_CASE("numbers promised in this process count, and can be given up") {
    DispatcherOptions options = one_sink();
    options.max_tasks = 10;
    Rig rig(options);
    const auto first = rig.machine.reserve(8);
    REQUIRE(first);
    CHECK_FALSE(rig.machine.reserve(3));
    CHECK_FALSE(rig.machine.reserve(0));
    CHECK(rig.machine.reserve(2));
    CHECK_FALSE(rig.machine.has_room());
    rig.machine.give_up(*first, static_cast<Seq>(raw(*first) + 7));
    CHECK(rig.machine.has_room());
    CHECK(raw(rig.status().floor) == 9);
    CHECK(rig.machine.reserve(8));
  }

  TEST_CASE("a local task that is refused frees its number") {
    DispatcherOptions options = one_sink();
    options.max_types = 1;
    Rig rig(options);
    rig.submit();
    const auto seq = rig.machine.reserve(3);
    REQUIRE(seq);
    CHECK(rig.machine.submit(*seq, "", {}, rig.now) == Code::bad_frame);
    CHECK(rig.machine.submit(next(*seq), "", {}, rig.now) == Code::bad_frame);
    const std::string key(129, 'k');
    CHECK(rig.machine.submit(next(next(*seq)), "t", with_key(key), rig.now) == Code::bad_frame);
    CHECK(rig.machine.unsettled() == 1);
    CHECK(rig.machine.counters().refused == 3);
  }

  TEST_CASE("a local task of one type too many fails, since its submitter has its id") {
    DispatcherOptions options = one_sink();
    options.max_types = 1;
    Rig rig(options);
    rig.submit();
    const auto seq = rig.machine.reserve(1);
    REQUIRE(seq);
    SubmitEntry later;
    later.delay_ms = 1000;
    CHECK(rig.machine.submit(*seq, "other", later, rig.now) == Code::ok);
    rig.turn();
    const OutcomeEntry outcome = rig.expect_outcome();
    CHECK(outcome.seq == *seq);
    CHECK(outcome.status == Status::failed);
    CHECK(outcome.error.find("\"other\" would be another") != std::string::npos);
    rig.confirm(outcome.rsn);
    CHECK(rig.machine.unsettled() == 1);
    CHECK(rig.machine.counters().refused == 1);
  }

  TEST_CASE("a client that is silent for R is forgotten") {
    Rig rig;
    Client ann(1);
    rig.open(ann);
    rig.pass(24s);
    CHECK(rig.status().clients == 1);
    rig.pass(300ms);
    CHECK(rig.status().clients == 0);
    rig.send_submit(ann, 1, plain(1));
    CHECK(rig.expect<ErrorMessage>(ann.peer).code == Code::unknown_session);
  }

  TEST_CASE("a client's connection seen to go frees its credit") {
    DispatcherOptions options = one_sink();
    options.max_tasks = 10;
    options.max_clients = 1;
    Rig rig(options);
    Client ann(1);
    Client bob(2);
    CHECK(rig.open(ann).tasks_limit == 5);
    ClientOpen open;
    rig.receive(bob.peer, Sid{}, 1, open);
    CHECK(rig.expect<ErrorMessage>(bob.peer).code == Code::busy);
    rig.machine.peer_gone(ann.peer, rig.now);
    CHECK(rig.open(bob).tasks_limit == 5);
  }

  TEST_CASE("a query is the shell's to answer") {
    Rig rig;
    Client ann(1);
    rig.open(ann);
    rig.receive(ann.peer, ann.sid, 9, Query{"status", {"x"}});
    REQUIRE(rig.questions.size() == 1);
    CHECK(rig.questions[0].peer == ann.peer);
    CHECK(rig.questions[0].sid == ann.sid);
    CHECK(rig.questions[0].n == 9);
    CHECK(rig.questions[0].query.verb == "status");
  }

  TEST_CASE("a draining ventilator takes no more tasks, finishes those it has") {
    Rig rig;
    Client ann(1);
    Worker bob(2, "bob");
    rig.open(ann);
    const SubmitConfirm first = rig.submit_as(ann, 1, plain(1));
    rig.machine.drain();
    rig.send_submit(ann, 2, plain(1));
    CHECK(rig.expect<ErrorMessage>(ann.peer).code == Code::draining);
    CHECK(rig.submit_as(ann, 1, plain(1)).first == first.first);
    Client late(3);  // has credit, or it would send nothing and never hear why
    CHECK(rig.open(late).tasks_limit > 0);
    rig.send_submit(late, 1, plain(1));
    CHECK(rig.expect<ErrorMessage>(late.peer).code == Code::draining);
    CHECK_FALSE(rig.machine.reserve(1));
    CHECK_FALSE(rig.machine.has_room());
    CHECK(rig.status().draining);
    rig.join(bob, 1);
    rig.ack(bob, rig.task_for(bob));
    CHECK(rig.machine.unsettled() == 0);
    rig.machine.say_bye(rig.now);
    rig.turn();
    CHECK(rig.expect<Bye>(bob.peer).code == Code::draining);
    CHECK(rig.expect<Bye>(ann.peer).code == Code::draining);
    CHECK(rig.expect<Bye>(late.peer).code == Code::draining);
  }
}
