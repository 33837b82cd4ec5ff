// found_test.cpp: mistakes that seeds have found, each as a story of its own.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "sim/scene.hpp"

using namespace sluice;
using namespace sluice::sim;

TEST_SUITE_BEGIN("found by seeds");

// A line that was written and not synced outlives the sink's process, but not its machine. Whoever
// reads it back and takes it for stored answers DUPLICATE; then the worker lets go of the outcome.
TEST_CASE("a sink that died before its fsync does not vouch for what it reads back") {
  Scene scene(calm_plan(1));
  Disk& disk = scene.world.disk(scene.sink());
  int steps = 0;  // the write, then the sync
  const auto die_at_sync = [&] {
    if (++steps == 2) throw Crash{};
  };
  const auto before = disk.before_write;
  disk.before_write = die_at_sync;
  REQUIRE(scene.until([&] { return steps == 2; }));
  disk.before_write = before;
  REQUIRE_FALSE(disk.written(kOutcomePath).empty());
  REQUIRE(disk.durable(kOutcomePath).empty());
  REQUIRE(scene.until_delivered<core::SinkConfirm>());
  scene.world.run_for(1s);
  scene.world.inject({{}, FaultKind::power_loss, scene.sink(), 0, 1s, 0});
  scene.end();
  CHECK(scene.stored(0) == core::Status::done);
}

// Half of what is left went to a client with each of its BEATs, until it had all of it; limits
// never fall, so another client found nothing as long as the first one was idle.
TEST_CASE("idle clients do not keep the credit that another one needs") {
  Plan plan = calm_plan(1);
  plan.clients = 8;
  plan.max_tasks = 30;
  plan.tasks[0].at = Time(2min);
  plan.tasks[0].client = 7;
  Scene scene(plan, false);
  for (Host host = 0; host + 1 < plan.hosts(); ++host) scene.world.start_at(host);
  scene.world.run_for(1min);
  scene.world.start_at(plan.client(7));
  scene.world.run_for(2min);
  CHECK(scene.stored(0) == core::Status::done);
}

// What others were given and do not use was missing for good: a SUBMIT that was lost on its way had
// been made when there was more, and must go again as it was.
TEST_CASE("a lost SUBMIT goes again although its new session begins with less credit") {
  Plan plan = calm_plan(15);
  plan.clients = 2;
  plan.max_tasks = 30;
  Scene scene(plan, false);
  for (Host host = 0; host < plan.client(1); ++host) scene.world.start_at(host);
  scene.world.run_for(100ms);
  scene.world.start_at(plan.client(1));  // idle, and keeps what it is given
  REQUIRE(scene.until_sent<core::Submit>(
      [](const core::Submit& submit) { return submit.entries.size() == 15; }));
  scene.world.network.sever(scene.client(), scene.ventilator(), SocketKind::dealer);
  scene.end();
  for (std::uint32_t token = 0; token < 15; ++token)
    CHECK(scene.stored(token) == core::Status::done);
}

// A task whose outcome the sink refuses ends with a NACK. What the ventilator's last life had not
// written of it was taken for a task that had not started, and ran again.
TEST_CASE("a NACK that a ventilator's last life did not write is said again, not run again") {
  Plan plan = calm_plan(1);
  plan.keeping = Keeping::always;
  plan.sink_has_handler = true;
  plan.tasks[0].conduct = Conduct::rejected;
  Scene scene(plan);
  REQUIRE(scene.until_sent<core::Nack>());
  scene.crash(scene.ventilator(), 100ms);
  scene.end();
  CHECK(scene.started(0) == 1);
  CHECK(scene.stored(0) == core::Status::failed);
}

// After a failed fsync the kernel shows what it could not write, and a later fsync says yes
// without it. A life that went on from there lost what it had confirmed with the next power
// failure, or could not start any more.
TEST_CASE("what a failed fsync left in memory is on the disk before another life rests on it") {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U, 6U}) {
    Plan plan = calm_plan(40, 2s);
    plan.seed = seed;
    plan.keeping = Keeping::always;
    for (std::uint32_t i = 0; i < 40; ++i) plan.tasks[i].at = Time(500ms * i);
    Scene scene(plan);
    for (int round = 0; round < 2; ++round) {
      scene.world.run_for(3s);
      scene.world.inject({{}, FaultKind::fsync_fails, scene.ventilator(), 0, 1s, 0});
      scene.world.run_for(5s);
      scene.world.inject({{}, FaultKind::power_loss, scene.ventilator(), 0, 1s, 0});
    }
    scene.end();
    for (std::uint32_t i = 0; i < 40; ++i) CHECK(scene.stored(i) == core::Status::done);
  }
}

// A worker with much to say has no reason to say STATE; so it was never known that its lane had
// brought the task, which went elsewhere although it ran.
TEST_CASE("who says other things is asked what its lane has brought before it counts as lost") {
  Plan plan = calm_plan(40, 500ms);
  plan.workers = 1;
  plan.slots = 2;
  plan.prefetch = 4;
  plan.tasks[0].run = 30s;
  for (std::uint32_t i = 1; i < 40; ++i) plan.tasks[i].at = Time(500ms + 600ms * i);
  Scene scene(plan);
  scene.end();
  CHECK(scene.started(0) == 1);
  CHECK(scene.counters().redelivered == 0);
}

// Records that nobody but an ACKED waits for are written some milliseconds later; a ventilator that
// ended meanwhile left its last tasks unsettled, and without their worker they ran again.
TEST_CASE("what was settled just before a ventilator ends does not come back") {
  Plan plan = calm_plan(1);
  plan.keeping = Keeping::always;
  Scene scene(plan);
  REQUIRE(scene.until_started(0));
  scene.world.as<VentilatorProcess>(scene.ventilator()).end(true, 1s);
  REQUIRE(scene.until([&] { return scene.world.truth.is_settled(0); }));
  REQUIRE(scene.until([&] { return scene.world.process(scene.ventilator()) == nullptr; }));
  scene.world.run_for(2s);
  CHECK(scene.world.as<VentilatorProcess>(scene.ventilator()).core().unsettled() == 0);
  scene.end();
}

TEST_SUITE_END();
