// cluster_standby_test.cpp: one ventilator dies, and the one that stood by goes on.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <csignal>
#include <string>

#include "e2e/standby_cluster.hpp"

namespace sluice::e2e {

TEST_SUITE("e2e: standby") {
  TEST_CASE("a standby takes over from an active one that is killed, and nothing is run again") {
    StandbyCluster cluster;
    cluster.begin();
    cluster.start_worker({"-j", "4"});
    Process submit = cluster.load(40, "0.3");
    REQUIRE(eventually([&] { return cluster.dir.lines("started").size() >= 6; }));
    Process& standby = *cluster.ventilators[1];
    StandbyCluster::kill(*cluster.ventilators[0]);
    CHECK(StandbyCluster::takeover_of(standby) <= StandbyCluster::kFailover + 2s);
    CHECK(submit.wait(StandbyCluster::kLong) == 0);
    REQUIRE(cluster.wait_outcomes(40, StandbyCluster::kLong));
    CHECK(cluster.flaws(40) == "");
    CHECK(cluster.repeats() == "");
    CHECK(cluster.status().at("epoch") == 2);
    standby.signal(SIGTERM);
    CHECK(standby.wait() == 0);
  }

  // It was paused for longer than the failover time: it has been followed, and finds that out
  // before it says or writes anything.
  TEST_CASE("an active one that was paused ends when it wakes up") {
    StandbyCluster cluster;
    cluster.begin();
    cluster.start_worker({"-j", "2"});
    Process submit = cluster.load(30, "0.2");
    REQUIRE(eventually([&] { return cluster.dir.lines("started").size() >= 4; }));
    Process& paused = *cluster.ventilators[0];
    paused.signal(SIGSTOP);
    CHECK(StandbyCluster::takeover_of(*cluster.ventilators[1]) <= StandbyCluster::kFailover + 2s);
    paused.signal(SIGCONT);
    CHECK(paused.wait() == 3);
    CHECK(paused.complains("was superseded"));
    INFO(submit.err());
    CHECK(submit.wait(StandbyCluster::kLong) == 0);
    REQUIRE(cluster.wait_outcomes(30, StandbyCluster::kLong));
    CHECK(cluster.flaws(30) == "");
    CHECK(cluster.repeats() == "");
  }

  TEST_CASE("an active one that is told to end is followed at once") {
    StandbyCluster cluster(60s);
    cluster.begin();
    cluster.ventilators[0]->signal(SIGTERM);
    CHECK(cluster.ventilators[0]->wait() == 0);
    CHECK(StandbyCluster::takeover_of(*cluster.ventilators[1]) < 30s);
  }

  TEST_CASE("who asks a standby is told whose, and where the active one is") {
    StandbyCluster cluster;
    cluster.begin();
    const std::string standby =
        nlohmann::json::parse(read_file(cluster.access_file())).at("standbys").at(0);
    const Ran status = cluster.sluice({"status", "--connect", standby});
    INFO(status.out, status.err);
    CHECK(status.code == 0);
    CHECK(status.out.find("standby of ") == 0);
    CHECK(status.out.find("last renewal seen ") != std::string::npos);
    const std::string active =
        nlohmann::json::parse(read_file(cluster.access_file())).at("control");
    CHECK(status.out.find(active) != std::string::npos);
    CHECK(cluster.status().at("standbys").at(0) == standby);
  }

  TEST_CASE("a standby needs a journal, and sinks that do not die with the active one") {
    Cluster cluster;
    const Ran no_journal = cluster.sluice({"ventilator", "--standby", "--out", "o.jsonl"});
    CHECK(no_journal.code == 255);
    CHECK(no_journal.err.find("--journal") != std::string::npos);
    const Ran own_sink =
        cluster.sluice({"ventilator", "--standby", "--journal", "J", "--out", "o.jsonl"});
    CHECK(own_sink.code == 255);
    CHECK(own_sink.err.find("--sink") != std::string::npos);
  }
}

}  // namespace sluice::e2e
