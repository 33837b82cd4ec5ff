// dispatcher_acks_test.cpp: acks settle, nacks try again, returns cost nothing.
// SPDX-License-Identifier: MIT
#include "core/dispatcher_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::rig;

namespace {

// A worker that was given one task, which then went to another one.
struct Redelivered {
  Redelivered() {
    rig.join(ann, 1);
    rig.submit(with_payload("work"));
    first = rig.task_for(ann);
    rig.pass(8s);
    rig.join(bob, 1);
    rig.pass(16500ms, {&bob});  // ann is lost; the task goes to bob
    second = rig.task_for(bob);
    ann.peer = PeerId{11};
    rig.hello(ann);
    rig.inventory(ann, {{first.seq, first.lease, HeldState::running}});
  }
  Rig rig;
  Worker ann{1, "ann"}, bob{2, "bob"};
  TaskEntry first, second;
};

}  // namespace

TEST_SUITE("dispatcher acks") {
  TEST_CASE("a task's terms travel with it") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 1);
    SubmitEntry entry = with_key("k1", "hello");
    entry.ttl_ms = 5000;
    entry.exec_ms = 700;
    entry.max_attempts = 1;
    rig.submit(entry);
    const Tasks tasks = rig.tasks_for(ann);
    REQUIRE(tasks.entries.size() == 1);
    const TaskEntry& task = tasks.entries[0];
    CHECK(tasks.types == std::vector<std::string_view>{"t"});
    CHECK(task.key == "k1");
    CHECK(as_text(task.payload) == "hello");
    CHECK(task.ttl_ms == 5000);
    CHECK(task.exec_ms == 700);
    CHECK(task.flags == kLastAttempt);
    CHECK(task.attempt == 1);
    CHECK(raw(task.seq) == 1);
    rig.ack(ann, task, Status::failed);
    CHECK(rig.machine.counters().settled[1] == 1);
    CHECK(rig.machine.unsettled() == 0);
  }

  // Case 4: "after ACK, before ACKED: idempotent".
  TEST_CASE("an ACK said again is ACKED again and changes nothing") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 2);
    rig.submit_many(2);
    const std::vector<TaskEntry> tasks = rig.all_for(ann);
    rig.ack(ann, tasks[0]);
    --ann.ano;
    rig.ack(ann, {{tasks[0].seq, tasks[0].lease, Status::done}});
    // Under a new number, as after a reconnect.
    rig.ack(ann, tasks[0]);
    CHECK(rig.machine.counters().settled[0] == 1);
    CHECK(rig.machine.unsettled() == 1);
    // ACKED names the highest number: an old one does not lower it.
    rig.receive(ann.peer, ann.sid, 1, Ack{});
    rig.expect<Acked>(ann.peer);
    CHECK(rig.last_n == 2);
  }

  TEST_CASE("one ACKED answers all of a turn") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 2);
    rig.submit_many(2);
    const std::vector<TaskEntry> tasks = rig.all_for(ann);
    for (const TaskEntry& t : tasks)
      rig.machine.receive(
          ann.peer, {ann.sid, ++ann.ano, Ack{{{t.seq, t.lease, Status::done}}}}, rig.now);
    rig.turn();
    rig.expect_acked(ann);
  }

  // Case 12: "late ACK after redelivery: settles; CANCEL the other lease"; rule 5: "A positive ACK
  // settles whatever the lease".
  TEST_CASE("a late ack settles the task and cancels the newer lease") {
    Redelivered r;
    CHECK(r.second.lease != r.first.lease);
    CHECK(r.second.attempt == 2);
    r.rig.ack(r.ann, r.first);
    const Cancel cancel = r.rig.expect<Cancel>(r.bob.peer);
    REQUIRE(cancel.entries.size() == 1);
    CHECK(cancel.entries[0].lease == r.second.lease);
    CHECK(r.rig.machine.unsettled() == 0);
    r.rig.nack(r.bob, r.second, NackReason::cancelled);
    r.rig.ack(r.bob, r.second);
    CHECK(r.rig.machine.counters().settled[0] == 1);
  }

  // Case 13: "late NACK after redelivery: ignored: not the current lease".
  TEST_CASE("a late nack or return is ignored") {
    Redelivered r;
    r.rig.nack(r.ann, r.first, NackReason::failed);
    r.rig.give_back(r.ann, {{r.first.seq, r.first.lease}});
    CHECK(r.rig.machine.counters().nacked == 0);
    CHECK(r.rig.machine.counters().returned == 0);
    CHECK(r.rig.status().leased == 1);
    r.rig.ack(r.bob, r.second);
    CHECK(r.rig.machine.unsettled() == 0);
  }

  // Rule 5: "NACK, RETURN and GAP count only with the current lease, from the session that has it".
  TEST_CASE("a worker cannot nack or return what another one runs") {
    Rig rig;
    Worker ann(1, "ann"), bob(2, "bob");
    rig.join(ann, 1);
    rig.join(bob, 0);
    rig.submit();
    const TaskEntry task = rig.task_for(ann);
    rig.nack(bob, task, NackReason::undecodable);
    rig.give_back(bob, {{task.seq, task.lease}});
    CHECK(rig.machine.counters().nacked == 0);
    CHECK(rig.machine.counters().returned == 0);
    CHECK(rig.status().leased == 1);
    rig.nack(ann, task, NackReason::shutdown);
    CHECK(rig.machine.counters().nacked == 1);
  }

  TEST_CASE("acks, nacks and returns of numbers nobody gave out are harmless") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 1);
    const auto reserved = rig.machine.reserve(1);
    REQUIRE(reserved);
    rig.ack(ann, {{*reserved, Lease{1}, Status::done}, {Seq{0}, Lease{}, Status::done},
                  {Seq{1ULL << 62}, Lease{9}, Status::failed}});
    TaskEntry none;
    none.seq = Seq{77};
    rig.nack(ann, none, NackReason::failed);
    rig.give_back(ann, {{Seq{77}, Lease{1}}});
    CHECK(rig.machine.submit(*reserved, "t", {}, rig.now) == Code::ok);
    rig.turn();
    rig.task_for(ann);
  }

  // Codes: "Failures are charged for 3, 4, 5"; options: the wait doubles, with jitter.
  TEST_CASE("a failed attempt waits longer each time, within bounds, and the last is flagged") {
    for (const NackReason reason :
         {NackReason::failed, NackReason::timeout, NackReason::crashed}) {
      Rig rig(one_sink(), static_cast<std::uint64_t>(reason));
      Worker ann(1, "ann");
      rig.join(ann, kMany);
      SubmitEntry entry = with_payload("p");
      entry.max_attempts = 5;
      entry.options = SubmitOptions{100, 350, 0, {}};
      rig.submit(entry);
      const Duration full[] = {100ms, 200ms, 350ms, 350ms};
      for (std::uint32_t attempt = 1; attempt <= 4; ++attempt) {
        const TaskEntry task = rig.task_for(ann);
        CHECK(task.attempt == attempt);
        CHECK(task.flags == 0);
        rig.nack(ann, task, reason);
        CHECK(rig.status().delayed == 1);
        rig.pass(full[attempt - 1] / 2 - 1ms);
        CHECK(rig.nothing_sent());
        rig.pass(full[attempt - 1] / 2 + 2ms);
        CHECK_FALSE(rig.nothing_sent());
      }
      const TaskEntry last = rig.task_for(ann);
      CHECK(last.attempt == 5);
      CHECK(last.flags == kLastAttempt);
      rig.nack(ann, last, reason);
      const OutcomeEntry outcome = rig.expect_outcome();
      CHECK(outcome.status == Status::failed);
      CHECK(outcome.error == "it broke");
      CHECK(outcome.attempt == 5);
      CHECK(rig.status().settling == 1);
      rig.confirm(outcome.rsn);
      CHECK(rig.machine.unsettled() == 0);
    }
  }

  TEST_CASE("tasks that failed together do not come back together") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 100);
    rig.submit_many(100);
    std::vector<TaskEntry> tasks = rig.all_for(ann);
    for (const TaskEntry& task : tasks) rig.nack(ann, task, NackReason::failed);
    rig.pass(750ms);
    const std::uint64_t early = rig.status().ready;
    CHECK(early > 20);
    CHECK(early < 80);
  }

  TEST_CASE("a long first backoff is believed, an endless wait is not") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    SubmitEntry entry;
    entry.options = SubmitOptions{3'600'000, 0, 0, {}};
    rig.submit(entry);
    rig.nack(ann, rig.task_for(ann), NackReason::failed);
    rig.pass(1799s, {&ann});
    CHECK(rig.nothing_sent());
    rig.pass(1802s, {&ann});
    rig.nack(ann, rig.task_for(ann), NackReason::failed, true, ~0ULL >> 1);
    rig.pass(60s, {&ann});
    CHECK(rig.nothing_sent());
    CHECK(rig.status().delayed == 1);
  }

  TEST_CASE("a wait that the worker asks for is kept exactly") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    for (const NackReason reason : {NackReason::failed, NackReason::overload}) {
      rig.submit();
      const TaskEntry task = rig.task_for(ann);
      rig.nack(ann, task, reason, true, 3000);
      rig.pass(3s - 1ns);
      CHECK(rig.nothing_sent());
      rig.pass(1ns);
      const TaskEntry again = rig.task_for(ann);
      CHECK(again.attempt == 2);
      rig.ack(ann, again);
    }
  }

  TEST_CASE("reasons that are not the task's fault charge nothing") {
    struct Case {
      NackReason reason;
      Duration wait;
    };
    for (const Case& c : {Case{NackReason::no_such_type, 1s}, Case{NackReason::overload, 1s},
                          Case{NackReason::shutdown, 0s}, Case{NackReason::cancelled, 0s}}) {
      Rig rig;
      Worker ann(1, "ann");
      rig.join(ann, kMany);
      SubmitEntry entry;
      entry.max_attempts = 2;
      rig.submit(entry);
      for (int i = 0; i < 5; ++i) {
        const TaskEntry task = rig.task_for(ann);
        CHECK(task.attempt == 1);
        CHECK(task.flags == 0);
        rig.nack(ann, task, c.reason, /*started*/ false);
        if (c.wait > 0s) CHECK(rig.nothing_sent());
        rig.pass(c.wait);
      }
      CHECK(rig.task_for(ann).attempt == 1);
    }
  }

  // Case 24: "outcome too large, or rejected by the sink: NACK 9/10 -> failed outcome with the
  // reason, never a blind retry".
  TEST_CASE("reasons that a retry cannot cure end the task") {
    struct Case {
      NackReason reason;
      const char* why;
      Status status;
    };
    for (const Case& c :
         {Case{NackReason::undecodable, "could not be read", Status::failed},
          Case{NackReason::outcome_rejected, "rejected", Status::failed},
          Case{NackReason::outcome_too_large, "too large", Status::failed},
          Case{NackReason::expired, "expired", Status::expired}}) {
      Rig rig;
      Worker ann(1, "ann");
      rig.join(ann, kMany);
      rig.submit(with_key("k", "work"));
      rig.nack(ann, rig.task_for(ann), c.reason);
      const OutcomeEntry outcome = rig.expect_outcome();
      CHECK(outcome.status == c.status);
      CHECK(outcome.error.find(c.why) != std::string_view::npos);
      CHECK(outcome.flags == (kTerminal | kTaskPayload));
      CHECK(outcome.key == "k");
      CHECK(as_text(outcome.payload) == "work");
      rig.confirm(outcome.rsn);
      CHECK(rig.machine.counters().settled[static_cast<std::size_t>(c.status)] == 1);
    }
  }

  // Identifiers: "returned and unstarted ones do not count"; RETURN: "unstarted, no attempt
  // charged".
  TEST_CASE("returned tasks go elsewhere in their order, uncharged") {
    Rig rig;
    Worker ann(1, "ann");
    Worker bob(2, "bob");
    rig.join(ann, 4);
    const std::vector<Seq> seqs = rig.submit_many(4);
    const std::vector<TaskEntry> tasks = rig.all_for(ann);
    const Seq later = rig.submit();
    rig.give_back(ann, {{tasks[1].seq, tasks[1].lease},
                        {tasks[2].seq, tasks[2].lease},
                        {tasks[3].seq, tasks[3].lease}});
    CHECK(rig.nothing_sent());  // no credit comes back by itself
    rig.join(bob, 4);
    const std::vector<TaskEntry> again = rig.all_for(bob);
    CHECK(seqs_of(again) == std::vector<Seq>{seqs[1], seqs[2], seqs[3], later});
    for (const TaskEntry& task : again) CHECK(task.attempt == 1);
    CHECK(rig.machine.counters().returned == 3);
  }
}
