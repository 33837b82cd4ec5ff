// dispatcher_journal_test.cpp: what a turn leaves for the journal, and what a restart makes of it.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/dispatcher_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::rig;
using sluice::test::JournalModel;

namespace {

HeldTask held(const TaskEntry& task, HeldState state) { return {task.seq, task.lease, state}; }

// HELLO with the worker's history, and what it says it holds.
Verdicts come_back(Rig& rig, Worker& worker, std::vector<HeldTask> inventory,
                   std::uint64_t credit = 8) {
  rig.hello(worker);
  const Verdicts verdicts = rig.inventory(worker, std::move(inventory));
  rig.credit(worker, credit);
  return verdicts;
}

}  // namespace

TEST_SUITE("dispatcher journal") {
  TEST_CASE("without a journal a turn leaves nothing") {
    Rig rig;
    rig.submit_later(with_key("k"));
    rig.machine.advance(rig.now);
    const DispatcherEffects out = rig.machine.take_effects(rig.now);
    CHECK(out.journal.empty());
  }

  // Rule 3: "CONFIRM to a client comes only after the tasks are safe".
  TEST_CASE("the turn that confirms a task has it in its records") {
    JournalModel journal;
    Rig rig(journal, Epoch{1});
    Client client(5);
    CHECK(rig.open(client).durable);
    SubmitEntry entry = with_key("k", "payload");
    entry.priority = 4;
    entry.exec_ms = 5000;
    entry.max_attempts = 7;
    entry.ttl_ms = 60'000;
    entry.delay_ms = 10'000;
    entry.flags = kSubmitWanted;
    const SubmitConfirm confirm = rig.submit_as(client, 1, {entry});
    const JournalModel::Contents& all = journal.contents();
    REQUIRE(all.tasks.size() == 1);
    const JournalModel::Task& task = all.tasks.at(confirm.first);
    CHECK(task.type == "t");
    CHECK(task.key == "k");
    CHECK(task.payload == "payload");
    CHECK(task.facts.priority == 4);
    CHECK(task.facts.exec_ms == 5000);
    CHECK(task.facts.max_attempts == 7);
    CHECK(task.facts.wanted);
    const WallMs wall = 1'700'000'000'000 + to_ms(rig.now - Time{});
    CHECK(task.facts.expires_ms == wall + 60'000);
    CHECK(task.facts.not_before_ms == wall + 10'000);
    CHECK(all.keys.at("k").seq == confirm.first);
    REQUIRE(all.answers.size() == 1);
    CHECK(all.answers[0].facts.cno == 1);
    CHECK(all.numbers_reserved >= confirm.first);
  }

  TEST_CASE("a restart has exactly the unsettled tasks, in their order") {
    JournalModel journal;
    std::vector<Seq> seqs;
    {
      Rig rig(journal, Epoch{1});
      Worker ann(1, "ann");
      rig.join(ann, 2);
      for (int i = 0; i < 5; ++i)
        seqs.push_back(rig.submit(with_payload(std::to_string(i))));
      const std::vector<TaskEntry> leased = rig.all_for(ann);
      REQUIRE(leased.size() == 2);
      rig.ack(ann, leased[1]);
    }
    Rig rig(journal, Epoch{2});
    CHECK(rig.machine.unsettled() == 4);
    Worker bob(2, "bob");
    rig.join(bob, 8);
    rig.pass(24s, {&bob});  // ann does not come back
    std::vector<std::string> payloads;
    for (const TaskEntry& task : rig.all_for(bob)) payloads.emplace_back(as_text(task.payload));
    CHECK(payloads == std::vector<std::string>{"0", "2", "3", "4"});
  }

  TEST_CASE("numbers of the last life are not used again") {
    JournalModel journal;
    Seq before{};
    {
      Rig rig(journal, Epoch{1});
      Worker ann(1, "ann");
      rig.join(ann, 8);
      before = rig.submit();
      rig.ack(ann, rig.task_for(ann));  // settled: nothing but the block tells of it
    }
    Rig rig(journal, Epoch{2});
    CHECK(rig.submit() > before);
  }

  // Case 10: "ventilator restarts: epoch+1; workers say HELLO with inventory; running tasks are
  // kept, not re-run".
  TEST_CASE("what runs at a restart of the ventilator is not run again") {
    JournalModel journal;
    Worker ann(1, "ann");
    std::vector<TaskEntry> tasks;
    {
      Rig rig(journal, Epoch{1});
      ann.slots = 3;
      rig.join(ann, 3);
      rig.submit_many(3);
      tasks = rig.all_for(ann);
    }
    Rig rig(journal, Epoch{2});
    Worker bob(2, "bob");
    rig.join(bob, 8);  // an idle one; it gets nothing of what ann has
    CHECK(rig.nothing_sent());
    const Verdicts verdicts = come_back(rig, ann,
                                        {held(tasks[0], HeldState::running),
                                         held(tasks[1], HeldState::unconfirmed),
                                         held(tasks[2], HeldState::ack_open)});
    REQUIRE(verdicts.entries.size() == 3);
    for (const VerdictEntry& entry : verdicts.entries) CHECK(entry.verdict == Verdict::re_leased);
    CHECK(rig.nothing_sent());
    CHECK(rig.status().leased == 3);
    rig.ack(ann, {{tasks[0].seq, verdicts.entries[0].lease, Status::done},
                  {tasks[1].seq, verdicts.entries[1].lease, Status::done},
                  {tasks[2].seq, verdicts.entries[2].lease, Status::done}});
    CHECK(rig.machine.unsettled() == 0);
    CHECK(rig.machine.counters().dispatched == 0);
  }

  // Rule 17: "after a restart only tasks at or below it wait for inventories, the others are READY
  // at once".
  TEST_CASE("what was never dispatched does not wait for inventories") {
    JournalModel journal;
    {
      Rig rig(journal, Epoch{1});
      Worker ann(1, "ann");
      rig.join(ann, 1);
      rig.submit();
      rig.task_for(ann);
      for (int i = 0; i < 5000; ++i) rig.submit_later();
      rig.turn();
    }
    Rig rig(journal, Epoch{2});
    CHECK(rig.machine.is_recovering());
    const DispatcherStatus status = rig.status();
    CHECK(status.delayed == 1 + 4096);
    CHECK(status.ready == 5000 - 4096);
  }

  TEST_CASE("when every worker of the last life has spoken, nothing waits any more") {
    JournalModel journal;
    Worker ann(1, "ann"), bob(2, "bob"), eve(3, "eve");
    std::vector<TaskEntry> tasks;
    {
      Rig rig(journal, Epoch{1});
      rig.join(ann, 1);
      rig.join(bob, 1);
      rig.join(eve, 0);
      rig.receive(eve.peer, eve.sid, 1, Goodbye{});
      rig.expect<Bye>(eve.peer);  // who has gone is not waited for
      rig.submit_many(2);
      tasks = {rig.task_for(ann), rig.task_for(bob)};
    }
    Rig rig(journal, Epoch{2});
    come_back(rig, ann, {held(tasks[0], HeldState::running)}, 0);
    CHECK(rig.machine.is_recovering());
    CHECK(rig.nothing_sent());
    // The lane was lost with the ventilator, and the task in it.
    come_back(rig, bob, {}, 1);
    CHECK_FALSE(rig.machine.is_recovering());
    CHECK(rig.task_for(bob).seq == tasks[1].seq);
  }

  TEST_CASE("what a worker has not started goes on at once") {
    JournalModel journal;
    Worker ann(1, "ann"), bob(2, "bob");
    std::vector<TaskEntry> tasks;
    {
      Rig rig(journal, Epoch{1});
      rig.join(ann, 2);
      rig.join(bob, 0);
      rig.submit_many(2);
      tasks = rig.all_for(ann);
    }
    Rig rig(journal, Epoch{2});
    const Verdicts verdicts = come_back(
        rig, ann, {held(tasks[0], HeldState::running), held(tasks[1], HeldState::queued)});
    REQUIRE(verdicts.entries.size() == 2);
    CHECK(verdicts.entries[1].verdict == Verdict::drop);
    CHECK(rig.machine.is_recovering());  // bob may have the others
    CHECK(rig.task_for(ann).seq == tasks[1].seq);
  }

  TEST_CASE("the lease numbers of two lives are told apart") {
    JournalModel journal;
    Worker ann(1, "ann"), bob(2, "bob");
    TaskEntry old;
    {
      Rig rig(journal, Epoch{1});
      rig.join(ann, 1);
      rig.submit();
      old = rig.task_for(ann);
    }
    Rig rig(journal, Epoch{2});
    rig.join(bob, 1);
    rig.pass(24s, {&bob});
    const TaskEntry again = rig.task_for(bob);
    REQUIRE(again.seq == old.seq);
    REQUIRE(again.lease == old.lease);  // both lives count from one
    come_back(rig, ann, {held(old, HeldState::running)});
    CHECK(rig.status().leased == 1);
    rig.nack(bob, again, NackReason::shutdown, false);  // the lease is bob's still
    CHECK(rig.all_for(ann).size() == 1);
  }

  TEST_CASE("failures, losses and what waits for a backoff come back as they were") {
    JournalModel journal;
    Seq delayed{};
    TaskEntry lost;
    {
      Rig rig(journal, Epoch{1});
      Worker ann(1, "ann"), bob(2, "bob");
      rig.join(ann, 8);
      delayed = rig.submit();
      rig.nack(ann, rig.task_for(ann), NackReason::failed, true, 60'000);
      lost = (rig.submit(), rig.task_for(ann));
      rig.gone(ann);
      rig.pass(1s);
    }
    Rig rig(journal, Epoch{2});
    Worker eve(3, "eve");
    rig.join(eve, 8);
    const TaskEntry again = rig.task_for(eve);
    CHECK(again.seq == lost.seq);
    CHECK(again.attempt == 2);
    CHECK(journal.contents().tasks.at(lost.seq).change->facts.losses == 1);
    rig.pass(58s, {&eve});
    CHECK(rig.nothing_sent());
    rig.pass(3s, {&eve});
    const TaskEntry second = rig.task_for(eve);
    CHECK(second.seq == delayed);
    CHECK(second.attempt == 2);
    rig.nack(eve, second, NackReason::failed, true, 100);
    rig.pass(1s, {&eve});
    const TaskEntry third = rig.task_for(eve);
    CHECK((third.flags & kLastAttempt) != 0);
  }

  // Rule 18: "A SUBMIT resent after a lost CONFIRM is recognised by (client boot, cno) or by key,
  // both remembered for the dedup window".
  TEST_CASE("a submit resent to the next life makes no second task") {
    JournalModel journal;
    Client client(5), other(6);
    SubmitConfirm first;
    {
      Rig rig(journal, Epoch{1});
      Worker ann(1, "ann");
      rig.join(ann, 8);
      rig.open(client);
      first = rig.submit_as(client, 1, {with_key("k", "p"), with_payload("q")});
      for (const TaskEntry& task : rig.all_for(ann)) rig.ack(ann, task);
    }
    Rig rig(journal, Epoch{2});
    CHECK(rig.machine.unsettled() == 0);
    rig.open(client);
    const SubmitConfirm again = rig.submit_as(client, 1, {with_key("k", "p"), with_payload("q")});
    CHECK(again.first == first.first);
    CHECK(again.exceptions.empty());
    CHECK(rig.machine.unsettled() == 0);
    rig.open(other);
    const SubmitConfirm by_key = rig.submit_as(other, 1, {with_key("k", "p")});
    REQUIRE(by_key.exceptions.size() == 1);
    CHECK(by_key.exceptions[0].code == Code::duplicate);
    CHECK(by_key.exceptions[0].seq == first.first);
    const SubmitConfirm conflict = rig.submit_as(other, 2, {with_key("k", "another")});
    REQUIRE(conflict.exceptions.size() == 1);
    CHECK(conflict.exceptions[0].code == Code::conflict);
  }

  TEST_CASE("the dedup window goes on over a restart, and ends") {
    JournalModel journal;
    Seq first{};
    Time later{};
    {
      Rig rig(journal, Epoch{1});
      Worker ann(1, "ann");
      rig.join(ann, 8);
      first = rig.submit(with_key("k"));
      rig.ack(ann, rig.task_for(ann));
      later = rig.now;
    }
    Rig rig(journal, Epoch{2}, later + 9min);
    CHECK(rig.machine.find_key("k") == first);
    rig.pass(2min);
    CHECK_FALSE(rig.machine.find_key("k"));
  }

  // Rule 15: "the decision is journaled (SETTLING: not dispatched again, re-sent after a restart),
  // settled only when the sink has it".
  TEST_CASE("an outcome of the ventilator's own is sent again after a restart") {
    JournalModel journal;
    Seq seq{};
    {
      Rig rig(journal, Epoch{1});
      seq = rig.submit(with_payload("p"));
      rig.machine.cancel(seq, rig.now);
      rig.turn();
      const OutcomeEntry outcome = rig.expect_outcome();
      CHECK(outcome.status == Status::cancelled);
    }
    Rig rig(journal, Epoch{2});
    const OutcomeEntry again = rig.expect_outcome();
    CHECK(again.seq == seq);
    CHECK(again.status == Status::cancelled);
    Worker ann(1, "ann");
    rig.join(ann, 8);
    CHECK(rig.nothing_sent());
    rig.confirm(again.rsn);
    CHECK(rig.machine.unsettled() == 0);
    rig.pass(5ms);
    CHECK(journal.contents().tasks.empty());
  }

  TEST_CASE("a cancelled task that may be running waits for its worker's word") {
    JournalModel journal;
    Worker ann(1, "ann");
    TaskEntry task;
    {
      Rig rig(journal, Epoch{1});
      rig.join(ann, 1);
      rig.submit();
      task = rig.task_for(ann);
    }
    Rig rig(journal, Epoch{2});
    CHECK(rig.machine.cancel(task.seq, rig.now));
    rig.turn();
    CHECK(rig.nothing_sent());
    const Verdicts verdicts = [&] {
      rig.hello(ann);
      return rig.inventory(ann, {held(task, HeldState::running)});
    }();
    REQUIRE(verdicts.entries.size() == 1);
    const Cancel cancel = rig.expect<Cancel>(ann.peer);
    REQUIRE(cancel.entries.size() == 1);
    CHECK(cancel.entries[0].lease == verdicts.entries[0].lease);
  }

  TEST_CASE("a task that expires while its worker is away is told as expired") {
    JournalModel journal;
    Time later{};
    {
      Rig rig(journal, Epoch{1});
      SubmitEntry entry;
      entry.ttl_ms = 5000;
      rig.submit(entry);
      later = rig.now;
    }
    Rig rig(journal, Epoch{2}, later + 1min);
    CHECK(rig.expect_outcome().status == Status::expired);
  }

  TEST_CASE("acks are written in groups, and ACKED waits for the group") {
    JournalModel journal;
    TaskEntry task;
    Worker ann(1, "ann");
    {
      Rig rig(journal, Epoch{1});
      rig.join(ann, 2);
      rig.submit_many(2);
      const std::vector<TaskEntry> tasks = rig.all_for(ann);
      const std::size_t before = journal.turns();
      rig.receive(ann.peer, ann.sid, ++ann.ano,
                  Ack{{{tasks[0].seq, tasks[0].lease, Status::done}}});
      CHECK(journal.turns() == before);
      CHECK(rig.nothing_sent());
      rig.pass(5ms);
      CHECK(journal.turns() == before + 1);
      rig.expect_acked(ann);
      CHECK(journal.contents().tasks.size() == 1);
      // With the next task at the latest.
      rig.receive(ann.peer, ann.sid, ++ann.ano,
                  Ack{{{tasks[1].seq, tasks[1].lease, Status::done}}});
      task = tasks[1];
      CHECK(journal.contents().tasks.size() == 1);
    }
    // The acks that were not written are said again, and settle without another run.
    Rig rig(journal, Epoch{2});
    CHECK(rig.machine.unsettled() == 1);
    const Verdicts verdicts = come_back(rig, ann, {held(task, HeldState::ack_open)});
    REQUIRE(verdicts.entries.size() == 1);
    rig.ack(ann, {{task.seq, verdicts.entries[0].lease, Status::done}});
    CHECK(rig.machine.unsettled() == 0);
    CHECK(rig.machine.counters().dispatched == 0);
  }

  TEST_CASE("workers that are gone are not waited for at the restart after next") {
    JournalModel journal;
    {
      Rig rig(journal, Epoch{1});
      Worker ann(1, "ann");
      rig.join(ann, 1);
      rig.submit();
      rig.task_for(ann);
    }
    {
      Rig rig(journal, Epoch{2});
      CHECK(journal.contents().workers.size() == 1);
      rig.pass(25s);
      CHECK_FALSE(rig.machine.is_recovering());
    }
    CHECK(journal.contents().workers.empty());
    Rig rig(journal, Epoch{3});
    CHECK_FALSE(rig.machine.is_recovering());
    CHECK(rig.status().ready == 1);
  }

  // Rule 11: "A worker that names a later epoch of the ventilator's log is refused". It may be
  // mistaken, or lie: the journal's lock says who has the log.
  TEST_CASE("a worker of a later life of the log is refused, and nobody else notices") {
    JournalModel journal;
    Rig rig(journal, Epoch{1});
    Worker ann(1, "ann"), bob(2, "bob");
    rig.join(ann, 1);
    bob.previous = PreviousSession{kLog, Epoch{2}, Sid{77}};
    rig.send_hello(bob, 1);
    CHECK(rig.expect<ErrorMessage>(bob.peer).code == Code::stale_epoch);
    CHECK(rig.machine.worker_count() == 1);
    const Seq seq = rig.submit();
    CHECK(rig.task_for(ann).seq == seq);
  }

  TEST_CASE("what the journal had no room for comes again") {
    JournalModel journal;
    Rig rig(journal, Epoch{1});
    Client client(5);
    Worker ann(1, "ann");
    rig.join(ann, 1);
    const Seq before = rig.submit();
    const TaskEntry task = rig.task_for(ann);
    rig.open(client);
    rig.journal_is_full = true;
    const SubmitConfirm confirm = rig.submit_as(client, 1, {with_key("k"), with_payload("p")});
    const Seq cancelled = next(confirm.first);
    CHECK(rig.machine.cancel(cancelled, rig.now));
    rig.turn();
    CHECK(rig.expect_outcome().seq == cancelled);
    rig.receive(ann.peer, ann.sid, ++ann.ano, Ack{{{task.seq, task.lease, Status::done}}});
    rig.pass(5ms);
    rig.expect<Acked>(ann.peer);
    Worker bob(2, "bob");
    rig.join(bob, 0);
    CHECK(journal.contents().tasks.count(before) == 1);
    CHECK(journal.contents().tasks.size() == 1);
    rig.journal_is_full = false;
    rig.pass(5ms);
    const JournalModel::Contents& all = journal.contents();
    CHECK(all.tasks.size() == 2);
    CHECK(all.keys.at("k").seq == confirm.first);
    REQUIRE(all.answers.size() == 1);
    CHECK(all.answers[0].facts.first == confirm.first);
    REQUIRE(all.tasks.at(cancelled).change);
    CHECK(all.tasks.at(cancelled).change->facts.settling);
    CHECK(all.workers.size() == 2);
    CHECK(all.numbers_reserved >= cancelled);
  }

  TEST_CASE("while the journal cannot be written, submits are sent away with the reason") {
    JournalModel journal;
    Rig rig(journal, Epoch{1});
    Client client(5);
    rig.open(client);
    rig.machine.suspend_submits("the disk of the journal is full");
    rig.send_submit(client, 1, {with_payload("p")});
    const auto refused = rig.expect<ErrorMessage>(client.peer);
    CHECK(refused.code == Code::busy);
    CHECK(refused.text == "the disk of the journal is full");
    CHECK_FALSE(rig.machine.reserve(1));
    rig.machine.suspend_submits("");
    CHECK(rig.submit_as(client, 1, {with_payload("p")}).exceptions.empty());
  }
}
