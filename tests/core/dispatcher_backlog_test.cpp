// dispatcher_backlog_test.cpp: tasks far from their turn are packed, and nobody can tell.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "core/dispatcher_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::rig;
using sluice::test::JournalModel;

namespace {

// Eight tasks of a queue have slots, runs are of four, and a journal has all bytes behind.
DispatcherOptions short_sighted() {
  DispatcherOptions options = one_sink();
  options.near_tasks = 8;
  options.backlog_run = 4;
  options.backlog_bytes = 0;
  return options;
}

// All that is left, one at a time, in the order in which it is run.
std::vector<Seq> run_all(Rig& rig, Worker& worker) {
  std::vector<Seq> order;
  for (;;) {
    rig.credit(worker, worker.state.tasks_limit + 1);
    const std::vector<TaskEntry> tasks = rig.all_for(worker);
    if (tasks.empty()) return order;
    for (const TaskEntry& task : tasks) {
      order.push_back(task.seq);
      rig.ack(worker, task);
    }
  }
}

HeldTask held(Seq seq, HeldState state) {
  HeldTask out;
  out.seq = seq;
  out.lease = Lease{77};
  out.state = state;
  return out;
}

}  // namespace

TEST_SUITE("dispatcher backlog") {
  TEST_CASE("a long queue is run in its order") {
    Rig rig(short_sighted());
    const std::vector<Seq> seqs = rig.submit_many(100);
    CHECK(rig.status().ready == 100);
    CHECK(rig.status().types.at(0).ready == 100);
    CHECK(rig.machine.unsettled() == 100);
    Worker ann(1, "ann");
    rig.join(ann, 0);
    CHECK(run_all(rig, ann) == seqs);
    CHECK(rig.machine.unsettled() == 0);
  }

  TEST_CASE("a worker with much credit gets all of a long queue at once") {
    Rig rig(short_sighted());
    const std::vector<Seq> seqs = rig.submit_many(100);
    Worker ann(1, "ann");
    rig.join(ann, 1000);
    CHECK(seqs_of(rig.all_for(ann)) == seqs);
  }

  TEST_CASE("who came later does not pass those that wait packed, with or without a time to live") {
    Rig rig(short_sighted());
    std::vector<Seq> seqs = rig.submit_many(20);
    SubmitEntry hasty;
    hasty.ttl_ms = 100'000;
    for (int i = 0; i < 10; ++i) {
      seqs.push_back(rig.submit(hasty));
      seqs.push_back(rig.submit());
    }
    Worker ann(1, "ann");
    rig.join(ann, 0);
    CHECK(run_all(rig, ann).size() == 40);
    CHECK(rig.machine.unsettled() == 0);
  }

  TEST_CASE("a task with a time to live cannot starve those that wait packed") {
    Rig rig(short_sighted());
    const std::vector<Seq> seqs = rig.submit_many(30);
    SubmitEntry hasty;
    hasty.ttl_ms = 100'000;
    for (int i = 0; i < 30; ++i) rig.submit(hasty);
    Worker ann(1, "ann");
    rig.join(ann, 0);
    const std::vector<Seq> order = run_all(rig, ann);
    // Eight of the packed ones could have slots; the others' turn is when older ones are gone.
    CHECK(std::vector<Seq>(order.begin(), order.begin() + 30) == seqs);
  }

  TEST_CASE("higher priorities pass a backlog, with one of their own too") {
    Rig rig(short_sighted());
    rig.submit_many(30);
    SubmitEntry urgent;
    urgent.priority = 5;
    std::vector<Seq> first;
    for (int i = 0; i < 30; ++i) first.push_back(rig.submit(urgent));
    Worker ann(1, "ann");
    rig.join(ann, 0);
    const std::vector<Seq> order = run_all(rig, ann);
    REQUIRE(order.size() == 60);
    CHECK(std::vector<Seq>(order.begin(), order.begin() + 30) == first);
  }

  TEST_CASE("keys, payloads and policies come through") {
    Rig rig(short_sighted());
    rig.submit_many(20);
    SubmitEntry odd = with_key("k", "payload");
    odd.exec_ms = 4321;
    odd.max_attempts = 1;
    odd.flags = kSubmitWanted;
    const Seq seq = rig.submit(odd);
    Worker ann(1, "ann");
    rig.join(ann, 21);
    const std::vector<TaskEntry> tasks = rig.all_for(ann);
    REQUIRE(tasks.size() == 21);
    CHECK(tasks[20].seq == seq);
    CHECK(tasks[20].key == "k");
    CHECK(as_text(tasks[20].payload) == "payload");
    CHECK(tasks[20].exec_ms == 4321);
    CHECK(tasks[20].flags == (kLastAttempt | kTaskWanted));
  }

  TEST_CASE("one that waits packed can be cancelled, and is known by its key") {
    Rig rig(short_sighted());
    std::vector<Seq> seqs = rig.submit_many(20);
    const Seq keyed = rig.submit(with_key("mine", "x"));
    CHECK(rig.machine.find_key("mine") == keyed);
    CHECK(rig.machine.cancel(seqs[15], rig.now));
    rig.turn();
    const OutcomeEntry outcome = rig.expect_outcome();
    CHECK(outcome.seq == seqs[15]);
    CHECK(outcome.status == Status::cancelled);
    rig.confirm(outcome.rsn);
    CHECK_FALSE(rig.machine.cancel(seqs[15], rig.now));
    seqs.erase(seqs.begin() + 15);
    seqs.push_back(keyed);
    Worker ann(1, "ann");
    rig.join(ann, 0);
    CHECK(run_all(rig, ann) == seqs);
  }

  TEST_CASE("who submits a packed task's key again may wait for its outcome, too") {
    Rig rig(short_sighted());
    rig.submit_many(20);
    Client client(9);
    rig.open(client);
    rig.submit_as(client, 1, {with_key("k")});
    SubmitEntry again = with_key("k");
    again.flags = kSubmitWanted;
    const SubmitConfirm confirm = rig.submit_as(client, 2, {again});
    REQUIRE(confirm.exceptions.size() == 1);
    CHECK(confirm.exceptions[0].code == Code::duplicate);
    Worker ann(1, "ann");
    rig.join(ann, 21);
    int wanted = 0;
    for (const TaskEntry& task : rig.all_for(ann)) {
      wanted += (task.flags & kTaskWanted) != 0 ? 1 : 0;
      if ((task.flags & kTaskWanted) != 0) CHECK(task.key == "k");
    }
    CHECK(wanted == 1);
  }

  TEST_CASE("when all is halted a backlog ends as cancelled") {
    Rig rig(short_sighted());
    rig.submit_many(50);
    rig.machine.halt(false, rig.now);
    rig.turn();
    CHECK(rig.drop_outcomes() == 50);
    for (std::uint64_t rsn = 1; rsn <= 50; ++rsn) rig.confirm(Rsn{rsn});
    CHECK(rig.status().counters.settled[static_cast<std::size_t>(Status::cancelled)] == 50);
    CHECK(rig.machine.unsettled() == 0);
  }

  TEST_CASE("a refused type is one task of a backlog that fails") {
    DispatcherOptions options = short_sighted();
    options.max_types = 1;
    Rig rig(options);
    rig.submit_many(20);
    const Seq seq = rig.submit({}, "another");
    const OutcomeEntry outcome = rig.expect_outcome();
    CHECK(outcome.seq == seq);
    CHECK(outcome.status == Status::failed);
  }

  TEST_CASE("the limit of bytes is for memory: with a journal a backlog may be larger") {
    DispatcherOptions options = short_sighted();
    options.max_bytes = 400;
    JournalModel journal;
    Rig rig(journal, Epoch{1}, Time{1000s}, options);
    std::vector<Seq> seqs;
    for (int i = 0; i < 100; ++i) seqs.push_back(rig.submit(with_payload("ten bytes!")));
    CHECK(rig.status().bytes <= 400);
    CHECK(rig.status().spilled >= 80);
    CHECK(rig.status().spilled + rig.status().bytes / 10 == 100);
    CHECK(rig.status().spilled_bytes == rig.status().spilled * 10);
    Worker ann(1, "ann");
    rig.join(ann, 0);
    CHECK(run_all(rig, ann) == seqs);
    CHECK(rig.status().spilled == 0);
  }

  TEST_CASE("a restart leaves a backlog in the journal, and runs it in its order") {
    JournalModel journal;
    std::vector<Seq> seqs;
    {
      Rig rig(journal, Epoch{1}, Time{1000s}, short_sighted());
      seqs = rig.submit_many(100);
    }
    Rig rig(journal, Epoch{2}, Time{1000s}, short_sighted());
    CHECK(rig.machine.unsettled() == 100);
    CHECK(rig.status().spilled >= 88);
    seqs.push_back(rig.submit());
    Worker ann(1, "ann");
    rig.join(ann, 0);
    CHECK(run_all(rig, ann) == seqs);
    CHECK(journal.contents().tasks.empty());
  }

  TEST_CASE("a worker's inventory may name tasks of the last life's backlog") {
    JournalModel journal;
    std::vector<Seq> seqs;
    Worker ann(1, "ann"), bob(2, "bob");
    {
      Rig rig(journal, Epoch{1}, Time{1000s}, short_sighted());
      rig.join(ann, 30);
      rig.join(bob, 0);
      seqs = rig.submit_many(30);
      CHECK(rig.all_for(ann).size() == 30);
    }
    // All thirty may be with a worker, and only eight have slots.
    Rig rig(journal, Epoch{2}, Time{1000s}, short_sighted());
    CHECK(rig.status().spilled >= 18);
    ann.previous = bob.previous = PreviousSession{kLog, Epoch{1}, ann.sid};
    rig.hello(bob);
    rig.inventory(bob);
    rig.credit(bob, 100);
    CHECK(rig.nothing_sent());  // ann has not spoken
    rig.hello(ann);
    const Verdicts verdicts = rig.inventory(
        ann, {held(seqs[20], HeldState::running), held(seqs[25], HeldState::unconfirmed),
              held(seqs[28], HeldState::queued)});
    REQUIRE(verdicts.entries.size() == 3);
    CHECK(verdicts.entries[0].verdict == Verdict::re_leased);
    CHECK(verdicts.entries[1].verdict == Verdict::re_leased);
    CHECK(verdicts.entries[2].verdict == Verdict::drop);
    const std::vector<TaskEntry> others = rig.all_for(bob);
    CHECK(others.size() == 28);
    for (const TaskEntry& task : others) {
      CHECK(task.seq != seqs[20]);
      CHECK(task.seq != seqs[25]);
    }
    rig.ack(ann, {{seqs[20], verdicts.entries[0].lease, Status::done},
                  {seqs[25], verdicts.entries[1].lease, Status::done}});
    for (const TaskEntry& task : others) rig.ack(bob, task);
    CHECK(rig.machine.unsettled() == 0);
  }

  TEST_CASE("a task of the last life's backlog that is cancelled waits for the inventories") {
    JournalModel journal;
    std::vector<Seq> seqs;
    Worker ann(1, "ann");
    {
      Rig rig(journal, Epoch{1}, Time{1000s}, short_sighted());
      rig.join(ann, 30);
      seqs = rig.submit_many(30);
      CHECK(rig.all_for(ann).size() == 30);
    }
    Rig rig(journal, Epoch{2}, Time{1000s}, short_sighted());
    CHECK(rig.machine.cancel(seqs[25], rig.now));
    rig.turn();
    CHECK(rig.nothing_sent());
    rig.pass(24s);
    const OutcomeEntry outcome = rig.expect_outcome();
    CHECK(outcome.seq == seqs[25]);
    CHECK(outcome.status == Status::cancelled);
  }

  TEST_CASE("what the journal had no room for stays in memory, and comes again") {
    JournalModel journal;
    Rig rig(journal, Epoch{1}, Time{1000s}, short_sighted());
    rig.journal_is_full = true;
    const std::vector<Seq> seqs = rig.submit_many(40);
    CHECK(rig.status().spilled == 0);
    CHECK(journal.contents().tasks.empty());
    rig.journal_is_full = false;
    rig.turn();
    rig.turn();
    CHECK(journal.contents().tasks.size() == 40);
    CHECK(rig.status().spilled >= 28);
    Worker ann(1, "ann");
    rig.join(ann, 0);
    CHECK(run_all(rig, ann) == seqs);
  }
}
