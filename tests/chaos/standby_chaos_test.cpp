// standby_chaos_test.cpp: ventilators that share a journal are killed, paused, cut off, copied.
// SPDX-License-Identifier: MIT
//
// After each run: every accepted task has one outcome, and nothing was executed twice, for all
// workers live.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>

#include "chaos/left_behind.hpp"
#include "chaos/network.hpp"
#include "chaos/plan.hpp"
#include "chaos/private_world.hpp"
#include "e2e/standby_cluster.hpp"

namespace sluice::chaos {
namespace {

using namespace e2e;
using std::chrono::milliseconds;

constexpr std::chrono::milliseconds kLong = StandbyCluster::kLong;

// What the tests of this file have in common: three ventilators, one of them active, and tasks.
class Field {
 public:
  static constexpr std::size_t kWorkers = 3;

  Field() {
    cluster.begin();
    REQUIRE(StandbyCluster::stands_by(cluster.start_one()));
    for (std::size_t i = 0; i < kWorkers; ++i) cluster.start_worker({"-j", "2"});
    active_ = 0;
  }
  StandbyCluster cluster;

  void load(int count) {
    submits_.push_back(std::make_unique<Process>(
        sluice_words({"submit", "--array",
                      std::to_string(posted_ + 1) + "-" + std::to_string(posted_ + count), "--",
                      "echo {} >> " + cluster.dir.file("started") + "; sleep 0.05"}),
        with_access()));
    posted_ += count;
  }
  [[nodiscard]] Process& active() { return *cluster.ventilators[active_]; }
  /// Waits until another one is active; how long that took.
  milliseconds await_takeover() {
    const auto from = std::chrono::steady_clock::now();
    const std::size_t before = active_;
    REQUIRE(eventually(
        [&] {
          for (std::size_t i = 0; i < cluster.ventilators.size(); ++i) {
            if (i == before || seen_[i] || !StandbyCluster::is_active(*cluster.ventilators[i], 0ms))
              continue;
            active_ = i;
            seen_[i] = true;
            return true;
          }
          return false;
        },
        kLong));
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - from);
  }
  void bring_standby() { REQUIRE(StandbyCluster::stands_by(cluster.start_one())); }
  [[nodiscard]] bool some_done(std::size_t more) {
    const std::size_t wanted = cluster.dir.lines("outcomes.jsonl").size() + more;
    return cluster.wait_outcomes(std::min(wanted, static_cast<std::size_t>(posted_)), kLong);
  }
  void end() {
    for (auto& submit : submits_) {
      INFO(submit->err());
      CHECK(submit->wait(kLong) == 0);
    }
    REQUIRE(cluster.wait_outcomes(static_cast<std::size_t>(posted_), kLong));
    CHECK(cluster.flaws(static_cast<std::size_t>(posted_)) == "");
    CHECK(cluster.repeats() == "");
    tell(std::to_string(posted_) + " tasks; " + cluster.status().at("epoch").dump() + " lives");
    for (auto& one : cluster.ventilators)
      if (one->running()) one->signal(SIGTERM);
    for (auto& one : cluster.ventilators) CHECK(one->wait(kLong));
    for (auto& worker : cluster.workers) worker->signal(SIGTERM);
    for (auto& worker : cluster.workers) CHECK(worker->wait(kLong));
  }

 private:
  static Words sluice_words(Words words) {
    words.insert(words.begin(), sluice_program());
    return words;
  }
  [[nodiscard]] ProcessOptions with_access() const {
    ProcessOptions options;
    options.env.emplace_back("SLUICE_ACCESS", cluster.access_file());
    options.cwd = cluster.dir.path();
    return options;
  }

  std::vector<std::unique_ptr<Process>> submits_;
  std::map<std::size_t, bool> seen_{{0, true}};
  std::size_t active_ = 0;
  int posted_ = 0;
};

}  // namespace

