// dispatcher_progress_test.cpp: status shows what handlers say, while their leases last.
// SPDX-License-Identifier: MIT
#include "core/dispatcher_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::rig;

namespace {

void tell(Rig& rig, const Worker& worker, const TaskEntry& task, std::string_view text) {
  rig.receive(worker.peer, worker.sid, 0, Progress{{{task.seq, task.lease, text}}});
}

std::vector<TaskProgressStatus> progress_of(const Rig& rig, const Worker& worker) {
  for (const WorkerStatus& w : rig.status().workers)
    if (w.sid == worker.sid) return w.progress;
  return {};
}

}  // namespace

TEST_SUITE("dispatcher progress") {
  // Rule 19: "The ventilator keeps the latest text of a leased task and shows it in `status`".
  TEST_CASE("status shows the latest text of a leased task") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 1);
    rig.submit();
    const TaskEntry task = rig.task_for(ann);
    CHECK(progress_of(rig, ann).empty());
    tell(rig, ann, task, "page 1");
    tell(rig, ann, task, "page 2");
    rig.pass(3s, {&ann});
    const auto shown = progress_of(rig, ann);
    REQUIRE(shown.size() == 1);
    CHECK(shown[0].seq == task.seq);
    CHECK(shown[0].attempt == 1);
    CHECK(shown[0].text == "page 2");
    CHECK(shown[0].since == 3s);
    rig.ack(ann, task);
    CHECK(progress_of(rig, ann).empty());
  }

  TEST_CASE("a text does not outlive its lease, and an old lease says nothing") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 2);
    rig.submit();
    const TaskEntry first = rig.task_for(ann);
    tell(rig, ann, first, "page 1");
    rig.nack(ann, first, NackReason::failed, true, 10);
    rig.pass(10ms);
    const TaskEntry second = rig.task_for(ann);
    CHECK(progress_of(rig, ann).empty());
    tell(rig, ann, first, "page 2");
    CHECK(progress_of(rig, ann).empty());
    tell(rig, ann, second, "again");
    REQUIRE(progress_of(rig, ann).size() == 1);
    CHECK(progress_of(rig, ann)[0].attempt == 2);
  }

  TEST_CASE("a worker cannot speak for another") {
    Rig rig;
    Worker ann(1, "ann"), bob(2, "bob");
    rig.join(ann, 1);
    rig.submit();
    const TaskEntry task = rig.task_for(ann);
    rig.join(bob, 1);
    tell(rig, bob, task, "page 1");
    CHECK(progress_of(rig, ann).empty());
    CHECK(progress_of(rig, bob).empty());
  }

  TEST_CASE("what is settled or unknown is passed over, and the rest counts") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 1);
    rig.submit();
    const TaskEntry task = rig.task_for(ann);
    rig.receive(ann.peer, ann.sid, 0,
                Progress{{{Seq{999}, Lease{1}, "x"}, {task.seq, task.lease, "page 1"}}});
    CHECK(progress_of(rig, ann).size() == 1);
  }

  // Section 11: "at most 20".
  TEST_CASE("status shows twenty texts of a worker, and keeps as many as its limit says") {
    DispatcherOptions options = one_sink();
    options.max_progress = 25;
    Rig rig(options);
    Worker ann(1, "ann");
    rig.join(ann, 30);
    rig.submit_many(30);
    const std::vector<TaskEntry> tasks = rig.all_for(ann);
    REQUIRE(tasks.size() == 30);
    for (const TaskEntry& task : tasks) tell(rig, ann, task, "page 1");
    CHECK(progress_of(rig, ann).size() == 20);
    for (std::size_t i = 0; i < 22; ++i) rig.ack(ann, tasks[i]);
    CHECK(progress_of(rig, ann).size() == 3);
  }
}
