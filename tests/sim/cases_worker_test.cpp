// cases_worker_test.cpp: docs/PROTOCOL.md, section 8: workers that die, stand still and come back.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "sim/scene.hpp"

using namespace sluice;
using namespace sluice::sim;

namespace {

bool carries(const core::Tasks& tasks) { return !tasks.entries.empty(); }

}  // namespace

TEST_SUITE_BEGIN("cases: workers");

TEST_CASE("case 1: worker dies before its outcome is sent") {
  Scene scene(calm_plan(1));
  REQUIRE(scene.until_delivered<core::Tasks>(carries));
  const Host ann = scene.to();
  REQUIRE(scene.until_started(0));
  scene.crash(ann);
  scene.end();
  CHECK(scene.stored(0) == core::Status::done);
  CHECK(scene.started(0) == 2);
  CHECK(scene.counters().redelivered == 1);
}

TEST_CASE("case 2: worker dies after sending, before CONFIRM") {
  Scene scene(calm_plan(1));
  REQUIRE(scene.until_delivered<core::Outcomes>());
  scene.crash(scene.from());
  scene.end();
  CHECK(scene.started(0) == 2);
  CHECK(scene.duplicates() == 1);
}

TEST_CASE("case 3: worker dies after CONFIRM, before ACK") {
  Scene scene(calm_plan(1));
  REQUIRE(scene.until_delivered<core::SinkConfirm>());
  scene.crash(scene.to());
  scene.end();
  CHECK(scene.started(0) == 2);
  CHECK(scene.duplicates() == 1);
}

TEST_CASE("case 4: worker dies after ACK, before ACKED") {
  Scene scene(calm_plan(1));
  REQUIRE(scene.until_delivered<core::Ack>());
  scene.crash(scene.from());
  scene.end();
  CHECK(scene.started(0) == 1);
  CHECK(scene.duplicates() == 0);
  CHECK(scene.world.truth.is_settled(0));
}

TEST_CASE("case 5: an ACK lost with the connection is said again") {
  Plan plan = calm_plan(2);
  plan.workers = 1;
  plan.tasks[1].at = Time(5s);
  Scene scene(plan);
  REQUIRE(scene.until_sent<core::Ack>(
      [](const core::Ack& ack) { return ack.entries[0].seq == core::Seq{2}; }));
  const auto open_acks = scene.count<core::Inventory>([](const core::Inventory& said) {
    return !said.held.empty() && said.held[0].state == core::HeldState::ack_open;
  });
  const auto acks = scene.count<core::Ack>();
  scene.world.network.sever(scene.worker(), scene.ventilator(), SocketKind::dealer);
  scene.end();
  CHECK(open_acks() == 1);
  CHECK(acks() == 1);
  CHECK(scene.started(1) == 1);
}

TEST_CASE("case 6: TASKS lost with a cut lane are missed by their number") {
  Plan plan = calm_plan(2);
  plan.workers = 1;
  plan.prefetch = 2;
  plan.tasks[1].at = Time(1500ms);
  Scene scene(plan);
  const auto gaps = scene.count<core::Gap>();
  REQUIRE(scene.until_sent<core::Tasks>(carries));
  scene.world.network.sever(scene.worker(), scene.ventilator(), SocketKind::pull);
  scene.end();
  CHECK(gaps() == 1);
  CHECK(scene.started(0) == 1);
  CHECK(scene.started(1) == 1);
}

TEST_CASE("case 6: lane_rx tells of the last TASKS lost with a cut lane") {
  Plan plan = calm_plan(1);
  plan.workers = 1;
  Scene scene(plan);
  const auto gaps = scene.count<core::Gap>();
  REQUIRE(scene.until_sent<core::Tasks>(carries));
  scene.world.network.sever(scene.worker(), scene.ventilator(), SocketKind::pull);
  scene.end();
  CHECK(gaps() == 0);
  CHECK(scene.counters().redelivered == 1);
  CHECK(scene.started(0) == 1);
}

TEST_CASE("case 7: TASKS that come after they were declared lost are dropped") {
  Plan plan = calm_plan(1);
  plan.workers = 1;
  plan.tasks[0].at = Time(5s);
  Scene scene(plan);
  scene.world.run_until(Time(4s));
  scene.world.network.delay(scene.worker(), scene.ventilator(), SocketKind::pull, 7s);
  REQUIRE(scene.until_delivered<core::Tasks>([](const core::Tasks& t) { return t.void_n > 0; }));
  CHECK(scene.started(0) == 0);
  scene.world.network.heal();
  scene.end();
  CHECK(scene.world.as<WorkerProcess>(scene.worker()).core().stats().stale >= 1);
  CHECK(scene.stored(0) == core::Status::done);
}

