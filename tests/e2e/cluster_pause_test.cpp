// cluster_pause_test.cpp: processes that stand still for a while and then go on.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <csignal>
#include <set>

#include "e2e/handler_cluster.hpp"

namespace sluice::e2e {

TEST_SUITE("e2e: paused processes") {
  // Case 18: "SIGSTOP longer than R, then SIGCONT".
  TEST_CASE("a worker stopped for longer than its sessions live comes back and works on") {
    constexpr int kTasks = 20'000;
    HandlerCluster cluster({"--heartbeat", "250ms", "--max-losses", "100", "--no-sync"});
    std::vector<HandlerWorker> workers = cluster.handler_workers(4, 2);
    cluster.hold(kTasks, [](int i) { return i % 50 == 0 ? 20'000 : 100 + i * 7 % 900; });
    REQUIRE(cluster.wait_done(kTasks / 10));
    HandlerWorker& paused = workers[2];
    paused.process().signal(SIGSTOP);
    REQUIRE(eventually([&] { return cluster.number("counters", "workers_lost") == 1; }, kHangs));
    CHECK(cluster.worker_status(paused.name()) == nullptr);
    paused.process().signal(SIGCONT);
    REQUIRE(cluster.wait_settled());
    REQUIRE(eventually([&] { return cluster.worker_status(paused.name()) != nullptr; }, kHangs));

    const std::size_t before = paused.diary().size();
    cluster.hold(200, [](int) { return 5000; });
    REQUIRE(cluster.wait_settled());
    CHECK(paused.diary().size() > before);
    CHECK(flaws(cluster.outcomes(), kTasks + 200) == "");
    CHECK(cluster.number("counters", "workers_joined") == 5);
  }

  // Rule 9: silence longer than D breaks sessions on both sides; nothing may come of it.
  TEST_CASE("a ventilator that stands still loses no task and doubles none") {
    constexpr int kTasks = 6000;
    HandlerCluster cluster({"--heartbeat", "250ms", "--max-losses", "100", "--no-sync"});
    std::vector<HandlerWorker> workers = cluster.handler_workers(3, 2);
    cluster.hold(kTasks, [](int i) { return 100 + i * 7 % 900; });
    REQUIRE(cluster.wait_done(kTasks / 10));
    cluster.ventilator->signal(SIGSTOP);
    CHECK_FALSE(eventually([&] { return !cluster.ventilator->running(); },
                           std::chrono::milliseconds(2500)));  // all have noticed by then
    cluster.ventilator->signal(SIGCONT);
    REQUIRE(cluster.wait_settled());
    CHECK(flaws(cluster.outcomes(), kTasks) == "");
    CHECK(cluster.wait_workers(3));
  }

  // Case 22. The lines come while the ventilator stands still, too, and the client's session
  // ends meanwhile.
  TEST_CASE("`sluice submit` doubles nothing and loses nothing when its connection is cut") {
    HandlerCluster cluster({"--heartbeat", "250ms", "--no-sync"});
    ProcessOptions keep;
    keep.keep_input = true;
    Process submit = cluster.start({"submit", "--", "true", "{}"}, keep);
    int lines = 0;
    const auto feed = [&](int count) {
      std::string text;
      for (int i = 0; i < count; ++i) text += "line-" + std::to_string(++lines) + '\n';
      submit.write_input(text);
    };
    const auto submitted = [&] { return cluster.number("counters", "submitted"); };
    for (int round = 0; round < 2; ++round) {
      feed(1500);
      REQUIRE(eventually([&] { return submitted() + 1000 >= static_cast<std::size_t>(lines); }));
      cluster.forget_client();
      cluster.ventilator->signal(SIGSTOP);
      feed(500);
      CHECK_FALSE(submit.wait(std::chrono::milliseconds(2500)).has_value());
      cluster.ventilator->signal(SIGCONT);
      feed(500);
    }
    submit.close_input();
    CHECK(submit.wait(kHangs) == 0);
    REQUIRE(lines == 5000);
    const std::string ids = submit.out();
    std::set<std::string> distinct;
    std::istringstream words(ids);
    for (std::string id; std::getline(words, id);) distinct.insert(id);
    CHECK(distinct.size() == 5000);
    CHECK(submitted() == 5000);
    CHECK(cluster.number("tasks", "unsettled") == 5000);
    CHECK(cluster.ask_status().at("next_seq") == 5001);
  }
}

}  // namespace sluice::e2e
