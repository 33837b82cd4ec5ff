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

TEST_SUITE_END();
