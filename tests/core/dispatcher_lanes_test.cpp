// dispatcher_lanes_test.cpp: lanes are opened, probed, given up, and what they lost comes back.
// SPDX-License-Identifier: MIT
#include "core/dispatcher_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::rig;

namespace {

Worker with_lane(std::uint64_t number, const char* name) {
  Worker worker(number, name);
  worker.push = true;
  return worker;
}

}  // namespace

TEST_SUITE("dispatcher lanes") {
  // Rule 8: "Lane probe: an empty TASKS n=1 on the PUSH before any task".
  TEST_CASE("no task takes a lane before its probe was seen") {
    Rig rig;
    Worker ann = with_lane(1, "ann");
    rig.submit();
    const Welcome welcome = rig.hello(ann);
    REQUIRE(welcome.lane);
    CHECK(welcome.lane->port == 20001);
    CHECK_FALSE(welcome.lane->host);
    rig.inventory(ann);
    const Tasks probe = rig.tasks_for(ann);
    CHECK(probe.entries.empty());
    CHECK(probe.epoch == Epoch{1});
    CHECK(rig.last_n == 1);
    rig.credit(ann, 1);
    CHECK(rig.nothing_sent());
    CHECK(rig.phase_of(ann) == "probing");
    ann.state.lane_rx = 1;
    rig.say(ann);
    const Tasks tasks = rig.tasks_for(ann);
    CHECK(rig.last_n == 2);
    CHECK(tasks.entries.size() == 1);
    CHECK(tasks.tasks_before == 0);
  }

  // Rule 8: "if STATE.lane_rx >= 1 does not come within D, BYE(lane), and the worker says HELLO
  // again with lanes=1".
  TEST_CASE("a lane that cannot be reached ends in an inline session") {
    Rig rig;
    Worker ann = with_lane(1, "ann");
    rig.submit();
    rig.hello(ann);
    rig.inventory(ann);
    rig.tasks_for(ann);
    rig.credit(ann, 1);
    rig.pass(7s, {&ann});
    CHECK(rig.nothing_sent());
    const Sid old = ann.sid;
    rig.pass(2s, {&ann});
    CHECK(rig.expect<Bye>(ann.peer).code == Code::lane);
    CHECK(rig.lanes_closed == std::vector<Sid>{old});
    CHECK(rig.machine.counters().lane_failures == 1);
    CHECK(rig.phase_of(ann) == "leaving");
    rig.say(ann);  // still polite
    CHECK(rig.nothing_sent());
    ann.push = false;
    const Welcome welcome = rig.hello(ann);
    CHECK_FALSE(welcome.lane);
    rig.inventory(ann);
    rig.credit(ann, 1);
    CHECK(rig.task_for(ann).attempt == 1);
    CHECK(rig.last_n == 1);
    CHECK(rig.machine.counters().inline_sessions == 1);
    CHECK(rig.lanes_closed.size() == 1);
  }

  TEST_CASE("a lane that cannot be opened makes the session inline at once") {
    Rig rig;
    Worker ann = with_lane(1, "ann");
    rig.send_hello(ann, ++ann.tries);
    REQUIRE(rig.lanes_wanted.size() == 1);
    CHECK(rig.nothing_sent());
    rig.machine.lane_failed(rig.lanes_wanted.front(), rig.now);
    rig.machine.lane_failed(rig.lanes_wanted.front(), rig.now);  // said twice: nothing more
    rig.turn();
    CHECK_FALSE(rig.expect<Welcome>(ann.peer).lane);
    ann.sid = rig.last_sid;
    ann.push = false;
    rig.inventory(ann);
    rig.submit();
    rig.credit(ann, 1);
    rig.task_for(ann);
    CHECK(rig.lanes_closed.empty());
  }

  TEST_CASE("beyond the limit of lanes sessions are inline, and a freed lane is used again") {
    DispatcherOptions options = one_sink();
    options.max_lanes = 1;
    Rig rig(options);
    Worker ann = with_lane(1, "ann");
    Worker bob = with_lane(2, "bob");
    rig.join(ann, 0);
    bob.push = true;
    CHECK_FALSE(rig.hello(bob).lane);
    rig.receive(ann.peer, ann.sid, 0, Goodbye{});
    rig.expect<Bye>(ann.peer);
    CHECK(rig.lanes_closed == std::vector<Sid>{ann.sid});
    Worker eve = with_lane(3, "eve");
    rig.join(eve, 0);
  }

  TEST_CASE("a worker that goes while its lane is being bound leaves no lane") {
    Rig rig;
    Worker ann = with_lane(1, "ann");
    rig.send_hello(ann, 1);
    const Sid sid = rig.lanes_wanted.front();
    rig.pass(25s);
    CHECK(rig.status().workers.empty());
    const std::size_t before = rig.lanes_closed.size();
    rig.machine.lane_opened(sid, 20001, std::nullopt, rig.now);
    rig.turn();
    REQUIRE(rig.lanes_closed.size() == before + 1);
    CHECK(rig.lanes_closed.back() == sid);
  }

  // Rule 8: "lane_rx short of the last n for 2H: as GAP; before what was lost is leased anew,
  // void_n tells the worker to drop any late arrival up to that n" (cases 6 and 7).
  TEST_CASE("what a lane lost is leased anew after 2H, and declared void before") {
    Rig rig;
    Worker ann = with_lane(1, "ann");
    rig.join(ann, 4);
    const Seq a = rig.submit();
    const Seq b = rig.submit();
    const Seq c = rig.submit();
    rig.task_for(ann);
    rig.task_for(ann);
    rig.task_for(ann);  // n = 2, 3, 4
    ann.state.lane_rx = 2;
    rig.say(ann);
    rig.pass(3500ms, {&ann});
    CHECK(rig.nothing_sent());
    rig.pass(1s, {&ann});
    const Tasks notice = rig.expect<Tasks>(ann.peer);
    CHECK(rig.last_n == 0);
    CHECK(notice.entries.empty());
    CHECK(notice.void_n == 4);
    CHECK(notice.tasks_before == 3);
    // One task of credit was left: the older of the lost ones takes it.
    const Tasks again = rig.tasks_for(ann);
    CHECK(rig.last_n == 5);
    CHECK(again.void_n == 4);
    CHECK(again.tasks_before == 3);
    REQUIRE(again.entries.size() == 1);
    CHECK(again.entries[0].seq == b);
    CHECK(again.entries[0].attempt == 1);
    CHECK(rig.status().ready == 1);
    ann.state.lane_rx = 5;
    rig.credit(ann, 6);
    CHECK(rig.task_for(ann).seq == c);
    CHECK(rig.machine.counters().redelivered == 2);
    rig.ack(ann, {{a, Lease{1}, Status::done}});
  }

  TEST_CASE("a lane that is slow but moves is not short") {
    Rig rig;
    Worker ann = with_lane(1, "ann");
    rig.join(ann, 100);
    for (int i = 0; i < 10; ++i) {
      rig.submit();
      rig.task_for(ann);
    }
    for (int i = 0; i < 9; ++i) {
      rig.pass(3s);
      ++ann.state.lane_rx;
      rig.say(ann);
      CHECK(rig.nothing_sent());
    }
    CHECK(rig.machine.counters().redelivered == 0);
  }

  TEST_CASE("a lane that was idle for long is not short when a task comes") {
    Rig rig;
    Worker ann = with_lane(1, "ann");
    rig.join(ann, 100);
    rig.pass(60s, {&ann});
    rig.submit();
    rig.task_for(ann);
    rig.pass(3s, {&ann});
    CHECK(rig.nothing_sent());
  }

  // GAP: "[first, last]: lane numbers that never came"; rule 5: "GAP counts only with the current
  // lease".
  TEST_CASE("a GAP frees what those messages carried, in order and uncharged") {
    Rig rig;
    Worker ann(1, "ann");
    Worker bob(2, "bob");
    rig.join(ann, 4);
    std::vector<Seq> seqs;
    for (int i = 0; i < 4; ++i) seqs.push_back(rig.submit());
    const std::vector<TaskEntry> tasks = rig.all_for(ann);  // n = 1 .. 4
    rig.join(bob, 4);
    rig.receive(ann.peer, ann.sid, 0, Gap{2, 3});
    const std::vector<TaskEntry> again = rig.all_for(bob);
    CHECK(seqs_of(again) == std::vector<Seq>{seqs[1], seqs[2]});
    CHECK(again[0].attempt == 1);
    rig.receive(ann.peer, ann.sid, 0, Gap{2, 3});
    rig.receive(ann.peer, ann.sid, 0, Gap{5, 1ULL << 62});
    CHECK(rig.nothing_sent());
    rig.ack(ann, tasks[0]);
    rig.ack(ann, tasks[3]);
    CHECK(rig.machine.unsettled() == 2);
  }
}
