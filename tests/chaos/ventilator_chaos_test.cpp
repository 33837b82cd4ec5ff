// ventilator_chaos_test.cpp: ventilators that are killed under load, one after the other.
// SPDX-License-Identifier: MIT
//
// A ventilator keeps its tasks in memory: those that were unsettled die with it. All else stands.
#include <doctest/doctest.h>

#include <csignal>
#include <map>
#include <set>

#include "chaos/left_behind.hpp"
#include "chaos/plan.hpp"
#include "e2e/handler_cluster.hpp"
#include "e2e/sink_process.hpp"

namespace sluice::chaos {
namespace {

using namespace e2e;
using std::chrono::milliseconds;

constexpr int kTasks = 1500;
constexpr std::size_t kWorkers = 3;

struct Life {
  std::string log;
  std::uint64_t settled = 0;  // it had said so before it was killed
};

std::string hex(const std::array<std::uint8_t, 16>& log) {
  std::string out;
  for (const std::uint8_t byte : log)
    for (const int shift : {4, 0}) out += "0123456789abcdef"[byte >> shift & 15];
  return out;
}

// Empty, or what is wrong with the outcomes of the lives of ventilators, the last of which ended
// well.
std::string flaws_of(const std::vector<std::string>& lines, const std::vector<Life>& lives) {
  std::map<std::string, std::set<std::uint64_t>> seen;
  for (const std::string& line : lines) {
    const json outcome = json::parse(line);
    const std::uint64_t seq = outcome.at("seq");
    if (!seen[outcome.at("log")].insert(seq).second) return "a second outcome: " + line;
    if (seq < 1 || seq > kTasks) return "no such task: " + line;
    if (outcome.at("status") != "done") return "not done: " + line;
  }
  if (seen.size() > lives.size()) return "outcomes of a ventilator that never was";
  for (const Life& life : lives) {
    if (seen[life.log].size() < life.settled)
      return "log " + life.log + ": " + std::to_string(life.settled) + " were settled, only " +
             std::to_string(seen[life.log].size()) + " have an outcome";
  }
  return {};
}

}  // namespace

TEST_SUITE("chaos: ventilators") {
  TEST_CASE("what a killed ventilator had settled stands, and its workers follow the next one") {
    become_reaper();
    Plan plan;
    const TempFolder folder;
    SinkProcess sink(folder.file("outcomes.jsonl"));
    const Words options{"--sink", sink.endpoint(), "--heartbeat", "250ms", "--max-losses", "100"};
    HandlerCluster cluster(options);
    Words again = options;
    again.insert(again.end(), {"--bind", cluster.control});
    std::vector<HandlerWorker> workers = cluster.handler_workers(kWorkers, 2);
    std::vector<Life> lives;
    std::vector<std::unique_ptr<Process>> submits;
    const auto load = [&] {
      for (int i = 0; i < kTasks; ++i) cluster.submit_task("hold", std::to_string(i * 7 % 3000));
    };
    for (int life = 0; life < 5; ++life) {
      const std::uint64_t until = plan.below(kTasks);
      const milliseconds away = plan.between(0, 1500);
      const bool worker_dies = plan.one_in(2);
      plan.add("load; kill the ventilator when " + std::to_string(until) + " are done, for " +
                   shown(away) + (worker_dies ? ", and a worker" : ""),
               [=, &cluster, &lives, &workers] {
        load();
        REQUIRE(cluster.wait_done(until));
        const json status = cluster.ask_status();
        lives.push_back({status.at("log"), status.at("tasks").at("done")});
        cluster.ventilator->signal(SIGKILL);
        REQUIRE(cluster.ventilator->wait(kHangs) == 128 + SIGKILL);
        if (worker_dies) workers.front().kill();
        cluster.forget_client();
        pass(away);
        cluster.start_ventilator(again);
        if (worker_dies) workers.front() = cluster.handler_worker(2);
        REQUIRE(cluster.wait_workers(kWorkers));
      });
    }
    INFO(plan.text());
    plan.run();
    load();
    REQUIRE(cluster.client().wait_confirmed(kHangs));
    REQUIRE(cluster.wait_settled());
    lives.push_back({hex(cluster.client().log()), kTasks});
    CHECK(flaws_of(folder.lines("outcomes.jsonl"), lives) == "");
    for (const Life& life : lives) tell("log " + life.log + ": settled " +
                                        std::to_string(life.settled));
    CHECK(cluster.end() == 0);
    for (HandlerWorker& worker : workers) see_off(worker.process());
    sink.process().signal(SIGTERM);
    CHECK(sink.process().wait(kHangs) == 0);
    const bool alone = nobody_is_left();
    INFO("left behind:", who_is_left());
    CHECK(alone);
  }
}

}  // namespace sluice::chaos
