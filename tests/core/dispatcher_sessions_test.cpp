// dispatcher_sessions_test.cpp: how workers come, are reconciled, fall silent and go.
// SPDX-License-Identifier: MIT
#include "core/dispatcher_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::rig;

TEST_SUITE("dispatcher sessions") {
  // Section 7: "HELLO (key and version good) -> RECONCILE (WELCOME)".
  TEST_CASE("a HELLO is answered by a WELCOME with the session's terms") {
    Rig rig;
    Worker ann(1, "ann");
    const Welcome welcome = rig.hello(ann);
    CHECK(welcome.log == kLog);
    CHECK(welcome.epoch == Epoch{1});
    CHECK(welcome.heartbeat_ms == 2000);
    CHECK(welcome.dead_ms == 8000);
    CHECK(welcome.fence_ms == 16000);
    CHECK(welcome.reclaim_ms == 24000);
    CHECK_FALSE(welcome.lane);
    CHECK(welcome.sinks == std::vector<std::string>{"tcp://sink:1"});
    CHECK(epoch_of(ann.sid) == Epoch{1});
    CHECK(rig.phase_of(ann) == "reconcile");
  }

  // Case 14: "HELLO twice on one connection: same WELCOME".
  TEST_CASE("a repeated HELLO gets the same WELCOME and changes nothing") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 1);
    rig.submit();
    const TaskEntry task = rig.task_for(ann);
    rig.send_hello(ann, ann.tries);
    rig.expect<Welcome>(ann.peer);
    CHECK(rig.last_sid == ann.sid);
    CHECK(rig.phase_of(ann) == "active");
    rig.ack(ann, task);
    CHECK(rig.machine.unsettled() == 0);
  }

  // Case 15: "HELLO of a known boot on a new connection: new sid, inventory".
  TEST_CASE("a known boot on a new connection keeps what its inventory names") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 4);
    rig.submit_many(4);
    const std::vector<TaskEntry> tasks = rig.all_for(ann);
    REQUIRE(tasks.size() == 4);
    const Sid old = ann.sid;
    ann.peer = PeerId{11};
    rig.hello(ann);
    CHECK(ann.sid > old);
    CHECK(rig.status().workers.size() == 1);
    CHECK(rig.inventory(ann, {{tasks[1].seq, tasks[1].lease, HeldState::running}}, false)
              .entries.empty());
    CHECK(rig.inventory(ann, {{tasks[3].seq, tasks[3].lease, HeldState::queued}}).entries.empty());
    // The two that did not arrive are ready again, in their order and as their first attempt.
    CHECK(rig.status().leased == 2);
    Worker bob(2, "bob");
    rig.join(bob, 4);
    const std::vector<TaskEntry> again = rig.all_for(bob);
    CHECK(seqs_of(again) == std::vector<Seq>{tasks[0].seq, tasks[2].seq});
    CHECK(again[0].attempt == 1);
    rig.ack(ann, tasks[1]);
    rig.ack(ann, tasks[3]);
    CHECK(rig.machine.unsettled() == 2);
  }

  TEST_CASE("each reconnection is judged by its own inventory") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 2);
    rig.submit_many(2);
    const std::vector<TaskEntry> tasks = rig.all_for(ann);
    for (const std::uint64_t left : {2U, 1U}) {
      ann.peer = PeerId{10 + left};
      rig.hello(ann);
      std::vector<HeldTask> held;
      for (std::size_t i = 0; i < left; ++i)
        held.push_back({tasks[i].seq, tasks[i].lease, HeldState::queued});
      rig.inventory(ann, held);
      CHECK(rig.status().leased == left);
    }
    CHECK(rig.status().ready == 1);
  }

  // Rule 6: "A sid that is not the sender's current one: ERROR UNKNOWN_SESSION (at most 1/s per
  // peer), no other effect".
  TEST_CASE("what the old connection still says has no effect") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 1);
    rig.submit();
    const TaskEntry task = rig.task_for(ann);
    Worker old = ann;
    ann.peer = PeerId{11};
    rig.hello(ann);
    rig.receive(old.peer, old.sid, 1, Ack{{{task.seq, task.lease, Status::done}}});
    CHECK(rig.expect<ErrorMessage>(old.peer).code == Code::unknown_session);
    rig.receive(old.peer, old.sid, 2, State{});
    rig.receive(ann.peer, old.sid, 3, State{});  // the right peer with the old sid: its own second
    CHECK(rig.expect<ErrorMessage>(ann.peer).code == Code::unknown_session);
    CHECK(rig.nothing_sent());
    rig.now += 999ms;
    rig.receive(old.peer, old.sid, 4, State{});
    CHECK(rig.nothing_sent());
    rig.now += 1ms;
    rig.receive(old.peer, old.sid, 5, State{});
    CHECK(rig.expect<ErrorMessage>(old.peer).code == Code::unknown_session);
    CHECK(rig.last_n == 5);
    CHECK(rig.machine.counters().unknown_session == 5);
    CHECK(rig.machine.unsettled() == 1);
  }

  // Case 16: "new boot, new session; old leases LOST by their own rules".
  TEST_CASE("a new process under the same name is another worker") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 1);
    rig.submit();
    rig.task_for(ann);
    Worker again(2, "ann");
    rig.join(again, 1);
    CHECK(rig.status().workers.size() == 2);
    CHECK(rig.nothing_sent());
    rig.pass(24s, {&again});
    CHECK(rig.nothing_sent());
    rig.pass(1s, {&again});
    CHECK(rig.phase_of(ann) == "gone");
    CHECK(rig.task_for(again).attempt == 2);
  }

  // Section 4: VERDICT "1 drop, 2 settled, 3 re-leased; unmentioned = keep".
  TEST_CASE("an inventory is judged line by line") {
    Rig rig;
    Worker ann(1, "ann");
    Worker bob(2, "bob");
    ann.slots = 2;
    rig.join(ann, 5);
    rig.submit_many(5);
    const std::vector<TaskEntry> t = rig.all_for(ann);
    REQUIRE(t.size() == 5);
    rig.ack(ann, t[0]);
    rig.gone(ann);     // t[3], t[4] may not have started: free at once
    rig.pass(2s);      // t[1], t[2] after the grace, charged
    rig.join(bob, 1);  // t[1] goes to bob
    const TaskEntry with_bob = rig.task_for(bob);
    CHECK(with_bob.seq == t[1].seq);

    ann.peer = PeerId{11};
    rig.hello(ann);
    const Verdicts verdicts = rig.inventory(ann, {{t[0].seq, t[0].lease, HeldState::ack_open},
                                                  {t[1].seq, t[1].lease, HeldState::running},
                                                  {t[2].seq, t[2].lease, HeldState::running},
                                                  {t[3].seq, t[3].lease, HeldState::queued},
                                                  {t[4].seq, t[4].lease, HeldState::nack_open}});
    REQUIRE(verdicts.entries.size() == 4);
    CHECK(verdicts.entries[0].seq == t[0].seq);
    CHECK(verdicts.entries[0].verdict == Verdict::settled);
    CHECK(verdicts.entries[1].seq == t[2].seq);
    CHECK(verdicts.entries[1].verdict == Verdict::re_leased);
    CHECK(verdicts.entries[1].lease > with_bob.lease);
    CHECK(verdicts.entries[2].seq == t[3].seq);
    CHECK(verdicts.entries[2].verdict == Verdict::drop);
    CHECK(verdicts.entries[3].seq == t[4].seq);
    CHECK(verdicts.entries[3].verdict == Verdict::drop);
    // The new lease is the one that counts.
    rig.nack(ann, t[2], NackReason::failed);
    CHECK(rig.machine.counters().nacked == 0);
    TaskEntry re_leased = t[2];
    re_leased.lease = verdicts.entries[1].lease;
    rig.nack(ann, re_leased, NackReason::failed);
    CHECK(rig.machine.counters().nacked == 1);
    // Case 12, the other way round: the kept one delivers first, bob's lease is cancelled.
    rig.ack(ann, t[1]);
    CHECK(rig.expect<Cancel>(bob.peer).entries.front().lease == with_bob.lease);
  }

  // Section 6: "The receiver's max_frame and max_entries bind the sender".
  TEST_CASE("cancels said again after a reconnect are no more than a message may hold") {
    DispatcherOptions options = one_sink();
    options.frame.max_entries = 2;
    Rig rig(options);
    Worker ann(1, "ann");
    rig.join(ann, 5);
    rig.submit_many(5);
    const std::vector<TaskEntry> tasks = rig.all_for(ann);
    std::vector<HeldTask> held;
    for (const TaskEntry& task : tasks) {
      held.push_back({task.seq, task.lease, HeldState::running});
      CHECK(rig.machine.cancel(task.seq, rig.now));
    }
    rig.turn();
    for (int i = 0; i < 5; ++i) rig.expect<Cancel>(ann.peer);
    ann.peer = PeerId{9};
    rig.hello(ann);
    rig.receive(ann.peer, ann.sid, ++ann.chunk, Inventory{true, held});
    rig.expect<Verdicts>(ann.peer);
    std::vector<Seq> again;
    for (int i = 0; i < 3; ++i) {
      const Cancel cancel = rig.expect<Cancel>(ann.peer);
      CHECK(cancel.entries.size() <= 2);
      for (const LeaseRef& entry : cancel.entries) again.push_back(entry.seq);
    }
    CHECK(again.size() == 5);
  }

  TEST_CASE("an outcome or an open ack of a task taken back is leased again, not run again") {
    for (const HeldState state : {HeldState::unconfirmed, HeldState::ack_open}) {
      Rig rig;
      Worker ann(1, "ann");
      rig.join(ann, 1);
      rig.submit();
      const TaskEntry task = rig.task_for(ann);
      rig.gone(ann);
      rig.pass(2s);
      CHECK(rig.status().ready == 1);
      ann.peer = PeerId{11};
      rig.hello(ann);
      const Verdicts verdicts = rig.inventory(ann, {{task.seq, task.lease, state}});
      REQUIRE(verdicts.entries.size() == 1);
      CHECK(verdicts.entries[0].verdict == Verdict::re_leased);
      CHECK(rig.status().leased == 1);
      rig.ack(ann, {{task.seq, verdicts.entries[0].lease, Status::done}});
      CHECK(rig.machine.unsettled() == 0);
    }
  }

  TEST_CASE("what was leased in another log is not ours: settled") {
    Rig rig;
    rig.submit();
    Worker ann(1, "ann");
    ann.previous = PreviousSession{kOtherLog, Epoch{1}, Sid{77}};
    rig.hello(ann);
    const Verdicts verdicts = rig.inventory(ann, {{Seq{1}, Lease{1}, HeldState::running}});
    REQUIRE(verdicts.entries.size() == 1);
    CHECK(verdicts.entries[0].verdict == Verdict::settled);
    CHECK(rig.status().ready == 1);
    rig.credit(ann, 1);
    rig.task_for(ann);
  }

  TEST_CASE("a CANCEL lost with a connection is said again") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 1);
    const Seq seq = rig.submit();
    const TaskEntry task = rig.task_for(ann);
    CHECK(rig.machine.cancel(seq, rig.now));
    rig.turn();
    rig.expect<Cancel>(ann.peer);
    ann.peer = PeerId{11};
    rig.hello(ann);
    CHECK(rig.inventory(ann, {{seq, task.lease, HeldState::running}}).entries.empty());
    CHECK(rig.expect<Cancel>(ann.peer).entries.front().lease == task.lease);
  }

  // Section 7: "ACTIVE: silence D -> SUSPECT: no dispatch"; "SUSPECT: any valid message ->
  // ACTIVE"; "SUSPECT: silence R -> LOST".
  TEST_CASE("a silent worker is suspect after D, and back with its next word") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 2);
    rig.pass(8s);
    CHECK(rig.phase_of(ann) == "active");
    rig.pass(300ms);
    CHECK(rig.phase_of(ann) == "suspect");
    rig.submit();
    CHECK(rig.nothing_sent());
    rig.receive(ann.peer, ann.sid, 1, Gap{9, 9});
    CHECK(rig.phase_of(ann) == "active");
    rig.task_for(ann);
    rig.pass(9s);
    CHECK(rig.phase_of(ann) == "suspect");
    rig.send_hello(ann, ann.tries);
    rig.expect<Welcome>(ann.peer);
    CHECK(rig.phase_of(ann) == "active");
  }

  TEST_CASE("a silent worker is lost after R") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 1);
    rig.submit();
    rig.task_for(ann);
    rig.pass(24s);
    CHECK(rig.phase_of(ann) == "suspect");
    rig.pass(300ms);
    CHECK(rig.phase_of(ann) == "gone");
    CHECK(rig.status().ready == 1);
    CHECK(rig.machine.counters().workers_lost == 1);
  }

  // Rule 9: "busy_ms extends the ventilator's D, F, R for that session".
  TEST_CASE("an announced silence is no reason for suspicion") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 1);
    ann.state.busy_ms = 60'000;
    rig.say(ann);
    rig.pass(68s);
    CHECK(rig.phase_of(ann) == "active");
    rig.pass(300ms);
    CHECK(rig.phase_of(ann) == "suspect");
    rig.pass(15500ms);
    CHECK(rig.phase_of(ann) == "suspect");
    rig.pass(500ms);
    CHECK(rig.phase_of(ann) == "gone");
  }

  TEST_CASE("a worker that is done sooner than announced is watched again") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 1);
    ann.state.busy_ms = 3'600'000;
    rig.say(ann);
    ann.state.busy_ms = 0;
    rig.say(ann);
    rig.pass(8300ms);
    CHECK(rig.phase_of(ann) == "suspect");
  }

  // Section 6: "H heartbeat (sent only if nothing else was)".
  TEST_CASE("a worker hears something each heartbeat") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    rig.pass(1900ms);
    CHECK(rig.pings == 0);
    rig.pass(400ms);
    CHECK(rig.pings == 1);
    const std::uint64_t before = rig.pings;
    for (int i = 0; i < 10; ++i) {  // tasks are as good
      rig.pass(1s);
      rig.say(ann);
      rig.submit();
      rig.task_for(ann);
    }
    CHECK(rig.pings == before);
  }

  // Section 7: "any: GOODBYE -> BYE; what is left is re-queued at once".
  TEST_CASE("a GOODBYE frees what is left, in order, uncharged") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 3);
    const std::vector<Seq> seqs = rig.submit_many(3);
    rig.all_for(ann);
    rig.receive(ann.peer, ann.sid, 0, Goodbye{});
    rig.expect<Bye>(ann.peer);
    CHECK(rig.phase_of(ann) == "gone");
    Worker bob(2, "bob");
    rig.join(bob, 3);
    const std::vector<TaskEntry> again = rig.all_for(bob);
    CHECK(seqs_of(again) == seqs);
    for (const TaskEntry& task : again) CHECK(task.attempt == 1);
    rig.say(ann);
    CHECK(rig.expect<ErrorMessage>(ann.peer).code == Code::unknown_session);
  }

  TEST_CASE("the limits of workers and of types are told with BUSY") {
    DispatcherOptions options = one_sink();
    options.max_workers = 1;
    options.max_types = 2;
    Rig rig(options);
    Worker ann(1, "ann");
    Worker bob(2, "bob");
    ann.types = {"a", "b", "c"};
    rig.send_hello(ann, 1);
    CHECK(rig.expect<ErrorMessage>(ann.peer).code == Code::busy);
    ann.types = {"a", "b"};
    rig.join(ann, 1);
    bob.types = {"a"};
    rig.send_hello(bob, 1);
    const ErrorMessage busy = rig.expect<ErrorMessage>(bob.peer);
    CHECK(busy.code == Code::busy);
    CHECK(busy.retry_ms > 0);
    rig.receive(ann.peer, ann.sid, 0, Goodbye{});
    rig.expect<Bye>(ann.peer);
    rig.join(bob, 1);
  }
}
