// cluster_kill_test.cpp: workers die and join in the middle of the work.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "e2e/handler_cluster.hpp"

namespace sluice::e2e {
namespace {

// What a diary shows as started and not as ended, with the attempt it was.
std::map<std::uint64_t, std::uint64_t> unfinished(const HandlerWorker& worker) {
  std::map<std::uint64_t, std::uint64_t> open;
  for (const DiaryEntry& entry : worker.diary()) {
    if (entry.what == 'S')
      open[entry.seq] = entry.attempt;
    else
      open.erase(entry.seq);
  }
  return open;
}

}  // namespace

TEST_SUITE("e2e: killed workers") {
  TEST_CASE("20,000 tasks have one outcome each while workers are killed and join") {
    constexpr int kTasks = 20'000, kKills = 8;
    HandlerCluster cluster({"--max-losses", "100", "--no-sync"});
    std::vector<HandlerWorker> workers = cluster.handler_workers(4, 2), victims;
    cluster.hold(kTasks, [](int i) { return i % 50 == 0 ? 20'000 : 100 + i * 7 % 900; });
    for (int kill = 0; kill < kKills; ++kill) {
      REQUIRE(cluster.wait_done(static_cast<std::uint64_t>((kill + 1) * kTasks / (kKills + 2))));
      HandlerWorker& victim = workers[static_cast<std::size_t>(kill) % workers.size()];
      victim.kill();
      victims.push_back(std::move(victim));
      victim = cluster.handler_worker(2);
    }
    REQUIRE(cluster.wait_settled());
    CHECK(cluster.wait_workers(4));  // those who joined are there, the dead are gone
    const std::vector<json> outcomes = cluster.outcomes();
    CHECK(flaws(outcomes, kTasks) == "");

    std::map<std::uint64_t, std::uint64_t> attempts;
    for (const json& outcome : outcomes) attempts[outcome.at("seq")] = outcome.at("attempts");
    std::size_t cut_off = 0;
    for (const HandlerWorker& victim : victims) {
      for (const auto& task : unfinished(victim)) {
        ++cut_off;
        CAPTURE(task.first);
        CHECK(attempts[task.first] > task.second);
      }
    }
    CHECK(cut_off > 0);
    CHECK(cluster.number("counters", "redelivered") >= cut_off);
    CHECK(cluster.number("counters", "workers_joined") == 4 + kKills);
  }

  // Only the broken connection can tell so early: silence would count after 120 s here.
  TEST_CASE("what a killed worker was running starts elsewhere at once") {
    constexpr int kRounds = 5, kShort = 400;
    HandlerCluster cluster({"--heartbeat", "10s", "--no-sync"});
    std::vector<HandlerWorker> workers = cluster.handler_workers(2, 1);
    cluster.hold(kShort, [](int) { return 1000; });
    REQUIRE(cluster.wait_settled());
    std::vector<std::int64_t> waits;
    for (std::uint64_t seq = kShort + 1; seq <= kShort + kRounds; ++seq) {
      cluster.hold(1, [](int) { return 300'000; });
      std::size_t runner = 0;
      REQUIRE(eventually([&] {
        runner = unfinished(workers[0]).count(seq) > 0 ? 0 : 1;
        return unfinished(workers[runner]).count(seq) > 0;
      }));
      const std::int64_t killed = monotonic_ns();
      workers[runner].kill();
      REQUIRE(cluster.wait_settled());
      std::int64_t again = 0;
      for (const DiaryEntry& entry : workers[1 - runner].diary())
        if (entry.seq == seq && entry.what == 'S') again = entry.ns;
      REQUIRE(again > killed);
      waits.push_back((again - killed) / 1000);
      workers[runner] = cluster.handler_worker(1);
      REQUIRE(cluster.wait_workers(2));
    }
    std::sort(waits.begin(), waits.end());
    MESSAGE("redelivered after ", waits.front(), " us, ", waits[kRounds / 2], " us (median), ",
            waits.back(), " us");
    CHECK(waits.back() < 2'000'000);
    const std::vector<json> outcomes = cluster.outcomes();
    CHECK(flaws(outcomes, kShort + kRounds) == "");
    for (const json& outcome : outcomes)
      CHECK(outcome.at("attempts") == (outcome.at("seq") > kShort ? 2 : 1));
  }

  TEST_CASE("2,000 commands have one outcome each although a worker is killed") {
    HandlerCluster cluster({"--max-losses", "100", "--no-sync"});
    Process& first = cluster.start_worker({"-j", "2"});
    Process& second = cluster.start_worker({"-j", "2"});
    CHECK(cluster.submit({"--array", "1-2000", "--", "true"}).code == 0);
    REQUIRE(cluster.wait_done(500));
    first.signal(SIGKILL);
    Process& third = cluster.start_worker({"-j", "2"});
    REQUIRE(cluster.wait_settled());
    CHECK(flaws(cluster.outcomes(), 2000) == "");
    CHECK(cluster.end() == 0);
    CHECK(second.wait() == 0);
    CHECK(third.wait() == 0);
  }
}

}  // namespace sluice::e2e
