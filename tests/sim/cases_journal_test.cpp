// cases_journal_test.cpp: docs/PROTOCOL.md, section 8: a ventilator that has a journal.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "sim/scene.hpp"

using namespace sluice;
using namespace sluice::sim;

namespace {

Plan durable_plan(std::uint32_t tasks, Duration run = 1s) {
  Plan plan = calm_plan(tasks, run);
  plan.keeping = Keeping::always;
  return plan;
}

}  // namespace

TEST_SUITE_BEGIN("cases: journal");

TEST_CASE("case 10: a ventilator restarts from its journal: what runs is kept, not run again") {
  Scene scene(durable_plan(4, 20s));
  REQUIRE(scene.until_started(1));
  const core::Log log = scene.world.truth.id_of_task(0).log;
  scene.crash(scene.ventilator());
  scene.world.run_for(3s);
  const auto& again = scene.world.as<VentilatorProcess>(scene.ventilator());
  CHECK(again.log() == log);
  scene.end();
  CHECK(scene.world.truth.lost_with_log() == 0);
  for (std::uint32_t i = 0; i < 4; ++i) {
    CHECK(scene.started(i) == 1);
    CHECK(scene.stored(i) == core::Status::done);
    CHECK(scene.world.truth.outcome_was_told(i));
  }
}

TEST_CASE("case 10: so it is when the ventilator dies twice in a row, and as it starts") {
  Scene scene(durable_plan(4, 20s));
  REQUIRE(scene.until_started(1));
  scene.crash(scene.ventilator(), 100ms);
  scene.world.run_for(150ms);
  scene.crash(scene.ventilator(), 100ms);
  scene.world.run_for(150ms);
  scene.world.inject({{}, FaultKind::crash_at_start, scene.ventilator(), 0, 100ms, 2});
  scene.end();
  for (std::uint32_t i = 0; i < 4; ++i) CHECK(scene.started(i) == 1);
}

TEST_CASE("case 11: a task of the old epoch is judged by the worker's inventory") {
  Scene scene(durable_plan(1, 20s));
  REQUIRE(scene.until_started(0));
  scene.crash(scene.ventilator(), 100ms);
  REQUIRE(scene.until_delivered<core::Verdicts>([](const core::Verdicts& said) {
    return said.entries.size() == 1 && said.entries[0].verdict == core::Verdict::re_leased;
  }));
  scene.end();
  CHECK(scene.started(0) == 1);
}

TEST_CASE("case 11: a worker that died meanwhile is waited for no longer than R") {
  Scene scene(durable_plan(1, 20s));
  REQUIRE(scene.until_delivered<core::Tasks>(
      [](const core::Tasks& tasks) { return !tasks.entries.empty(); }));
  const Host ann = scene.to();
  REQUIRE(scene.until_started(0));
  scene.crash(ann, 10min);
  scene.crash(scene.ventilator(), 100ms);
  CHECK(scene.until_started(0, 2));
  scene.end();
  CHECK(scene.stored(0) == core::Status::done);
}

TEST_CASE("case 22: a SUBMIT resent to the next life is the same task") {
  Scene scene(durable_plan(1));
  REQUIRE(scene.until_sent<core::SubmitConfirm>());
  scene.crash(scene.ventilator(), 100ms);
  scene.world.network.sever(scene.client(), scene.ventilator(), SocketKind::dealer);
  scene.end();
  CHECK(scene.started(0) == 1);
  CHECK(scene.world.truth.stored_count() == 1);
}

TEST_CASE("what was confirmed outlives the machine's power, whatever its disk had begun") {
  for (std::uint64_t at = 1; at < 60; at += 4) {
    Scene scene(durable_plan(6, 200ms));
    scene.world.run_until(Time(400ms));
    scene.world.inject({{}, FaultKind::power_loss_at_send, scene.ventilator(), 0, 1s, at});
    scene.end();
    for (std::uint32_t i = 0; i < 6; ++i) CHECK(scene.stored(i) == core::Status::done);
  }
}

TEST_CASE("while the journal's disk is full, settling goes on and submits wait") {
  Plan plan = durable_plan(8, 2s);
  for (std::uint32_t i = 4; i < 8; ++i) plan.tasks[i].at = Time(3s);
  Scene scene(plan);
  scene.world.run_until(Time(2s));
  scene.world.inject({{}, FaultKind::disk_full, scene.ventilator(), 0, 30s, 0});
  scene.world.run_until(Time(25s));
  for (std::uint32_t i = 0; i < 4; ++i) CHECK(scene.stored(i) == core::Status::done);
  scene.end();
  for (std::uint32_t i = 4; i < 8; ++i) CHECK(scene.stored(i) == core::Status::done);
}

TEST_SUITE_END();
