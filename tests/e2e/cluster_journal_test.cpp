// cluster_journal_test.cpp: a ventilator with a journal dies, and the next one goes on.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "e2e/cluster.hpp"
#include "e2e/small_disk.hpp"

namespace sluice::e2e {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kLong{60'000};

// A cluster whose ventilator keeps a journal in its folder.
struct DurableCluster : Cluster {
  DurableCluster() { begin(); }
  void begin(const Words& more = {}) {
    Words options{"--journal", dir.file("journal"), "--heartbeat", "250ms"};
    options.insert(options.end(), more.begin(), more.end());
    start_ventilator(options);
  }
  void kill_ventilator() {
    ventilator->signal(SIGKILL);
    REQUIRE(ventilator->wait() == 128 + SIGKILL);
  }
  // Each of so many tasks has one outcome, done.
  [[nodiscard]] std::string flaws(std::size_t count) const {
    std::set<std::string> ids;
    for (const json& outcome : outcomes()) {
      if (outcome.at("status") != "done") return "not done: " + outcome.dump();
      if (!ids.insert(outcome.at("id")).second) return "a second outcome: " + outcome.dump();
    }
    return ids.size() == count ? "" : std::to_string(ids.size()) + " outcomes";
  }
};

}  // namespace

TEST_SUITE("e2e: journal") {
  // Case 10: "ventilator restarts: epoch+1; workers say HELLO with inventory; running tasks are
  // kept, not re-run".
  TEST_CASE("what runs when a ventilator is killed is not run again") {
    DurableCluster cluster;
    cluster.start_worker({"-j", "3"});
    cluster.start_worker({"-j", "3"});
    const std::string note = "echo $SLUICE_TASK_ID >> " + cluster.dir.file("started");
    REQUIRE(cluster.submit({"--array", "1-20", "--", note + "; sleep 1; echo {}"}).code == 0);
    REQUIRE(eventually([&] { return cluster.dir.lines("started").size() >= 6; }, kLong));
    const json before = cluster.status();
    CHECK(before.at("durable") == true);
    cluster.kill_ventilator();
    cluster.begin();
    REQUIRE(cluster.wait_outcomes(20, kLong));
    CHECK(cluster.flaws(20) == "");
    for (const json& outcome : cluster.outcomes()) CHECK(outcome.at("attempts") == 1);
    const auto started = cluster.dir.lines("started");
    CHECK(started.size() == 20);
    CHECK(std::set<std::string>(started.begin(), started.end()).size() == 20);
    const json after = cluster.status();
    CHECK(after.at("epoch") == before.at("epoch").get<int>() + 1);
    CHECK(after.at("log") == before.at("log"));
    CHECK(eventually([&] { return cluster.status().at("tasks").at("unsettled") == 0; }, kLong));
  }

  // Rule 18: "A SUBMIT resent after a lost CONFIRM is recognised".
  TEST_CASE("a submit goes on over ventilators that are killed, and doubles nothing") {
    constexpr int kTasks = 3000;
    DurableCluster cluster;
    cluster.start_worker({"-j", "2"});
    Process submit =
        cluster.start({"submit", "--array", "1-" + std::to_string(kTasks), "--", "true", "{}"});
    for (const std::size_t some : {200U, 800U, 1500U}) {
      REQUIRE(eventually(
          [&] { return cluster.dir.lines("outcomes.jsonl").size() >= some; }, kLong));
      cluster.kill_ventilator();
      cluster.begin();
    }
    INFO("submit: ", submit.err());
    CHECK(submit.wait(kLong) == 0);
    REQUIRE(cluster.wait_outcomes(kTasks, kLong));
    CHECK(cluster.flaws(kTasks) == "");
    for (const json& outcome : cluster.outcomes()) CHECK(outcome.at("attempts") == 1);
  }

  TEST_CASE("what is left when a ventilator is told to end waits in its journal") {
    DurableCluster cluster;
    REQUIRE(cluster.submit({"echo", "{}", ":::", "a", "b", "c"}).code == 0);
    cluster.ventilator->signal(SIGTERM);
    CHECK(cluster.ventilator->wait() == 0);
    CHECK(cluster.ventilator->complains("stay in the journal"));
    cluster.begin();
    CHECK(cluster.ventilator->complains("going on with 3 tasks"));
    cluster.start_worker();
    REQUIRE(cluster.wait_outcomes(3));
    CHECK(cluster.flaws(3) == "");
  }

  TEST_CASE("while the journal's disk is full, submits wait, and nothing is lost") {
    Cluster cluster;
    const SmallDisk disk(cluster.dir.file("disk"), "64m");
    if (!disk.mounted()) {
      MESSAGE("skipped: this user cannot mount a file system");
      return;
    }
    cluster.start_ventilator({"--journal", cluster.dir.file("disk/journal")});
    cluster.start_worker({"-j", "2"});
    {
      std::ofstream ballast(cluster.dir.file("disk/ballast"));
      const std::string block(65'536, 'b');
      while (ballast << block << std::flush) continue;
    }
    Process submit = cluster.start({"submit", "--array", "1-2000", "--", "true", "{}"});
    REQUIRE(eventually(
        [&] { return cluster.status().at("journal").at("trouble") != ""; }, kLong));
    std::filesystem::remove(cluster.dir.file("disk/ballast"));
    INFO("submit: ", submit.err());
    CHECK(submit.wait(kLong) == 0);
    REQUIRE(cluster.wait_outcomes(2000, kLong));
    CHECK(eventually([&] { return cluster.status().at("journal").at("trouble") == ""; }, kLong));
  }

  TEST_CASE("a journal can be looked into while no ventilator has it") {
    DurableCluster cluster;
    REQUIRE(cluster.submit({"echo", "{}", ":::", "a", "b", "c"}).code == 0);
    const std::string folder = cluster.dir.file("journal");
    CHECK(cluster.sluice({"journal", "info", folder}).code == 255);
    cluster.kill_ventilator();
    const Ran info = cluster.sluice({"journal", "info", folder, "--output", "json"});
    CHECK(info.code == 0);
    CHECK(json::parse(info.out).at("tasks") == 3);
    CHECK(cluster.sluice({"journal", "verify", folder}).code == 0);
    const Ran dump = cluster.sluice({"journal", "dump", folder});
    CHECK(dump.code == 0);
    CHECK(json::parse(dump.out.substr(0, dump.out.find('\n'))).at("type") == "exec");
    CHECK(cluster.sluice({"journal", "compact", folder}).code == 0);
    cluster.begin();
    cluster.start_worker();
    REQUIRE(cluster.wait_outcomes(3));
    CHECK(cluster.flaws(3) == "");
  }

  TEST_CASE("a journal belongs to one ventilator at a time") {
    DurableCluster cluster;
    const Ran second = cluster.sluice({"ventilator", "--journal", cluster.dir.file("journal"),
                                       "--access", cluster.dir.file("other.json"), "--out",
                                       cluster.dir.file("other.jsonl")});
    CHECK(second.code == 255);
    INFO(second.err);
    CHECK(second.err.find("process " + std::to_string(cluster.ventilator->pid())) !=
          std::string::npos);
    CHECK(cluster.status().at("epoch") == 1);
  }
}

}  // namespace sluice::e2e
