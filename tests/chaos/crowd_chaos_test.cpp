// crowd_chaos_test.cpp: a thousand workers who all come at once, and again.
// SPDX-License-Identifier: MIT
//
// SLUICE_CHAOS_WAVES makes it longer.
#include <doctest/doctest.h>

#include <csignal>
#include <map>

#include "chaos/crowd.hpp"
#include "chaos/footprint.hpp"
#include "chaos/left_behind.hpp"
#include "chaos/plan.hpp"
#include "e2e/handler_cluster.hpp"

namespace sluice::chaos {
namespace {

using namespace e2e;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kProcesses = 4, kEach = 250, kAll = kProcesses * kEach;
constexpr int kTasks = 5000;
// Allocators keep what a crowd has needed, and need some crowds to find their size. libzmq alone
// takes 28 kB for a peer, so that this much is not even half of what a crowd would leave.
constexpr std::uint64_t kCrowdSpareKb = 40'000;
// 800 sessions and 8,000 tasks lie between the halves: less than 4 kB for a session.
constexpr std::uint64_t kFewSpareKb = 3'000;

milliseconds since(steady_clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
}

// What a status of so many workers costs should not disturb them.
constexpr milliseconds kAskAgain{200};
// A thousand workers with two threads each, and whatever else this machine does.
constexpr milliseconds kLongest{300'000};

// Waits until all have a session that is in order, and the ventilator has welcomed so many.
void wait_for_all(HandlerCluster& cluster, std::uint64_t joined) {
  std::map<std::string, std::size_t> states;
  json counters;
  const bool all = eventually([&] {
    pass(kAskAgain);
    const json status = cluster.ask_status();
    counters = status.at("counters");
    states.clear();
    for (const json& worker : status.at("workers")) {
      const std::string state = worker.at("state"), lane = worker.at("lane");
      ++states[state + ' ' + lane];
    }
    return states["active push"] + states["active inline"] == kAll &&
           counters.at("workers_joined") >= joined;
  }, kLongest);
  INFO(json(states).dump(), counters.dump());
  REQUIRE(all);
}

std::vector<Crowd> assemble(const HandlerCluster& cluster) {
  std::vector<Crowd> crowds;
  for (std::size_t i = 0; i < kProcesses; ++i)
    crowds.emplace_back("crowd" + std::to_string(i), kEach, cluster.control);
  return crowds;
}

// They are killed, and nobody's descriptors stay.
void end(std::vector<Crowd>& crowds, HandlerCluster& cluster, std::size_t quiet) {
  for (Crowd& crowd : crowds) crowd.process().signal(SIGKILL);
  for (Crowd& crowd : crowds) CHECK(crowd.process().wait(kHangs) == 128 + SIGKILL);
  REQUIRE(cluster.wait_workers(0));
  REQUIRE(eventually([&] {
    return footprint(cluster.ventilator->pid()).descriptors <= quiet;
  }, kHangs));
}

}  // namespace

TEST_SUITE("chaos: crowds") {
  TEST_CASE("1,000 workers register at once, again after a pause, and leave nothing behind") {
    const std::uint64_t waves = number_from("SLUICE_CHAOS_WAVES", 2);
    const AloneAtTheEnd alone;
    HandlerCluster cluster({"--heartbeat", "4s", "--max-losses", "100", "--no-sync"});
    const pid_t ventilator = cluster.ventilator->pid();
    static_cast<void>(cluster.client());
    const std::size_t quiet = footprint(ventilator).descriptors;
    std::uint64_t tasks = 0;
    Growth growth("ventilator and sink, after each " + std::to_string(kAll) + " workers");
    for (std::uint64_t wave = 0; wave < waves; ++wave) {
      std::vector<Crowd> crowds = assemble(cluster);
      auto start = steady_clock::now();
      for (Crowd& crowd : crowds) crowd.go();
      wait_for_all(cluster, 0);
      tell(std::to_string(kAll) + " workers registered in " + shown(since(start)));
      if (wave == 0) {
        cluster.hold(kTasks, [](int i) { return i % 2000; });
        const std::uint64_t joined = cluster.number("counters", "workers_joined");
        cluster.ventilator->signal(SIGSTOP);
        pass(milliseconds(18'000));  // D is 16 s: all have closed their sockets
        cluster.ventilator->signal(SIGCONT);
        start = steady_clock::now();
        wait_for_all(cluster, joined + kAll);
        tell("... and again after a pause in " + shown(since(start)));
        tasks += kTasks;
      }
      cluster.hold(kTasks, [](int i) { return i % 2000; });
      tasks += kTasks;
      REQUIRE(cluster.wait_settled());
      tell("with them: " + shown(footprint(ventilator)) + "; " +
           cluster.ask_status().at("counters").dump());
      end(crowds, cluster, quiet);
      growth.sample(ventilator);
    }
    CHECK(flaws(cluster.outcomes(), tasks) == "");
    CHECK(growth.complaint(kCrowdSpareKb) == "");
    tell(growth.text());
    CHECK(cluster.end() == 0);
  }

  TEST_CASE("workers that come and go leave nothing in their ventilator and sink") {
    const AloneAtTheEnd alone;
    constexpr int kWaves = 16;
    constexpr std::uint64_t kTasksEach = 1000;
    HandlerCluster cluster({"--heartbeat", "1s", "--max-losses", "100", "--no-sync",
                            "--max-lanes", "30"});
    static_cast<void>(cluster.client());
    const std::size_t quiet = footprint(cluster.ventilator->pid()).descriptors;
    Growth growth("ventilator and sink, after each 100 workers");
    for (int wave = 0; wave < kWaves; ++wave) {
      std::vector<Crowd> crowds;
      crowds.emplace_back("some", 100, cluster.control);
      crowds.front().go();
      cluster.hold(kTasksEach, [](int i) { return i % 1000; });
      REQUIRE(cluster.wait_settled());
      end(crowds, cluster, quiet);
      growth.sample(cluster.ventilator->pid());
    }
    CHECK(flaws(cluster.outcomes(), kWaves * kTasksEach) == "");
    CHECK(growth.complaint(kFewSpareKb) == "");
    tell(growth.text());
  }
}

}  // namespace sluice::chaos
