// standby_cluster.hpp: several ventilators that share a journal, workers, a sink, and submits.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "e2e/cluster.hpp"
#include "e2e/sink_process.hpp"

namespace sluice::e2e {

/// What a test of a takeover needs, and the questions that it asks at its end. A task writes a line
/// to `started` when it is executed.
struct StandbyCluster : Cluster {
  static constexpr std::chrono::milliseconds kLong{90'000}, kFailover{2000};

  explicit StandbyCluster(std::chrono::milliseconds failover_after = kFailover)
      : sink(dir.file("outcomes.jsonl")), failover(failover_after) {}

  SinkProcess sink;
  std::chrono::milliseconds failover;
  std::vector<std::unique_ptr<Process>> ventilators;

  /// It is active if nobody is, otherwise it stands by.
  Process& start_one(const Words& options = {}, const std::string& journal = {}) {
    Words words{"ventilator",       "--standby",
                "--journal",        journal.empty() ? dir.file("journal") : journal,
                "--sink",           sink.endpoint(),
                "--heartbeat",      "500ms",
                "--failover-after", std::to_string(failover.count()) + "ms"};
    words.insert(words.end(), options.begin(), options.end());
    ventilators.push_back(std::make_unique<Process>(program_and(words), with_files()));
    return *ventilators.back();
  }
  static bool is_active(Process& one, std::chrono::milliseconds most = kLong) {
    return one.complains("start workers with", most);
  }
  static bool stands_by(Process& one) { return one.complains("standby of", kLong); }
  /// An active one and one that stands by, whom the access file names.
  void begin() {
    Process& active = start_one();
    const bool is_first = is_active(active);
    INFO(active.err());
    REQUIRE(is_first);
    Process& standby = start_one();
    const bool is_second = stands_by(standby);
    INFO(standby.err());
    REQUIRE(is_second);
    REQUIRE(active.complains("standing by:", kLong));
  }
  static void kill(Process& one) {
    one.signal(SIGKILL);
    REQUIRE(one.wait() == 128 + SIGKILL);
  }
  /// Submits in the background: `count` commands that take `seconds` each.
  [[nodiscard]] Process load(int count, const std::string& seconds) {
    return start({"submit", "--array", "1-" + std::to_string(count), "--",
                  "echo {} >> " + dir.file("started") + "; sleep " + seconds});
  }
  /// How long until that one has taken over.
  static std::chrono::milliseconds takeover_of(Process& one) {
    const auto from = std::chrono::steady_clock::now();
    const bool active = is_active(one);
    INFO(one.err());
    REQUIRE(active);
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 from);
  }
  /// Empty if each of so many tasks has one outcome, done.
  [[nodiscard]] std::string flaws(std::size_t count) const {
    std::set<std::string> ids;
    for (const nlohmann::json& outcome : outcomes()) {
      if (outcome.at("status") != "done") return "not done: " + outcome.dump();
      if (!ids.insert(outcome.at("id")).second) return "a second outcome: " + outcome.dump();
    }
    return ids.size() == count ? "" : std::to_string(ids.size()) + " outcomes";
  }
  /// Empty if none was executed twice.
  [[nodiscard]] std::string repeats() const {
    std::map<std::string, int> times;
    for (const std::string& line : dir.lines("started"))
      if (++times[line] == 2) return "executed twice: " + line;
    return "";
  }

 private:
  static Words program_and(const Words& words) {
    Words all{sluice_program()};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  [[nodiscard]] ProcessOptions with_files() const {
    ProcessOptions options;
    options.env.emplace_back("SLUICE_ACCESS", access_file());
    options.cwd = dir.path();
    return options;
  }
};

}  // namespace sluice::e2e
