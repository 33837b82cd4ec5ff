// cluster_sink_test.cpp: sinks that die, come back, and run out of room.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <csignal>
#include <map>
#include <set>

#include "e2e/handler_cluster.hpp"
#include "e2e/sink_process.hpp"
#include "e2e/small_disk.hpp"

namespace sluice::e2e {

TEST_SUITE("e2e: sinks") {
  // Case 8: "the sink's file decides duplicates; nothing is executed again".
  TEST_CASE("a sink may be killed and started again: nothing runs twice, nothing is doubled") {
    constexpr int kTasks = 6000;
    const TempFolder folder;
    const std::string file = folder.file("outcomes.jsonl");
    SinkProcess sink(file);
    HandlerCluster cluster({"--sink", sink.endpoint()});
    std::vector<HandlerWorker> workers = cluster.handler_workers(3, 2);
    cluster.hold(kTasks, [](int i) { return 100 + i * 7 % 900; });
    for (int kill = 1; kill <= 3; ++kill) {
      REQUIRE(eventually(
          [&] {
            return folder.lines("outcomes.jsonl").size() >= static_cast<std::size_t>(kill) * 1000;
          },
          kHangs));
      sink.process().signal(SIGKILL);
      REQUIRE(sink.process().wait() == 128 + SIGKILL);
      // What a crash of the machine could leave: a line that was begun. It was never confirmed.
      std::ofstream(file, std::ios::app) << R"({"id":"00000000-1","seq":)";
      sink.start_again();
      CHECK(sink.process().complains("cut a torn last line"));
    }
    REQUIRE(cluster.wait_settled());
    std::vector<json> outcomes;
    for (const std::string& line : folder.lines("outcomes.jsonl"))
      outcomes.push_back(json::parse(line));
    CHECK(flaws(outcomes, kTasks) == "");
    std::map<std::uint64_t, int> runs;
    for (const HandlerWorker& worker : workers)
      for (const DiaryEntry& entry : worker.diary()) runs[entry.seq] += entry.what == 'S' ? 1 : 0;
    CHECK(runs.size() == kTasks);
    for (const auto& run : runs) CHECK_MESSAGE(run.second == 1, "task ", run.first);
    sink.process().signal(SIGTERM);
    CHECK(sink.process().wait() == 0);
  }

  // A checkpoint is begun at once where a useless one lies: so each start here begins one, is
  // killed at some moment of it, and the next believes it or not.
  TEST_CASE("a sink killed while it writes checkpoints knows what it confirmed") {
    constexpr int kTasks = 4000;
    const TempFolder folder;
    const std::string file = folder.file("outcomes.jsonl");
    SinkProcess sink(file);
    HandlerCluster cluster({"--sink", sink.endpoint()});
    std::vector<HandlerWorker> workers = cluster.handler_workers(2, 2);
    cluster.hold(kTasks, [](int i) { return 100 + i * 7 % 900; });
    int used = 0;
    for (int kill = 1; kill <= 8; ++kill) {
      REQUIRE(eventually(
          [&] {
            return folder.lines("outcomes.jsonl").size() >= static_cast<std::size_t>(kill) * 400;
          },
          kHangs));
      sink.kill();
      if (kill % 2 == 1) std::ofstream(file + ".checkpoint") << "of no use";
      sink.start_again();
      if (kill % 2 == 1) {
        CHECK(sink.process().complains("is no checkpoint of sluice"));
      } else if (sink.process().err().find("by its checkpoint") != std::string::npos) {
        ++used;
      }
    }
    CHECK(used > 0);
    REQUIRE(cluster.wait_settled());
    std::vector<json> outcomes;
    for (const std::string& line : folder.lines("outcomes.jsonl"))
      outcomes.push_back(json::parse(line));
    CHECK(flaws(outcomes, kTasks) == "");
  }

  // "One of them down holds only its share."
  TEST_CASE("of two sinks one is down: the other's share flows on, and all arrives in the end") {
    constexpr std::size_t kTasks = 600;
    const TempFolder folder;
    SinkProcess up(folder.file("up.jsonl")), down(folder.file("down.jsonl"));
    HandlerCluster cluster({"--sink", up.endpoint(), "--sink", down.endpoint()});
    std::vector<HandlerWorker> workers = cluster.handler_workers(2, 4);
    cluster.hold(20, [](int) { return 100; });
    REQUIRE(cluster.wait_settled());
    CHECK(folder.lines("up.jsonl").size() == 10);
    CHECK(folder.lines("down.jsonl").size() == 10);
    down.kill();
    cluster.hold(kTasks, [](int) { return 100; });
    REQUIRE(eventually([&] { return folder.lines("up.jsonl").size() == 10 + kTasks / 2; }, kHangs));
    CHECK(folder.lines("down.jsonl").size() == 10);
    CHECK(cluster.number("tasks", "unsettled") >= kTasks / 2);
    down.start_again();
    REQUIRE(cluster.wait_settled());
    std::vector<json> outcomes;
    for (const char* name : {"up.jsonl", "down.jsonl"}) {
      std::set<std::uint64_t> residues;
      for (const std::string& line : folder.lines(name)) {
        outcomes.push_back(json::parse(line));
        residues.insert(outcomes.back().at("seq").get<std::uint64_t>() % 2);
        CHECK(outcomes.back().at("attempts") == 1);
      }
      CHECK(residues.size() == 1);
    }
    CHECK(flaws(outcomes, kTasks + 20) == "");
  }

  // Case 9: "DEFER, credit runs out, the ventilator holds, status says why; goes on when there
  // is room".
  TEST_CASE("tasks wait while the sink's disk is full, and go on when there is room") {
    const TempFolder folder;
    const SmallDisk disk(folder.file("disk"), "1m");
    if (!disk.mounted()) {
      MESSAGE("skipped: this user cannot mount a file system");
      return;
    }
    folder.write("disk/ballast", std::string(700'000, 'b'));
    SinkProcess sink(folder.file("disk/outcomes.jsonl"));
    HandlerCluster cluster({"--sink", sink.endpoint(), "--heartbeat", "250ms"});
    HandlerWorker worker = cluster.handler_worker(2);
    for (int i = 0; i < 40; ++i) cluster.submit_task("echo", std::string(16'000, 'x'));
    CHECK(sink.process().complains("No space left on device"));
    REQUIRE(eventually([&] {
      const json shown = cluster.worker_status(worker.name());
      return shown != nullptr && shown.at("unconfirmed") > 0;
    }));
    CHECK(cluster.number("tasks", "unsettled") > 0);
    std::filesystem::remove(folder.file("disk/ballast"));
    REQUIRE(cluster.wait_settled());
    CHECK(sink.process().complains("outcomes are stored again"));
    std::vector<json> outcomes;
    for (const std::string& line : folder.lines("disk/outcomes.jsonl"))
      outcomes.push_back(json::parse(line));
    CHECK(flaws(outcomes, 40) == "");
    for (const json& outcome : outcomes) CHECK(outcome.at("attempts") == 1);
  }
}

}  // namespace sluice::e2e
