// cluster_drain_test.cpp: ends that are asked for, and that nothing is left after them.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <csignal>

#include "e2e/handler_cluster.hpp"

namespace sluice::e2e {

TEST_SUITE("e2e: ends") {
  TEST_CASE("a worker asked to end finishes what runs, and the others take the rest") {
    HandlerCluster cluster({"--no-sync"});
    Process& leaving = cluster.start_worker({"-j", "2", "--prefetch", "20", "--name", "leaving"});
    cluster.start_worker({"-j", "8", "--name", "staying"});
    REQUIRE(cluster.wait_workers(2));
    CHECK(cluster.submit({"--array", "1-60", "--", "sh", "-c", "sleep 0.4", "{}"}).code == 0);
    REQUIRE(eventually([&] { return cluster.worker_status("leaving").at("done") >= 2; }));
    leaving.signal(SIGTERM);
    CHECK(leaving.wait() == 0);
    REQUIRE(cluster.wait_settled());
    const std::vector<json> outcomes = cluster.outcomes();
    CHECK(flaws(outcomes, 60) == "");
    int finished_there = 0;
    for (const json& outcome : outcomes) {
      CHECK(outcome.at("attempts") == 1);  // neither a loss nor a second run
      finished_there += outcome.at("worker") == "leaving" ? 1 : 0;
    }
    CHECK(finished_there >= 2);
    CHECK(finished_there < 60);
  }

  TEST_CASE("a stopped cluster leaves no process and no access file") {
    become_reaper();
    {
      HandlerCluster cluster({"--no-sync"});
      HandlerWorker handlers = cluster.handler_worker(2);
      Process& commands = cluster.start_worker({"-j", "2"});
      cluster.hold(500, [](int) { return 300; });
      CHECK(cluster.submit({"--array", "1-50", "--", "true"}).code == 0);
      cluster.forget_client();
      CHECK(cluster.end() == 0);  // drains: what was taken is settled
      CHECK(handlers.process().wait() == 0);
      CHECK(commands.wait() == 0);
      CHECK(flaws(cluster.outcomes(), 550) == "");
      CHECK_FALSE(cluster.dir.has("access.json"));
      CHECK(eventually([] { return processes_below() == 0; }));
    }
  }

  // The commands of a killed worker must not outlive it: they would run beside their
  // redelivered selves.
  TEST_CASE("a killed worker leaves no command behind") {
    become_reaper();
    HandlerCluster cluster({"--no-sync"});
    Process& worker = cluster.start_worker({"-j", "2", "--name", "killed"});
    CHECK(cluster.submit({"--array", "1-2", "--", "sleep", "300"}).code == 0);
    REQUIRE(eventually([&] { return cluster.worker_status("killed").at("running") == 2; }));
    worker.signal(SIGKILL);
    REQUIRE(worker.wait() == 128 + SIGKILL);
    CHECK(eventually([] {
      while (::waitpid(-1, nullptr, WNOHANG | __WNOTHREAD) > 0) continue;
      return processes_below() == 1;  // the ventilator
    }));
    cluster.ventilator->signal(SIGTERM);
    REQUIRE(cluster.ventilator->complains("draining"));
    cluster.ventilator->signal(SIGTERM);
    CHECK(cluster.ventilator->wait(std::chrono::milliseconds(5000)) == 1);
    CHECK_FALSE(cluster.dir.has("access.json"));
  }
}

}  // namespace sluice::e2e
