// cases_session_test.cpp: docs/PROTOCOL.md, section 8: sessions, partitions and ventilators.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>

#include "sim/scene.hpp"

using namespace sluice;
using namespace sluice::sim;

namespace {

bool carries(const core::Tasks& tasks) { return !tasks.entries.empty(); }

}  // namespace

TEST_SUITE_BEGIN("cases: sessions");

// Case 10 with a journal is for later: without one, each start of a ventilator is a new log.
TEST_CASE("case 10: a ventilator restarts: workers let go, and who waits is told") {
  Scene scene(calm_plan(1, 30s));
  REQUIRE(scene.until_started(0));
  scene.crash(scene.ventilator());
  scene.end();
  CHECK(scene.world.truth.lost_with_log() == 1);
  CHECK(scene.world.truth.outcome_was_told(0));
  CHECK_FALSE(scene.stored(0));
}

TEST_CASE("case 14: HELLO twice on one connection gets the same WELCOME twice") {
  Scene scene(calm_plan(0));
  scene.world.run_for(1s);
  Network& network = scene.world.network;
  const SocketId socket = network.connect(scene.client(), SocketKind::dealer,
                                          ventilator_address(scene.ventilator()));
  scene.world.run_for(10ms);
  core::Hello hello;
  hello.boot = id_of<core::Boot>(77);
  hello.name = "twice";
  hello.types = {"resize"};
  hello.lanes = core::LaneWish::inline_only;
  scene.world.truth.born(hello.boot, Life{scene.client(), 1});
  for (int i = 0; i < 2; ++i) {
    std::string frame = encode({core::Sid{}, 1, hello});
    REQUIRE(network.send(socket, frame));
    scene.world.run_for(10ms);
  }
  const auto first = network.receive(socket), second = network.receive(socket);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->frame == second->frame);
  CHECK(scene.counters().workers_joined == 3);
  network.close(socket);
}

TEST_CASE("case 15: HELLO of a known boot on a new connection: a new sid, the same tasks") {
  Plan plan = calm_plan(3);
  plan.workers = 1;
  plan.tasks[1].at = Time(3s);
  plan.tasks[2].at = Time(6s);
  Scene scene(plan);
  REQUIRE(scene.until_started(2));
  const auto kept = scene.count<core::Inventory>([](const core::Inventory& said) {
    return said.held.size() == 1 && said.held[0].state == core::HeldState::running;
  });
  scene.world.network.sever(scene.worker(), scene.ventilator(), SocketKind::dealer);
  scene.end();
  CHECK(kept() == 1);
  CHECK(scene.started(2) == 1);
  CHECK(scene.counters().redelivered == 0);
}

TEST_CASE("case 17: a half-open connection is noticed by silence on both sides") {
  Scene scene(calm_plan(1, 60s));
  REQUIRE(scene.until_delivered<core::Tasks>(carries));
  const Host ann = scene.to();
  REQUIRE(scene.until_started(0));
  scene.world.run_for(5s);  // until it has said that its lane brought the task
  scene.world.inject({{}, FaultKind::partition, ann, scene.ventilator(), 50s, 0});
  scene.world.run_for(11s);
  CHECK_FALSE(scene.world.as<WorkerProcess>(ann).core().ready());
  const core::DispatcherStatus status =
      scene.world.as<VentilatorProcess>(scene.ventilator())
          .core()
          .status(scene.world.clock(scene.ventilator()));
  CHECK(std::count_if(status.workers.begin(), status.workers.end(), [](const auto& worker) {
          return worker.phase == "suspect";
        }) == 1);
  CHECK(scene.started(0) == 1);
  REQUIRE(scene.until_started(0, 2));
  scene.end();
}

TEST_CASE("case 20: when a partition heals, the worker is back with its inventory") {
  Scene scene(calm_plan(1, 20s));
  REQUIRE(scene.until_delivered<core::Tasks>(carries));
  const Host ann = scene.to();
  REQUIRE(scene.until_started(0));
  const auto inventories = scene.count<core::Inventory>();
  scene.world.inject({{}, FaultKind::partition, ann, scene.ventilator(), 12s, 0});
  scene.world.run_for(12s);
  CHECK(inventories() == 0);
  scene.end();
  CHECK(inventories() >= 1);
  CHECK(scene.stored(0) == core::Status::done);
}

// The worker's part: "same epoch, other inc: it keeps the first".
TEST_CASE("case 21: of two ventilators on one log a worker keeps the first") {
  Scene scene(calm_plan(0), false);
  std::uint8_t starts = 0;
  core::Epoch epoch{1};
  scene.world.identity = [&] {
    core::Dispatcher::Identity identity;
    identity.log = {1, 2, 3};
    identity.epoch = epoch;
    identity.inc = {++starts};
    return identity;
  };
  scene.world.start_all();
  scene.world.run_for(1s);
  CHECK(scene.world.as<WorkerProcess>(scene.worker()).core().ready());
  scene.crash(scene.ventilator(), 100ms);
  scene.world.run_for(30s);
  const core::Runner& runner = scene.world.as<WorkerProcess>(scene.worker()).core();
  CHECK_FALSE(runner.ready());
  CHECK(runner.trouble().find("two ventilators") != std::string::npos);
  epoch = core::Epoch{2};
  scene.crash(scene.ventilator(), 100ms);
  scene.world.run_for(30s);
  CHECK(runner.ready());
}

TEST_CASE("case 27: the number of sinks changes, and what is under way keeps its sink") {
  Plan plan = calm_plan(4, 10ms);
  plan.sinks = 2;
  for (std::uint32_t i = 1; i < 4; ++i) plan.tasks[i].at = Time(30s);
  Scene scene(plan, false);
  scene.world.sinks_listed = 1;
  scene.world.start_all();
  scene.world.disk(scene.sink(0)).set_full(true);
  REQUIRE(scene.until_delivered<core::Outcomes>());
  scene.world.sinks_listed = 2;
  scene.crash(scene.ventilator(), 100ms);
  scene.world.run_until(Time(20s));
  scene.world.disk(scene.sink(0)).set_full(false);
  scene.end();
  for (std::uint32_t i = 1; i < 4; ++i) CHECK(scene.stored(i) == core::Status::done);
  for (const std::uint32_t sink : {0U, 1U})
    CHECK_FALSE(scene.world.disk(scene.sink(sink)).durable(kOutcomePath).empty());
}

TEST_SUITE_END();
