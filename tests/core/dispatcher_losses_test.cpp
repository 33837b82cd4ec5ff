// dispatcher_losses_test.cpp: workers die, connections are cut, and the right task is blamed.
// SPDX-License-Identifier: MIT
#include "core/dispatcher_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::rig;

namespace {

// Says nothing more, until it is lost.
void kill(Rig& rig, Worker& worker) {
  rig.gone(worker);
  rig.pass(1100ms);  // longer than any grace
  CHECK(rig.phase_of(worker) == "gone");
}
Worker fresh(std::uint64_t number, std::uint32_t slots = 1) {
  Worker worker(number, "worker" + std::to_string(number));
  worker.slots = slots;
  return worker;
}

}  // namespace

TEST_SUITE("dispatcher losses") {
  // Section 7: "after a disconnect the unstarted are re-queued at once"; section 6: G "for running
  // ones twice the type's median run time within 5..1000".
  TEST_CASE("a cut frees the unstarted at once and the running after a grace") {
    struct Case {
      Duration run, grace;
    };
    for (const Case& c : {Case{1ms, 5ms}, Case{40ms, 80ms}, Case{3s, 1s}}) {
      Rig rig;
      Worker ann = fresh(1, 2);
      Worker bob = fresh(2);
      rig.join(ann, 1);
      rig.submit();
      const TaskEntry first = rig.task_for(ann);
      rig.pass(c.run);
      rig.ack(ann, first);  // so the median is known
      rig.credit(ann, 6);
      const std::vector<Seq> seqs = rig.submit_many(5);
      CHECK(rig.all_for(ann).size() == 5);
      rig.join(bob, 5);
      rig.gone(ann);
      CHECK(rig.phase_of(ann) == "suspect");
      const std::vector<TaskEntry> unstarted = rig.all_for(bob);
      CHECK(seqs_of(unstarted) == std::vector<Seq>{seqs[2], seqs[3], seqs[4]});
      for (const TaskEntry& task : unstarted) CHECK(task.attempt == 1);
      rig.pass(c.grace - 1ns);
      CHECK(rig.nothing_sent());
      rig.pass(1ns);
      CHECK(rig.phase_of(ann) == "gone");
      const std::vector<TaskEntry> running = rig.all_for(bob);
      CHECK(seqs_of(running) == std::vector<Seq>{seqs[0], seqs[1]});
      for (const TaskEntry& task : running) CHECK(task.attempt == 2);
      CHECK(rig.machine.counters().losses == 2);
      CHECK(rig.machine.counters().redelivered == 5);
    }
  }

  // Section 3: attempt is "1 + earlier dispatches that started or may have started".
  TEST_CASE("short tasks behind those that may have ended count as started") {
    struct Case {
      Duration run;
      std::size_t started;  // of 20, on one slot
      std::uint64_t blamed;
    };
    for (const Case& c : {Case{1ms, 20, 20}, Case{10ms, 7, 7}, Case{40ms, 3, 3}, Case{3s, 2, 1}}) {
      Rig rig;
      Worker ann = fresh(1);
      Worker bob = fresh(2);
      rig.join(ann, 1);
      rig.submit();
      const TaskEntry first = rig.task_for(ann);
      rig.pass(c.run);
      rig.ack(ann, first);  // so the median is known
      rig.credit(ann, 21);
      const std::vector<Seq> seqs = rig.submit_many(20);
      CHECK(rig.all_for(ann).size() == 20);
      rig.pass(1us);  // an ack may be under way by now
      rig.join(bob, 20);
      rig.gone(ann);
      CHECK(rig.all_for(bob).size() == 20 - c.started);
      rig.pass(1s);
      CHECK(rig.phase_of(ann) == "gone");
      const std::vector<TaskEntry> again = rig.all_for(bob);
      CHECK(again.size() == c.started);
      for (const TaskEntry& task : again) CHECK(task.attempt == 2);
      CHECK(rig.machine.counters().losses == c.blamed);
    }
  }

  TEST_CASE("a cut seen twice, or of nobody, changes nothing") {
    Rig rig;
    Worker ann = fresh(1);
    rig.join(ann, 1);
    rig.gone(ann);
    rig.gone(ann);
    rig.machine.peer_gone(PeerId{99}, rig.now);
    rig.pass(2s);
    CHECK(rig.machine.counters().workers_lost == 1);
  }

  // Rule 13: "reconnecting after 50-200 ms; if the same boot returns, losses charged for it are
  // refunded".
  TEST_CASE("a boot that returns within the grace loses nothing") {
    Rig rig;
    Worker ann = fresh(1);
    rig.join(ann, 1);
    rig.submit();
    const TaskEntry task = rig.task_for(ann);
    rig.gone(ann);
    rig.now += 1ms;
    ann.peer = PeerId{11};
    rig.hello(ann);
    CHECK(rig.inventory(ann, {{task.seq, task.lease, HeldState::running}}).entries.empty());
    rig.pass(2s);
    CHECK(rig.status().leased == 1);
    CHECK(rig.machine.counters().losses == 0);
    rig.ack(ann, task);
  }

  TEST_CASE("losses are refunded when the boot returns after it was given up") {
    Rig rig;
    SubmitEntry entry;
    entry.options = SubmitOptions{0, 0, 2, {}};
    rig.submit(entry);
    Worker ann = fresh(1);
    for (std::uint32_t i = 0; i < 6; ++i) {  // never blamed, however often
      rig.join(ann, 1);
      CHECK(rig.task_for(ann).attempt == i + 1);
      kill(rig, ann);
      ann.peer = PeerId{20 + i};
    }
    CHECK(rig.status().ready == 1);
  }

  TEST_CASE("a refund frees a suspect from its trial") {
    Rig rig;
    Worker ann = fresh(1, 2);
    SubmitEntry entry;
    entry.options = SubmitOptions{0, 0, 2, {}};
    rig.join(ann, 2);
    rig.submit(entry);
    rig.submit(entry);
    CHECK(rig.all_for(ann).size() == 2);
    kill(rig, ann);  // both are at the brink now, and wait for a trial
    CHECK(rig.status().ready == 2);
    ann.peer = PeerId{11};
    rig.join(ann, 2);
    CHECK(rig.all_for(ann).size() == 2);  // together again
  }

  TEST_CASE("a refund takes back only what was charged") {
    Rig rig;
    SubmitEntry entry;
    entry.options = SubmitOptions{0, 0, 2, {}};
    rig.submit(entry);
    rig.submit(entry);
    Worker ann = fresh(1, 2);
    rig.join(ann, 2);
    rig.all_for(ann);
    kill(rig, ann);  // one loss each: charged
    Worker bob = fresh(2, 2);
    rig.join(bob, 2);
    const TaskEntry trial = rig.task_for(bob);  // alone
    // Its return brings bob's lease of the trial, and a second, uncharged loss beside another.
    Worker eve = fresh(3, 2);
    rig.hello(eve);
    rig.inventory(eve);
    rig.credit(eve, 2);
    const TaskEntry other = rig.task_for(eve);
    rig.ack(eve, other);
    kill(rig, bob);  // alone: the second loss, so it is blamed
    const OutcomeEntry outcome = rig.expect_outcome();
    CHECK(outcome.seq == trial.seq);
    bob.peer = PeerId{12};
    rig.join(bob, 2);  // too late for a refund: the sink may have it
    CHECK(rig.status().settling == 1);
    rig.confirm(outcome.rsn);
    CHECK(rig.machine.unsettled() == 0);
  }

  // Codes: "the suspects are its first `slots` unsettled ones".
  TEST_CASE("only what may have been running is charged") {
    Rig rig;
    SubmitEntry entry;
    entry.options = SubmitOptions{0, 0, 2, {}};
    Worker ann = fresh(1, 2);
    rig.join(ann, 5);
    for (int i = 0; i < 5; ++i) rig.submit_later(entry);
    rig.turn();
    CHECK(rig.all_for(ann).size() == 5);
    kill(rig, ann);
    Worker bob = fresh(2, 8);
    rig.join(bob, 8);
    // The two suspects are not in the crowd: one is on trial, which keeps bob for itself.
    CHECK(rig.task_for(bob).attempt == 2);
    Worker eve = fresh(3, 8);
    rig.join(eve, 8);
    CHECK(rig.task_for(eve).attempt == 2);
    Worker joe = fresh(4, 8);
    rig.join(joe, 8);
    const std::vector<TaskEntry> crowd = rig.all_for(joe);
    CHECK(crowd.size() == 3);
    for (const TaskEntry& task : crowd) CHECK(task.attempt == 1);
  }

  // Case 23: "losses counted only where it ran; alone before blamed; then failed + dead letter".
  TEST_CASE("a poison task is found, its neighbours go free") {
    Rig rig;
    Worker ann = fresh(1, 4);
    rig.join(ann, 4);
    const Seq poison = rig.submit_later(with_key("poison", "arsenic"));
    std::vector<Seq> good;
    for (int i = 0; i < 3; ++i) good.push_back(rig.submit_later());
    rig.turn();
    rig.all_for(ann);
    std::uint64_t number = 1;
    std::uint64_t outcomes = 0;
    kill(rig, ann);
    for (int round = 0; round < 20 && rig.machine.unsettled() > 0 && outcomes == 0; ++round) {
      Worker next = fresh(++number, 4);
      rig.join(next, 4);
      bool dies = true;
      while (dies && rig.next_is_tasks(next)) {
        const std::vector<TaskEntry> tasks = rig.all_for(next);
        for (const TaskEntry& task : tasks) dies = dies && task.seq != poison;
        if (!dies) break;
        for (const TaskEntry& task : tasks) rig.ack(next, task);
        next.state.tasks_limit += 4;
        rig.say(next);
      }
      kill(rig, next);
      if (rig.status().settling == 1) ++outcomes;
    }
    const OutcomeEntry outcome = rig.expect_outcome();
    CHECK(outcome.seq == poison);
    CHECK(outcome.status == Status::failed);
    CHECK(outcome.error.find("lost 3 times") != std::string_view::npos);
    CHECK(outcome.key == "poison");
    CHECK(as_text(outcome.payload) == "arsenic");
    CHECK(outcome.attempt >= 3);
    rig.confirm(outcome.rsn);
    CHECK(rig.machine.counters().settled[1] == 1);
    Worker last = fresh(++number, 4);
    rig.join(last, 4);
    while (rig.next_is_tasks(last)) {
      for (const TaskEntry& task : rig.all_for(last)) rig.ack(last, task);
      last.state.tasks_limit += 4;
      rig.say(last);
    }
    CHECK(rig.machine.counters().settled[0] == 3);
  }

  TEST_CASE("a worker that is being emptied for a trial does not make its tasks guilty") {
    Rig rig;
    SubmitEntry frail;
    frail.options = SubmitOptions{0, 0, 1, {}};
    Worker ann = fresh(1, 2);
    rig.join(ann, 2);
    rig.submit(frail);
    rig.submit(frail);
    CHECK(rig.all_for(ann).size() == 2);
    Worker bob = fresh(2, 2);
    rig.join(bob, 10);
    rig.submit(frail);
    rig.submit(frail);
    CHECK(rig.all_for(bob).size() == 2);
    kill(rig, ann);  // two suspects; bob, who runs two others, is emptied for them
    rig.submit();
    CHECK(rig.nothing_sent());  // indeed
    kill(rig, bob);
    CHECK(rig.status().settling == 0);
    CHECK(rig.status().ready == 5);
  }

  TEST_CASE("a trial runs alone, and the worker takes others again after it") {
    Rig rig;
    SubmitEntry entry;
    entry.options = SubmitOptions{0, 0, 2, {}};
    Worker ann = fresh(1);
    rig.join(ann, 1);
    rig.submit(entry);
    rig.task_for(ann);
    kill(rig, ann);
    Worker bob = fresh(2, 4);
    rig.join(bob, 10);
    const TaskEntry trial = rig.task_for(bob);
    rig.submit_many(3);
    CHECK(rig.nothing_sent());
    rig.ack(bob, trial);
    CHECK(rig.all_for(bob).size() == 3);
  }

  TEST_CASE("a trial needs a worker with credit for it, in bytes too") {
    Rig rig;
    SubmitEntry entry = with_payload("0123456789");
    entry.options = SubmitOptions{0, 0, 2, {}};
    Worker ann = fresh(1);
    rig.join(ann, 1);
    rig.submit(entry);
    rig.task_for(ann);
    kill(rig, ann);
    Worker bob = fresh(2);
    rig.join(bob, 1, 9);
    CHECK(rig.nothing_sent());
    rig.credit(bob, 1, 10);
    rig.task_for(bob);
  }

  TEST_CASE("a worker lost between two runs of a task does not count against it") {
    Rig rig;
    rig.submit();
    for (std::uint64_t i = 1; i <= 5; ++i) {
      Worker idle = fresh(i);
      rig.hello(idle);
      rig.gone(idle);
      rig.pass(2s);
    }
    Worker ann = fresh(9);
    rig.join(ann, 1);
    CHECK(rig.task_for(ann).attempt == 1);
    CHECK(rig.machine.counters().losses == 0);
  }
}
