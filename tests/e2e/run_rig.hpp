// run_rig.hpp: `sluice run` in a folder of its own, and what it leaves there.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "e2e/process.hpp"
#include "exec/process_tree.hpp"

namespace sluice::e2e {

inline bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline std::multiset<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::multiset<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.insert(line);
  return lines;
}

/// A line of a joblog, its nine columns apart.
struct LoggedTask {
  std::uint64_t seq = 0, received = 0;
  double start = 0, runtime = 0;
  std::string host, command;
  int exit_code = 0, signal = 0;
};

/// The program runs in `dir`, and so do its tasks.
class RunRig {
 public:
  TempFolder dir;

  [[nodiscard]] Ran run(const Words& words, const std::string& input = {}) const {
    ProcessOptions options;
    options.cwd = dir.path();
    options.input = input;
    return e2e::run(whole(words), options);
  }

  [[nodiscard]] std::unique_ptr<Process> start(const Words& words) const {
    ProcessOptions options;
    options.cwd = dir.path();
    options.keep_input = true;
    return std::make_unique<Process>(whole(words), options);
  }

  /// The same, with a joblog and an outcome file.
  [[nodiscard]] Ran run_logged(const Words& words, const std::string& input = {}) const {
    return run(logged(words), input);
  }
  [[nodiscard]] std::unique_ptr<Process> start_logged(const Words& words) const {
    return start(logged(words));
  }

  /// What the joblog says, by seq.
  [[nodiscard]] std::map<std::uint64_t, LoggedTask> joblog() const {
    const Words lines = dir.lines("joblog");
    REQUIRE_FALSE(lines.empty());
    CHECK(lines[0] == "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand");
    std::map<std::uint64_t, LoggedTask> all;
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const Words columns = columns_of(lines[i]);
      REQUIRE(columns.size() == 9);
      LoggedTask task;
      task.seq = std::stoull(columns[0]);
      task.host = columns[1];
      task.start = std::stod(columns[2]);
      task.runtime = std::stod(columns[3]);
      CHECK(columns[4] == "0");
      task.received = std::stoull(columns[5]);
      task.exit_code = std::stoi(columns[6]);
      task.signal = std::stoi(columns[7]);
      task.command = columns[8];
      CHECK(all.emplace(task.seq, task).second);
    }
    return all;
  }

  /// What the outcome file says, by seq.
  [[nodiscard]] std::map<std::uint64_t, nlohmann::json> outcomes() const {
    std::map<std::uint64_t, nlohmann::json> all;
    for (const std::string& line : dir.lines("outcomes")) {
      auto outcome = nlohmann::json::parse(line);
      const auto seq = outcome.at("seq").get<std::uint64_t>();
      CHECK(all.emplace(seq, std::move(outcome)).second);
    }
    return all;
  }

  /// The number that a task wrote into this file, whole once the file is there.
  [[nodiscard]] pid_t pid_in(const std::string& name) const {
    REQUIRE(eventually([&] { return dir.has(name); }));
    return static_cast<pid_t>(std::stol(dir.read(name)));
  }

  /// True if that process ends soon.
  [[nodiscard]] static bool ends(pid_t pid) {
    return eventually([pid] {
      const auto status = exec::process_status(pid);
      return !status || status->state == 'Z';
    });
  }

 private:
  static Words whole(const Words& words) {
    Words all{sluice_program(), "run"};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  static Words logged(const Words& words) {
    Words all{"--joblog", "joblog", "--outcomes", "outcomes"};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  // The last one may hold tabs.
  static Words columns_of(const std::string& line) {
    Words columns;
    std::size_t at = 0;
    for (std::size_t tab = 0;
         columns.size() < 8 && (tab = line.find('\t', at)) != std::string::npos; at = tab + 1)
      columns.push_back(line.substr(at, tab - at));
    columns.push_back(line.substr(at));
    return columns;
  }
};

/// Shell text that leaves this shell's number in a file, which appears whole.
inline std::string note_pid(const std::string& name) {
  return "echo $$ > " + name + ".part; mv " + name + ".part " + name + "; ";
}

/// Shell text that waits until there is such a file.
inline std::string wait_for(const std::string& name) {
  return "until [ -e " + name + " ]; do sleep 0.02; done; ";
}

}  // namespace sluice::e2e
