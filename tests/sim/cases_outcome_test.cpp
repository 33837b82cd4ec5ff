// cases_outcome_test.cpp: docs/PROTOCOL.md, section 8: sinks, clients and the ends of tasks.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "sim/scene.hpp"

using namespace sluice;
using namespace sluice::sim;

TEST_SUITE_BEGIN("cases: outcomes");

TEST_CASE("case 8: a sink restarts, and nothing is executed again") {
  Scene scene(calm_plan(4));
  REQUIRE(scene.until_delivered<core::Outcomes>());
  scene.crash(scene.sink(), 20s);
  scene.end();
  for (std::uint32_t i = 0; i < 4; ++i) {
    CHECK(scene.started(i) == 1);
    CHECK(scene.stored(i) == core::Status::done);
  }
}

TEST_CASE("case 9: while the sink's disk is full all waits, and goes on when there is room") {
  Plan plan = calm_plan(40, 10ms);
  plan.sink_window = 4;
  Scene scene(plan);
  scene.world.disk(scene.sink()).set_full(true);
  scene.world.run_for(2min);
  std::uint32_t started = 0;
  for (std::uint32_t i = 0; i < 40; ++i) started += scene.started(i);
  CHECK(started > 0);
  CHECK(started < 10);  // the workers' credit has run out
  auto& sink = scene.world.as<SinkProcess>(scene.sink());
  CHECK(sink.core().stats().deferred > 0);
  CHECK(sink.state().find("No space") != std::string::npos);
  CHECK(scene.world.truth.stored_count() == 0);
  scene.end();
  for (std::uint32_t i = 0; i < 40; ++i) CHECK(scene.started(i) == 1);
}

TEST_CASE("case 22: a SUBMIT sent again after a lost CONFIRM makes no second task") {
  Scene scene(calm_plan(1));
  REQUIRE(scene.until_sent<core::SubmitConfirm>());
  scene.world.network.sever(scene.client(), scene.ventilator(), SocketKind::dealer);
  scene.end();
  CHECK(scene.counters().submitted == 1);
  CHECK(scene.counters().duplicates == 1);
  CHECK(scene.world.truth.answer(0) == core::Code::ok);
}

TEST_CASE("case 22: a known key is DUPLICATE with the first seq, or CONFLICT with other bytes") {
  Plan plan = calm_plan(3);
  for (TaskPlan& task : plan.tasks) task.key = "once";
  for (const std::uint32_t i : {1U, 2U}) {
    plan.tasks[i].twin = 1;
    plan.tasks[i].at = Time(10s);
  }
  plan.tasks[2].conflicts = true;
  Scene scene(plan);
  scene.end();
  CHECK(scene.world.truth.answer(1) == core::Code::duplicate);
  CHECK(scene.world.truth.id_of_task(1) == scene.world.truth.id_of_task(0));
  CHECK(scene.world.truth.answer(2) == core::Code::conflict);
  CHECK(scene.started(0) == 1);
}

TEST_CASE("case 24: an outcome too large, or rejected by the sink, fails with the reason") {
  Plan plan = calm_plan(2);
  plan.sink_has_handler = true;
  plan.tasks[0].conduct = Conduct::too_large;
  plan.tasks[1].conduct = Conduct::rejected;
  Scene scene(plan);
  scene.end();
  for (const std::uint32_t i : {0U, 1U}) {
    CHECK(scene.stored(i) == core::Status::failed);
    CHECK(scene.started(i) == 1);  // never a blind retry
  }
  CHECK(scene.world.truth.stored_error(0).find("too large") != std::string::npos);
  CHECK(scene.world.truth.stored_error(1).find("rejected") != std::string::npos);
}

TEST_CASE("case 26: a cancel that races with a finished outcome: the sink's first wins") {
  Scene scene(calm_plan(1));
  REQUIRE(scene.until_delivered<core::Outcomes>());
  scene.world.as<ClientProcess>(scene.client()).cancel(0);
  scene.end();
  CHECK(scene.stored(0) == core::Status::done);
  CHECK(scene.counters().settled[0] == 1);
}

TEST_CASE("case 26: an expiry that races with a finished outcome: the sink's first wins") {
  Plan plan = calm_plan(1, 1s);
  plan.tasks[0].ttl_ms = 1500;
  Scene scene(plan);
  REQUIRE(scene.until_delivered<core::Outcomes>());
  scene.world.inject({{}, FaultKind::partition, scene.from(), scene.ventilator(), 5s, 0});
  scene.end();
  CHECK(scene.stored(0) == core::Status::done);
  CHECK(scene.counters().settled[0] == 1);
  CHECK(scene.counters().settled[2] == 0);
}

TEST_CASE("case 28: a worker drains while the sink is down: its task stays the ventilator's") {
  Scene scene(calm_plan(1));
  REQUIRE(scene.until_delivered<core::Tasks>([](const auto& t) { return !t.entries.empty(); }));
  const Host ann = scene.to();
  REQUIRE(scene.until_started(0));
  scene.crash(scene.sink(), 10min);
  scene.world.as<WorkerProcess>(ann).drain(core::DrainMode::finish, 20s, 1s);
  scene.world.run_for(15s);
  CHECK(scene.world.is_alive({ann, 1}));
  scene.world.run_for(10s);
  CHECK_FALSE(scene.world.is_alive({ann, 1}));
  CHECK_FALSE(scene.world.as<VentilatorProcess>(scene.ventilator()).is_quiet());
  scene.end();
  CHECK(scene.stored(0) == core::Status::done);
}

TEST_CASE("case 29: confirmed as DUPLICATE of another status: what is stored is what counts") {
  Plan plan = calm_plan(3, 5s);
  plan.slots = 2;
  plan.tasks[0].run = 30s;  // unsettled, so that the sink forgets nothing behind it
  plan.tasks[1].run = 10ms;
  plan.tasks[2].ttl_ms = 2000;
  Scene scene(plan);
  const auto expired_acks = scene.count<core::Ack>([](const core::Ack& ack) {
    return ack.entries[0].status == core::Status::expired;
  });
  scene.end();
  CHECK(scene.stored(2) == core::Status::expired);
  CHECK(scene.counters().settled[2] == 1);
  CHECK(scene.duplicates() == 1);
  CHECK(expired_acks() == 1);
}

TEST_SUITE_END();