TEST_CASE("case 12: a late ACK after redelivery settles, and the other lease is cancelled") {
  Scene scene(calm_plan(1, 20s));
  REQUIRE(scene.until_delivered<core::Tasks>(carries));
  const Host ann = scene.to();
  const auto cancels = scene.count<core::Cancel>();
  REQUIRE(scene.until_started(0));
  scene.world.run_for(5s);  // until it has said that its lane brought the task
  scene.world.inject({{}, FaultKind::partition, ann, scene.ventilator(), 30s, 0});
  REQUIRE(scene.until_started(0, 2));
  REQUIRE(scene.until_delivered<core::Ack>());
  CHECK(scene.from() == ann);
  scene.world.run_for(100ms);
  CHECK(scene.world.truth.is_settled(0));
  CHECK(cancels() == 1);
  scene.end();
}

TEST_CASE("case 13: a late NACK after redelivery charges nothing") {
  Plan plan = calm_plan(1, 20s);
  plan.tasks[0].conduct = Conduct::fail_first;
  plan.tasks[0].times = 1;
  Scene scene(plan);
  REQUIRE(scene.until_delivered<core::Tasks>(carries));
  const Host ann = scene.to();
  REQUIRE(scene.until_started(0));
  scene.world.run_for(5s);  // until it has said that its lane brought the task
  scene.world.inject({{}, FaultKind::partition, ann, scene.ventilator(), 30s, 0});
  REQUIRE(scene.until_started(0, 2));
  scene.world.run_for(1min);
  scene.end();
  CHECK(scene.counters().nacked == 0);
  CHECK(scene.stored(0) == core::Status::done);
}

TEST_CASE("case 16: a process restarted under the same name is another one") {
  Scene scene(calm_plan(1, 5s));
  REQUIRE(scene.until_delivered<core::Tasks>(carries));
  const Host ann = scene.to();
  REQUIRE(scene.until_started(0));
  scene.crash(ann, 50ms);
  scene.end();
  CHECK(scene.started(0) == 2);
  CHECK(scene.counters().workers_lost == 1);
  CHECK(scene.counters().workers_joined == 3);
}

TEST_CASE("case 18: a worker that stood still for longer than R says HELLO before it starts") {
  Scene scene(calm_plan(1, 30s));
  REQUIRE(scene.until_delivered<core::Tasks>(carries));
  const Host ann = scene.to();
  REQUIRE(scene.until_started(0));
  scene.pause(ann, 40s);
  scene.world.run_for(45s);
  CHECK(scene.world.as<WorkerProcess>(ann).core().stats().stopped == 1);
  scene.end();
  CHECK(scene.started(0) == 2);
  CHECK(scene.duplicates() == 1);  // one of the two came first
}

TEST_CASE("case 19: a task whose worker stood still from its start on runs twice, is stored once") {
  Scene scene(calm_plan(1, 10ms));
  REQUIRE(scene.until_delivered<core::Tasks>(carries));
  const Host ann = scene.to();
  REQUIRE(scene.until_started(0));
  scene.pause(ann, 60s);
  scene.world.run_for(70s);
  scene.end();
  CHECK(scene.started(0) == 2);
  CHECK(scene.duplicates() == 1);
  CHECK(scene.stored(0) == core::Status::done);
}

TEST_CASE("case 23: a poison task is blamed only when it ran alone") {
  Plan plan = calm_plan(5, 3s);
  plan.slots = plan.prefetch = 2;
  plan.retry.max_losses = 3;
  plan.tasks[2].conduct = Conduct::poison;
  Scene scene(plan);
  scene.end();
  CHECK(scene.stored(2) == core::Status::failed);
  CHECK(scene.world.truth.stored_error(2).find("lost 3 times") != std::string::npos);
  CHECK(scene.started(2) == 3);
  for (const std::uint32_t innocent : {0U, 1U, 3U, 4U})
    CHECK(scene.stored(innocent) == core::Status::done);
}

TEST_CASE("case 25: who reads another worker's lane eats tasks, and they are leased anew") {
  Plan plan = calm_plan(6, 100ms);
  plan.workers = 1;
  plan.lane_ports = 1;
  for (std::uint32_t i = 0; i < 6; ++i) plan.tasks[i].at = Time(2s + i * 1s);
  Scene scene(plan);
  scene.world.run_until(Time(1500ms));
  const SocketId stale = scene.world.network.connect(scene.client(), SocketKind::pull,
                                                     lane_address(scene.ventilator(), 20'000));
  scene.world.run_for(1min);
  std::uint32_t eaten = 0;
  while (scene.world.network.receive(stale)) ++eaten;
  CHECK(eaten > 0);
  scene.world.network.close(stale);
  scene.end();
  for (std::uint32_t i = 0; i < 6; ++i) CHECK(scene.stored(i) == core::Status::done);
}

TEST_SUITE_END();
