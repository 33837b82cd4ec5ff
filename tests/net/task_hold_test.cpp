// task_hold_test.cpp: a task that was given away is reported once, in the right words.
// SPDX-License-Identifier: MIT
#include "net/task_hold.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include <sluice/error.hpp>

using namespace sluice;
using namespace sluice::net;
using sluice::detail::AsyncTask;

namespace {

const core::TaskHandle kTask{5};

struct Rig {
  Rig() : desk(std::make_shared<TaskDesk>(wake, 0, 0)) {
    Job job;
    job.handle = kTask;
    job.seq = core::Seq{42};
    job.key = "k";
    job.payload = core::as_bytes("payload");
    job.exec_ms = 1000;
    job.cell = &desk->cell(kTask);
    task = std::make_shared<AsyncTask>(desk, job, "resize", 3, Started{});
  }
  struct Seen {
    JobEnd end{};
    std::string error, result;
    std::uint64_t retry_ms = 0;
  };
  std::vector<Seen> reports() {
    ReportBuffer buffer;
    desk->take_reports(buffer);
    std::vector<Seen> all;
    buffer.for_each([&](const JobReport& report) {
      CHECK(report.handle == kTask);
      all.push_back({report.end, std::string(report.error),
                     std::string(core::as_text(report.result)), report.retry_ms});
    });
    return all;
  }
  void cancel() { desk->cell(kTask).cancelled = core::raw(kTask); }

  Wake wake;
  std::shared_ptr<TaskDesk> desk;
  std::shared_ptr<AsyncTask> task;
};

}  // namespace

TEST_SUITE("task_hold") {
  TEST_CASE("an exception says how the attempt ended") {
    CHECK(ending_of(std::runtime_error("x")).end == JobEnd::failed);
    CHECK(ending_of(std::runtime_error("x")).error == "x");
    CHECK(ending_of(Fail("x")).end == JobEnd::fatal);
    CHECK(ending_of(WrongType("x")).end == JobEnd::undecodable);
    CHECK(ending_of(Retry(std::chrono::milliseconds(70), "x")).end == JobEnd::failed);
    CHECK(ending_of(Retry(std::chrono::milliseconds(70), "x")).retry_ms == 70);
    CHECK(ending_of(Retry(std::chrono::milliseconds(-5), "x")).retry_ms == 1);
  }

  TEST_CASE("a view shows its own copy of the task") {
    Rig rig;
    const TaskView view = AsyncTask::view(rig.task);
    rig.task.reset();
    CHECK(view.id.seq == 42);
    CHECK(view.slot == 3);
    CHECK(view.type == "resize");
    CHECK(view.key == "k");
    CHECK(core::as_text(view.payload) == "payload");
    CHECK(view.deadline().has_value());
  }

  TEST_CASE("a view that is moved keeps its task; the other one has none") {
    Rig rig;
    TaskView first = AsyncTask::view(rig.task);
    TaskView second = std::move(first);
    CHECK(first.payload.empty());
    CHECK_THROWS_AS(first.done(), Error);
    rig.task->call_ended({});
    CHECK(rig.reports().empty());
    second.done(core::as_bytes("result"));
    const auto reports = rig.reports();
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].end == JobEnd::done);
    CHECK(reports[0].result == "result");
  }

  TEST_CASE("a view that is destroyed unfinished, or overwritten, has failed the attempt") {
    for (const bool overwritten : {false, true}) {
      Rig rig;
      std::optional<TaskView> view(AsyncTask::view(rig.task));
      rig.task->call_ended({});
      if (overwritten)
        *view = TaskView();
      else
        view.reset();
      const auto reports = rig.reports();
      REQUIRE(reports.size() == 1);
      CHECK(reports[0].end == JobEnd::failed);
      CHECK(reports[0].error == "the handler dropped the task");
    }
  }

  // The view is destroyed before the exception leaves the handler.
  TEST_CASE("what the handler throws counts for more than the view that it drops") {
    Rig rig;
    { const TaskView view = AsyncTask::view(rig.task); }
    CHECK(rig.reports().empty());
    rig.task->call_ended(Ending{JobEnd::failed, "no such picture", 0});
    const auto reports = rig.reports();
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].error == "no such picture");
  }

  TEST_CASE("what the handler throws after it has finished the task changes nothing") {
    Rig rig;
    TaskView view = AsyncTask::view(rig.task);
    view.done();
    rig.task->call_ended(Ending{JobEnd::failed, "too late", 0});
    const auto reports = rig.reports();
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].end == JobEnd::done);
  }

  TEST_CASE("of a cancelled task only a result is not cancelled") {
    for (const bool done : {false, true}) {
      Rig rig;
      TaskView view = AsyncTask::view(rig.task);
      rig.task->call_ended({});
      CHECK_FALSE(view.cancelled());
      rig.cancel();
      CHECK(view.cancelled());
      if (done)
        view.done();
      else
        view.retry(std::chrono::hours(1), "gave up");
      const auto reports = rig.reports();
      REQUIRE(reports.size() == 1);
      CHECK(reports[0].end == (done ? JobEnd::done : JobEnd::cancelled));
    }
  }

  TEST_CASE("when the worker has gone, a view is cancelled and finishing it does nothing") {
    Rig rig;
    TaskView view = AsyncTask::view(rig.task);
    rig.task->call_ended({});
    rig.desk->close();
    CHECK(view.cancelled());
    view.progress("nobody listens");
    view.done();
    CHECK_THROWS_AS(view.done(), Error);
    CHECK(rig.reports().empty());
  }
}