TEST_SUITE("chaos: standby") {
  TEST_CASE("whichever active one is killed under load, the next one goes on") {
    become_reaper();
    Plan plan;
    Field field;
    for (std::uint64_t round = 0; round < number_from("SLUICE_ROUNDS", 4); ++round) {
      const auto some = plan.below(150);
      plan.add("kill the active one after " + std::to_string(some) + " outcomes", [=, &field] {
        field.load(250);
        REQUIRE(field.some_done(some));
        StandbyCluster::kill(field.active());
        CHECK(field.await_takeover() <= StandbyCluster::kFailover + 2s);
        field.bring_standby();
      });
    }
    INFO(plan.text());
    plan.run();
    field.end();
  }

  TEST_CASE("whoever was paused for too long ends when it wakes up, and doubles nothing") {
    become_reaper();
    Plan plan;
    Field field;
    for (std::uint64_t round = 0; round < number_from("SLUICE_ROUNDS", 3); ++round) {
      const auto some = plan.below(150);
      const auto longer = plan.between(0, 1500);
      plan.add("pause the active one after " + std::to_string(some) + " outcomes, wake it up " +
                   shown(longer) + " after the takeover",
               [=, &field] {
                 field.load(250);
                 REQUIRE(field.some_done(some));
                 Process& paused = field.active();
                 paused.signal(SIGSTOP);
                 CHECK(field.await_takeover() <= StandbyCluster::kFailover + 2s);
                 pass(longer);
                 paused.signal(SIGCONT);
                 CHECK(paused.wait(kLong) == 3);
                 field.bring_standby();
               });
    }
    INFO(plan.text());
    plan.run();
    field.end();
  }

  TEST_CASE("an active one that is paused for less than its tenure stays active") {
    become_reaper();
    Field field;
    field.load(200);
    for (int i = 0; i < 3; ++i) {
      REQUIRE(field.some_done(20));
      field.active().signal(SIGSTOP);
      pass(StandbyCluster::kFailover / 3);
      field.active().signal(SIGCONT);
      pass(StandbyCluster::kFailover / 3);
    }
    CHECK(field.active().running());
    field.end();
  }

  TEST_CASE("when all are killed at once, whoever is started first goes on") {
    become_reaper();
    Field field;
    field.load(300);
    REQUIRE(field.some_done(60));
    for (auto& one : field.cluster.ventilators) one->signal(SIGKILL);
    for (auto& one : field.cluster.ventilators) REQUIRE(one->wait() == 128 + SIGKILL);
    Process& first = field.cluster.start_one();
    Process& second = field.cluster.start_one();
    CHECK(field.await_takeover() <= StandbyCluster::kFailover + 2s);
    CHECK(StandbyCluster::stands_by(&field.active() == &first ? second : first));
    field.end();
  }

  TEST_CASE("a copy of the journal that is started elsewhere disturbs nobody") {
    become_reaper();
    Field field;
    field.load(200);
    REQUIRE(field.some_done(40));
    StandbyCluster::kill(field.active());
    const std::string copy = field.cluster.dir.file("copy");
    std::filesystem::copy(field.cluster.dir.file("journal"), copy,
                          std::filesystem::copy_options::recursive);
    static_cast<void>(field.await_takeover());
    // With the same access file it refuses: that belongs to a ventilator that runs.
    Process& refused = field.cluster.start_one({}, copy);
    CHECK(refused.wait(kLong) == 255);
    Process& other = field.cluster.start_one({"--access", field.cluster.dir.file("b.json")}, copy);
    CHECK(StandbyCluster::is_active(other));
    const auto log_of = [&](const char* file) {
      return nlohmann::json::parse(read_file(field.cluster.dir.file(file))).at("log");
    };
    CHECK(log_of("b.json") != log_of("access.json"));
    StandbyCluster::kill(other);
    field.end();
  }

  // The storage is there all the time, so nobody has to take over; and whoever asks the standby is
  // sent to the active one, whom it does not reach.
  TEST_CASE("an active one whom no worker reaches stays active, and goes on when they do") {
    if (!in_private_world()) return;
    const AloneAtTheEnd alone;
    Plan plan;
    Network network(plan.seed());
    const std::size_t active_host = network.add_host(), standby_host = network.add_host();
    const std::size_t worker_host = network.add_host();
    const auto at = [](std::size_t host) { return "tcp://" + Network::address(host) + ":5570"; };
    Cluster cluster;
    SinkProcess sink(cluster.dir.file("outcomes.jsonl"),
                     "tcp://" + Network::address(Network::kHere) + ":5571", {"--insecure"});
    const auto ventilator = [&](std::size_t host) {
      Words words = network.on(host);
      for (const std::string& word :
           {sluice_program(), std::string("ventilator"), std::string("--standby"),
            std::string("--journal"), cluster.dir.file("journal"), std::string("--access"),
            cluster.access_file(), std::string("--sink"), sink.endpoint(), std::string("--bind"),
            at(host), std::string("--insecure"), std::string("--heartbeat"), std::string("250ms"),
            std::string("--failover-after"), std::string("2s")})
        words.push_back(word);
      return std::make_unique<Process>(words);
    };
    const auto active = ventilator(active_host);
    REQUIRE(StandbyCluster::is_active(*active));
    const auto standby = ventilator(standby_host);
    REQUIRE(StandbyCluster::stands_by(*standby));
    Words words = network.on(worker_host);
    for (const std::string& word :
         {sluice_program(), std::string("worker"), std::string("--connect"), at(standby_host),
          std::string("--connect"), at(active_host), std::string("-j"), std::string("2")})
      words.push_back(word);
    Process worker(words);
    REQUIRE(worker.complains("connected to ", kLong));
    Process submit = cluster.start({"submit", "--array", "1-60", "--",
                                    "echo {} >> " + cluster.dir.file("started") + "; sleep 0.1"});
    REQUIRE(cluster.wait_outcomes(10, kLong));
    constexpr Way kCut{.cut = true};
    for (const bool both : {true, false}) {
      if (both)
        network.set_both(active_host, worker_host, kCut);
      else
        network.set(active_host, worker_host, kCut);
      pass(5000ms);
      CHECK(active->running());
      CHECK_FALSE(StandbyCluster::is_active(*standby, 0ms));
      network.heal();
      const std::size_t some = cluster.dir.lines("outcomes.jsonl").size();
      REQUIRE(cluster.wait_outcomes(std::min<std::size_t>(some + 10, 60), kLong));
    }
    CHECK(submit.wait(kLong) == 0);
    REQUIRE(cluster.wait_outcomes(60, kLong));
    // The host of the active one vanishes: its process can tell nobody, and its storage neither.
    active->signal(SIGSTOP);
    network.vanish(active_host);
    CHECK(StandbyCluster::takeover_of(*standby) <= 4s);
    Process more = cluster.start({"submit", "--array", "61-80", "--", "true"});
    CHECK(more.wait(kLong) == 0);
    REQUIRE(cluster.wait_outcomes(80, kLong));
    CHECK(cluster.dir.lines("outcomes.jsonl").size() == 80);
    active->signal(SIGKILL);
    for (Process* one : {standby.get(), &worker, &sink.process()}) {
      one->signal(SIGTERM);
      CHECK(one->wait(kLong));
    }
    CHECK(active->wait(kLong));
  }
}

}  // namespace sluice::chaos
