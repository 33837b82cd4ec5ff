// cluster_chaos_test.cpp: everything that can be killed or stopped is, at random, for a while.
// SPDX-License-Identifier: MIT
//
// SLUICE_SEED repeats the decisions of a run (not its timing); it lasts SLUICE_CHAOS_SECONDS.
#include <doctest/doctest.h>

#include <csignal>
#include <map>
#include <random>

#include "e2e/handler_cluster.hpp"
#include "e2e/sink_process.hpp"

namespace sluice::e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const std::string text = variable(name);
  return text.empty() ? otherwise : std::stoull(text);
}

void pass(milliseconds time) {
  CHECK_FALSE(eventually([] { return false; }, time));
}

class Chaos {
 public:
  Chaos(std::uint64_t seed, HandlerCluster& cluster, SinkProcess& sink)
      : random_(seed), cluster_(cluster), sink_(sink), workers_(cluster.handler_workers(4, 2)) {}

  void step() {
    submit(static_cast<int>(random_() % 3000));
    switch (random_() % 6) {
      case 0: replace_worker(); break;
      case 1: replace_worker(); replace_worker(); break;
      case 2: pause(any_worker().process(), milliseconds(random_() % 5000)); break;
      case 3: pause(*cluster_.ventilator, milliseconds(random_() % 2500)); break;
      case 4: pause(sink_.process(), milliseconds(random_() % 2500)); break;
      default: kill_sink(); break;
    }
    pass(milliseconds(random_() % 1500));
  }
  [[nodiscard]] std::uint64_t submitted() const { return submitted_; }
  [[nodiscard]] const std::string& history() const { return history_; }

 private:
  HandlerWorker& any_worker() { return workers_[random_() % workers_.size()]; }
  void submit(int count) {
    history_ += " +" + std::to_string(count);
    for (int i = 0; i < count; ++i)
      cluster_.submit_task("hold", std::to_string(random_() % 40 == 0 ? 15'000 : random_() % 1000));
    submitted_ += static_cast<std::uint64_t>(count);
  }
  void replace_worker() {
    history_ += " kill-worker";
    HandlerWorker& victim = any_worker();
    victim.kill();
    victim = cluster_.handler_worker(2);
  }
  void pause(Process& process, milliseconds time) {
    history_ += " pause-" + std::to_string(process.pid()) + '-' + std::to_string(time.count());
    process.signal(SIGSTOP);
    pass(time);
    process.signal(SIGCONT);
  }
  void kill_sink() {
    history_ += " kill-sink";
    sink_.process().signal(SIGKILL);
    REQUIRE(sink_.process().wait(kHangs) == 128 + SIGKILL);
    pass(milliseconds(random_() % 1000));
    sink_.start_again();
  }

  std::mt19937_64 random_;
  HandlerCluster& cluster_;
  SinkProcess& sink_;
  std::vector<HandlerWorker> workers_;
  std::uint64_t submitted_ = 0;
  std::string history_;
};

}  // namespace

TEST_SUITE("chaos: clusters") {
  TEST_CASE("whatever is killed or stopped, each task has one outcome in the end") {
    const std::uint64_t seed = number_from("SLUICE_SEED", std::random_device{}());
    const std::uint64_t length = number_from("SLUICE_CHAOS_SECONDS", 60);
    const TempFolder folder;
    SinkProcess sink(folder.file("outcomes.jsonl"));
    HandlerCluster cluster(
        {"--sink", sink.endpoint(), "--heartbeat", "250ms", "--max-losses", "1000"});
    Chaos chaos(seed, cluster, sink);
    MESSAGE("SLUICE_SEED=", seed);
    const auto end = steady_clock::now() + std::chrono::seconds(length);
    while (steady_clock::now() < end) chaos.step();
    INFO("SLUICE_SEED=", seed, ":", chaos.history());
    REQUIRE(cluster.client().wait_confirmed(kHangs));
    const bool settled = cluster.wait_settled();
    INFO(cluster.ask_status().dump(2));
    REQUIRE(settled);
    std::vector<json> outcomes;
    for (const std::string& line : folder.lines("outcomes.jsonl"))
      outcomes.push_back(json::parse(line));
    CHECK(flaws(outcomes, chaos.submitted()) == "");
    CHECK(cluster.wait_workers(4));
    MESSAGE(chaos.submitted(), " tasks:", chaos.history());
  }
}

}  // namespace sluice::e2e
