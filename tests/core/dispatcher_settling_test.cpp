// dispatcher_settling_test.cpp: cancelled, expired: outcomes that the ventilator sends itself.
// SPDX-License-Identifier: MIT
#include "core/dispatcher_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::rig;

namespace {

bool cancel(Rig& rig, Seq seq) {
  const bool known = rig.machine.cancel(seq, rig.now);
  rig.turn();
  return known;
}

}  // namespace

TEST_SUITE("dispatcher settling") {
  // Rule 15: "Outcomes that no worker can send the ventilator sends to the sink itself ... settled
  // only when the sink has it".
  TEST_CASE("a cancelled task is settled when the sink has said so") {
    Rig rig;
    SubmitEntry delayed = with_key("late", "work");
    delayed.delay_ms = 60'000;
    for (const Seq seq : {rig.submit(with_key("soon", "work")), rig.submit(delayed)}) {
      CHECK(cancel(rig, seq));
      const OutcomeEntry outcome = rig.expect_outcome();
      CHECK(outcome.seq == seq);
      CHECK(outcome.status == Status::cancelled);
      CHECK(outcome.flags == (kTerminal | kTaskPayload));
      CHECK(outcome.attempt == 0);
      CHECK(as_text(outcome.payload) == "work");
      CHECK(rig.status().settling == 1);
      CHECK(cancel(rig, seq));  // again: still under way
      CHECK(rig.nothing_sent());
      rig.confirm(outcome.rsn);
      CHECK(rig.machine.unsettled() == 0 + (seq == Seq{1} ? 1U : 0U));
      CHECK_FALSE(cancel(rig, seq));
    }
    CHECK(rig.machine.counters().settled[3] == 2);
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    rig.pass(120s, {&ann});
    CHECK(rig.nothing_sent());
  }

  // CANCEL: "answered by an outcome that won, or NACK 11".
  TEST_CASE("a leased task is cancelled by its worker, or ends as it does") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 2);
    const std::vector<Seq> seqs = rig.submit_many(2);
    const std::vector<TaskEntry> tasks = rig.all_for(ann);
    for (const TaskEntry& task : tasks) {
      CHECK(cancel(rig, task.seq));
      const Cancel message = rig.expect<Cancel>(ann.peer);
      REQUIRE(message.entries.size() == 1);
      CHECK(message.entries[0].lease == task.lease);
    }
    rig.ack(ann, tasks[0]);  // it won
    CHECK(rig.machine.counters().settled[0] == 1);
    rig.nack(ann, tasks[1], NackReason::cancelled, false);
    const OutcomeEntry outcome = rig.expect_outcome();
    CHECK(outcome.status == Status::cancelled);
    rig.confirm(outcome.rsn);
    CHECK(rig.machine.unsettled() == 0);
  }

  TEST_CASE("a cancelled task is not run again by whatever brings it back") {
    for (int way = 0; way < 4; ++way) {
      Rig rig;
      Worker ann(1, "ann");
      rig.join(ann, kMany);
      const Seq seq = rig.submit();
      const TaskEntry task = rig.task_for(ann);
      CHECK(cancel(rig, seq));
      rig.expect<Cancel>(ann.peer);
      if (way == 0) rig.nack(ann, task, NackReason::failed);
      if (way == 1) rig.give_back(ann, {{task.seq, task.lease}});
      if (way == 2) rig.receive(ann.peer, ann.sid, 0, Gap{1, 1});
      if (way == 3) {
        rig.gone(ann);
        rig.pass(2s);
      }
      const OutcomeEntry outcome = rig.expect_outcome();
      CHECK(outcome.status == Status::cancelled);
      rig.confirm(outcome.rsn);
      CHECK(rig.machine.unsettled() == 0);
    }
  }

  // Case 26: "cancel or expiry races with a finished outcome: SETTLING; the sink's first wins, ACK
  // carries its status".
  TEST_CASE("an ack that meets a settling task settles it as the sink has it") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    SubmitEntry entry;
    entry.ttl_ms = 1000;
    rig.submit(entry);
    const TaskEntry task = rig.task_for(ann);
    rig.pass(1s - 1ns);
    CHECK(rig.nothing_sent());
    rig.pass(1ns);
    CHECK(rig.expect<Cancel>(ann.peer).entries[0].lease == task.lease);
    const OutcomeEntry outcome = rig.expect_outcome();
    CHECK(outcome.status == Status::expired);
    rig.ack(ann, task, Status::done);
    CHECK(rig.machine.unsettled() == 0);
    CHECK(rig.machine.counters().settled[0] == 1);
    rig.refuse(outcome.rsn, Code::duplicate, Status::done);  // the sink's answer comes later
    CHECK(rig.machine.counters().settled[0] == 1);
    CHECK(rig.machine.counters().settled[2] == 0);
  }

  // Case 29: "outcome confirmed as DUPLICATE of another status: the stored status is what the
  // ventilator records".
  TEST_CASE("a DUPLICATE's stored status wins") {
    Rig rig;
    const Seq seq = rig.submit();
    CHECK(cancel(rig, seq));
    rig.refuse(rig.expect_outcome().rsn, Code::duplicate, Status::failed);
    CHECK(rig.machine.unsettled() == 0);
    CHECK(rig.machine.counters().settled[1] == 1);
    CHECK(rig.machine.counters().settled[3] == 0);
  }

  TEST_CASE("a task expires wherever it is, and once") {
    Rig rig;
    SubmitEntry entry;
    entry.ttl_ms = 1000;
    rig.submit(entry);
    entry.delay_ms = 5000;
    rig.submit(entry);
    rig.pass(1s - 1ns);
    CHECK(rig.status().settling == 0);
    rig.pass(1ns);
    CHECK(rig.status().settling == 2);
    SinkConfirm confirm;
    confirm.stored.push_back({Rsn{1}, Rsn{2}});
    rig.from_sink(confirm);
    CHECK(rig.machine.counters().settled[2] == 2);
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    rig.pass(10s, {&ann});
    CHECK(rig.machine.unsettled() == 0);
    // The two outcomes came in one message or two; both have been checked by number.
    CHECK(rig.drop_outcomes() == 2);
  }

  TEST_CASE("a task whose time is over while it may be running has had that execution") {
    for (const bool is_first : {false, true}) {
      Rig rig;
      Worker ann(1, "ann");
      rig.join(ann, kMany);
      rig.submit();
      SubmitEntry entry;
      entry.ttl_ms = 1000;
      rig.submit(entry);
      const std::vector<TaskEntry> tasks = rig.all_for(ann);
      REQUIRE(tasks.size() == 2);
      if (is_first) rig.ack(ann, tasks[0]);
      rig.pass(1s);
      CHECK(rig.expect<Cancel>(ann.peer).entries.size() == 1);
      const OutcomeEntry outcome = rig.expect_outcome();
      CHECK(outcome.seq == tasks[1].seq);
      CHECK(outcome.attempt == (is_first ? 1U : 0U));
    }
  }

  TEST_CASE("a task that returns after its time is over is not sent out again") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    SubmitEntry entry;
    entry.ttl_ms = 1000;
    rig.submit(entry);
    const TaskEntry task = rig.task_for(ann);
    rig.nack(ann, task, NackReason::overload, false, 5000);
    rig.pass(1s);
    CHECK(rig.expect_outcome().status == Status::expired);
    rig.pass(9s, {&ann});
    CHECK(rig.status().settling == 1);
    CHECK(rig.drop_outcomes() <= 1);  // the sink has not answered: perhaps once more
  }

  TEST_CASE("an outcome is kept while the sink is away") {
    Rig rig;
    rig.pass(1s);
    rig.sink_is_up = false;
    rig.machine.sink_disconnected(0, rig.now);
    rig.turn();
    CHECK(cancel(rig, rig.submit()));
    rig.pass(60s);
    CHECK(rig.status().settling == 1);
    CHECK_FALSE(rig.status().sinks[0].connected);
    CHECK(rig.status().sinks[0].retained == 1);
    rig.sink_is_up = true;
    rig.pass(10s);
    CHECK(rig.sink_opens > 2);
    rig.confirm(rig.expect_outcome().rsn);
    CHECK(rig.machine.unsettled() == 0);
  }

  TEST_CASE("a sink that says later is asked again") {
    Rig rig;
    CHECK(cancel(rig, rig.submit()));
    rig.refuse(rig.expect_outcome().rsn, Code::defer);
    CHECK(rig.status().settling == 1);
    rig.pass(2s);
    rig.confirm(rig.expect_outcome().rsn);
    CHECK(rig.machine.unsettled() == 0);
  }

  TEST_CASE("an outcome larger than the sink's frames goes without the payload") {
    for (const bool sink_says_so : {false, true}) {
      DispatcherOptions options = one_sink();
      Rig rig(options);
      if (!sink_says_so) {
        rig.sink_max_frame = 8 << 10;
        rig.machine.sink_disconnected(0, rig.now);
        rig.pass(1s);
      }
      const std::string payload(100'000, 'x');
      CHECK(cancel(rig, rig.submit(with_key("k", payload))));
      if (sink_says_so) rig.refuse(rig.expect_outcome().rsn, Code::too_large);
      const OutcomeEntry outcome = rig.expect_outcome();
      CHECK(outcome.status == Status::cancelled);
      CHECK(outcome.flags == kTerminal);
      CHECK(outcome.key == "k");
      CHECK(outcome.payload.empty());
      if (sink_says_so)
        rig.refuse(outcome.rsn, Code::rejected);  // for good: what was decided stands
      else
        rig.confirm(outcome.rsn);
      CHECK(rig.machine.unsettled() == 0);
      CHECK(rig.machine.counters().settled[3] == 1);
    }
  }

  TEST_CASE("a halt ends what has not started, and tells the workers, also after a reconnect") {
    for (const bool stop : {false, true}) {
      const DrainMode mode = stop ? DrainMode::stop : DrainMode::return_queued;
      Rig rig;
      Worker ann(1, "ann");
      rig.join(ann, 2);
      SubmitEntry delayed;
      delayed.delay_ms = 1000;
      rig.submit_many(3);
      rig.submit(delayed);
      const std::vector<TaskEntry> tasks = rig.all_for(ann);
      REQUIRE(tasks.size() == 2);
      rig.machine.halt(stop, rig.now);
      rig.turn();
      CHECK(rig.expect<Drain>(ann.peer).mode == mode);
      CHECK(rig.status().settling == 2);
      CHECK_FALSE(rig.machine.reserve(1));
      rig.give_back(ann, {{tasks[1].seq, tasks[1].lease}});
      CHECK(rig.status().settling == 3);
      ann.peer = PeerId{11};
      rig.hello(ann);
      rig.inventory(ann, {{tasks[0].seq, tasks[0].lease, HeldState::running}});
      CHECK(rig.expect<Drain>(ann.peer).mode == mode);
      rig.ack(ann, tasks[0]);
      CHECK(rig.drop_outcomes() == 3);
      SinkConfirm confirm;
      confirm.stored.push_back({Rsn{1}, Rsn{3}});
      rig.from_sink(confirm);
      CHECK(rig.machine.unsettled() == 0);
      CHECK(rig.machine.counters().settled[3] == 3);
    }
  }

  TEST_CASE("a client cancels by number and hears what was known") {
    Rig rig;
    Client ann(1);
    rig.open(ann);
    const SubmitConfirm confirm = rig.submit_as(ann, 1, std::vector<SubmitEntry>(1));
    rig.receive(ann.peer, ann.sid, 5, CancelTasks{{confirm.first, Seq{99}}});
    const CancelReply reply = rig.expect<CancelReply>(ann.peer);
    CHECK(rig.last_n == 5);
    REQUIRE(reply.answers.size() == 2);
    CHECK(reply.answers[0].code == Code::ok);
    CHECK(reply.answers[1].code == Code::expired);
    rig.confirm(rig.expect_outcome().rsn);
  }

  TEST_CASE("without a sink what is cancelled is over at once") {
    Rig rig{DispatcherOptions{}};
    CHECK(cancel(rig, rig.submit()));
    CHECK(rig.machine.unsettled() == 0);
    CHECK(rig.machine.counters().settled[3] == 1);
  }

  // Section 3: "floor: all seq < floor are settled ... and it never falls".
  TEST_CASE("the floor follows the oldest unsettled task, and the sink is told") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    rig.submit_many(3);
    const std::vector<TaskEntry> tasks = rig.all_for(ann);
    rig.ack(ann, tasks[1]);
    CHECK(raw(rig.status().floor) == 1);
    rig.ack(ann, tasks[0]);
    CHECK(raw(rig.status().floor) == 3);
    rig.pass(1s, {&ann});
    CHECK(rig.floor_told == Seq{3});
    rig.ack(ann, tasks[2]);
    rig.pass(1s, {&ann});
    CHECK(rig.floor_told == Seq{4});
  }
}
