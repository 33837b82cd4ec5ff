// dispatcher_leases_test.cpp: ready tasks meet credit, fairly and in order.
// SPDX-License-Identifier: MIT
#include <map>

#include "core/dispatcher_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::rig;

TEST_SUITE("dispatcher leases") {
  // Rule 1: "the ventilator MUST NOT have sent more than tasks_limit tasks or bytes_limit payload
  // bytes; limits never decrease; a STATE with a lower count than seen is ignored".
  TEST_CASE("credit in tasks is used up and not exceeded") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 3);
    rig.submit_many(10);
    CHECK(rig.all_for(ann).size() == 3);
    rig.credit(ann, 2);  // never falls
    CHECK(rig.nothing_sent());
    rig.credit(ann, 5);
    CHECK(rig.all_for(ann).size() == 2);
    ann.state.tasks_limit = 100;
    rig.receive(ann.peer, ann.sid, ann.states, ann.state);  // an old count
    rig.receive(ann.peer, ann.sid, ann.states - 1, ann.state);
    CHECK(rig.nothing_sent());
  }

  TEST_CASE("credit in bytes is not exceeded, not even by the first task") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, kMany, 9);
    rig.submit(with_payload("0123456789"));
    CHECK(rig.nothing_sent());
    rig.credit(ann, kMany, 19);
    rig.submit(with_payload("0123456789"));
    CHECK(rig.all_for(ann).size() == 1);
    rig.credit(ann, kMany, 20);
    const Tasks tasks = rig.tasks_for(ann);
    CHECK(tasks.tasks_before == 1);
    CHECK(tasks.bytes_before == 10);
  }

  TEST_CASE("a task too large for one worker's credit goes to another") {
    Rig rig;
    Worker ann(1, "ann");
    Worker bob(2, "bob");
    rig.join(ann, kMany, 5);
    rig.join(bob, kMany, 50);
    for (int i = 0; i < 4; ++i) rig.submit_later(with_payload("0123456789"));
    rig.turn();
    CHECK(rig.all_for(bob).size() == 4);
    CHECK(rig.nothing_sent());
  }

  // Rule 1: "TASKS names the totals before it".
  TEST_CASE("each message names what was sent before it") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    for (std::uint64_t n = 1; n <= 3; ++n) {
      rig.submit_later(with_payload("abc"));
      rig.submit_later(with_payload("de"));
      rig.turn();
      const Tasks tasks = rig.tasks_for(ann);
      CHECK(rig.last_n == n);
      CHECK(tasks.tasks_before == (n - 1) * 2);
      CHECK(tasks.bytes_before == (n - 1) * 5);
      CHECK(tasks.entries.size() == 2);
    }
  }

  TEST_CASE("priorities are strict, and within one the first comes first") {
    Rig rig;
    std::vector<Seq> by_priority[3];
    for (const std::uint32_t priority : {1U, 0U, 2U, 1U, 2U, 0U, 1U}) {
      SubmitEntry entry;
      entry.priority = priority;
      by_priority[priority].push_back(rig.submit(entry));
    }
    Worker ann(1, "ann");
    rig.join(ann, 7);
    std::vector<Seq> expected;
    for (const int p : {2, 1, 0})
      expected.insert(expected.end(), by_priority[p].begin(), by_priority[p].end());
    CHECK(seqs_of(rig.all_for(ann)) == expected);
  }

  TEST_CASE("a delayed task waits its time, to the nanosecond") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 2);
    SubmitEntry entry;
    entry.delay_ms = 500;
    const Seq late = rig.submit(entry);
    const Seq now = rig.submit();
    CHECK(rig.task_for(ann).seq == now);
    rig.pass(500ms - 1ns);
    CHECK(rig.nothing_sent());
    rig.pass(1ns);
    CHECK(rig.task_for(ann).seq == late);
  }

  TEST_CASE("a few tasks go to idle workers one by one, in turn") {
    Rig rig;
    std::vector<Worker> workers;
    for (std::uint64_t i = 1; i <= 3; ++i) workers.emplace_back(i, "w");
    for (Worker& worker : workers) rig.join(worker, 8);
    std::map<PeerId, int> got;
    for (int i = 0; i < 9; ++i) {
      rig.submit();
      for (Worker& worker : workers)
        for (const TaskEntry& task : rig.all_for(worker)) {
          ++got[worker.peer];
          rig.ack(worker, task);
        }
    }
    for (Worker& worker : workers) CHECK(got[worker.peer] == 3);
  }

  TEST_CASE("an idle worker comes before one that would only queue the task") {
    Rig rig;
    Worker ann(1, "ann");
    Worker bob(2, "bob");
    rig.join(ann, 100);
    rig.submit();
    const TaskEntry running = rig.task_for(ann);
    rig.join(bob, 100);
    rig.submit();
    const TaskEntry second = rig.task_for(bob);
    rig.ack(bob, second);
    rig.submit();
    CHECK(rig.all_for(bob).size() == 1);
    rig.ack(ann, running);
    rig.submit();
    CHECK(rig.all_for(ann).size() == 1);
  }

  TEST_CASE("a burst is shared evenly") {
    Rig rig;
    std::vector<Worker> workers;
    for (std::uint64_t i = 1; i <= 4; ++i) workers.emplace_back(i, "w");
    for (Worker& worker : workers) rig.join(worker, 1000);
    rig.submit_many(1000);
    for (Worker& worker : workers) {
      const std::size_t got = rig.all_for(worker).size();
      CHECK(got >= 200);
      CHECK(got <= 300);
    }
  }

  TEST_CASE("a burst is not spread thinner than an eighth of the credit") {
    Rig rig;
    std::vector<Worker> workers;
    for (std::uint64_t i = 1; i <= 100; ++i) workers.emplace_back(i, "w");
    for (Worker& worker : workers) rig.join(worker, 800);
    rig.submit_many(1000);
    std::size_t busy = 0;
    for (Worker& worker : workers) {
      const std::size_t got = rig.all_for(worker).size();
      if (got == 0) continue;
      ++busy;
      CHECK(got == 100);
    }
    CHECK(busy == 10);
  }

  TEST_CASE("a message holds 64 KiB of tasks, or one larger one") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    const std::string half(40'000, 'x');
    const std::string large(1'000'000, 'y');
    for (int i = 0; i < 3; ++i) rig.submit_later();
    rig.submit_later(with_payload(large));
    for (int i = 0; i < 3; ++i) rig.submit_later(with_payload(half));
    const std::string stem(100, 'k');
    for (int i = 0; i < 1000; ++i) rig.submit_later(with_key(stem + std::to_string(i)));
    rig.turn();
    std::size_t count = 0;
    while (rig.next_is_tasks(ann)) {
      const Tasks tasks = rig.tasks_for(ann);
      std::size_t bytes = 0;
      for (const TaskEntry& task : tasks.entries) bytes += task.payload.size() + task.key.size();
      CHECK((bytes <= kBatchBytes || tasks.entries.size() == 1));
      count += tasks.entries.size();
    }
    CHECK(count == 1007);
  }

  TEST_CASE("a message holds max_entries tasks at most") {
    DispatcherOptions options = one_sink();
    options.frame.max_entries = 10;
    Rig rig(options);
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    rig.submit_many(25);
    for (const std::size_t expected : {10U, 10U, 5U})
      CHECK(rig.tasks_for(ann).entries.size() == expected);
  }

  TEST_CASE("a worker gets tasks of its types only, and a type nobody serves blocks no other") {
    Rig rig;
    Worker ann(1, "ann");
    ann.types = {"a", "b"};
    rig.submit({}, "lonely");
    rig.submit({}, "c");
    const Seq a = rig.submit({}, "a");
    const Seq b = rig.submit({}, "b");
    rig.join(ann, kMany);
    std::vector<Seq> got;
    while (rig.next_is_tasks(ann)) {
      const Tasks tasks = rig.tasks_for(ann);
      REQUIRE(tasks.entries.size() == 1);
      CHECK(tasks.types[0] == (tasks.entries[0].seq == a ? "a" : "b"));
      got.push_back(tasks.entries[0].seq);
    }
    std::sort(got.begin(), got.end());
    CHECK(got == std::vector<Seq>{a, b});
    CHECK(rig.status().ready == 2);
    Worker bob(2, "bob");
    bob.types = {"lonely"};
    rig.join(bob, 1);
    CHECK(rig.task_for(bob).seq == Seq{1});
  }

  TEST_CASE("types are served in turns") {
    Rig rig;
    Worker ann(1, "ann");
    ann.types = {"a", "b", "c"};
    rig.join(ann, 0);
    for (const char* type : {"a", "b", "c"}) rig.submit_many(30, type);
    std::map<std::string_view, int> got;
    for (std::uint64_t limit = 1; limit <= 30; ++limit) {
      rig.credit(ann, limit);
      const Tasks tasks = rig.tasks_for(ann);
      CHECK(tasks.entries.size() == 1);
      ++got[tasks.types[0]];
    }
    for (const char* type : {"a", "b", "c"}) CHECK(got[type] == 10);
  }

  TEST_CASE("with several sinks a task's is its number modulo their count") {
    DispatcherOptions options;
    options.sinks = {"one", "two", "three"};
    Rig rig(options);
    rig.sink_is_up = false;
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    rig.submit_many(9);
    for (const TaskEntry& task : rig.all_for(ann)) CHECK(task.sink == raw(task.seq) % 3);
  }
}
