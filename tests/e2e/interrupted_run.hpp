// interrupted_run.hpp: a run with a journal, killed at any moment, until it comes to its end.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <random>
#include <set>
#include <string>

#include "e2e/run_rig.hpp"

namespace sluice::e2e {

/// Tasks 1..`tasks`, every tenth of which fails. Each says in a file that it has begun.
class InterruptedRun {
 public:
  static constexpr int kSlots = 4;

  InterruptedRun(int tasks, Words options) : tasks_(tasks) {
    line_ = {sluice_program(), "run", "--journal",  "j",        "--joblog", "joblog",
             "--results",      "res", "--outcomes", "outcomes", "-j",       std::to_string(kSlots)};
    line_.insert(line_.end(), options.begin(), options.end());
    for (const char* const word :
         {"--", "sh", "-c",
          "echo {} >> began; sleep 0.0$(({} % 4)); echo out{}; test $(({} % 10)) != 0", ":::"})
      line_.emplace_back(word);
    for (int i = 1; i <= tasks_; ++i) line_.push_back(std::to_string(i));
  }

  /// Starts it and kills all of it, `kills` times at most, each within `longest` of its start; then
  /// lets it come to its end.
  void go(std::uint64_t seed, int kills, std::chrono::milliseconds longest) {
    std::mt19937_64 random(seed);
    for (; kills > 0; --kills) {
      Process run = start();
      const auto length = random() % static_cast<std::uint64_t>(longest.count() * 1000);
      if (const auto code = run.wait(std::chrono::milliseconds(length / 1000))) {
        take(run, *code);
        return;
      }
      REQUIRE(::kill(-run.pid(), SIGKILL) == 0);
      (void)run.wait();
      ++killed_;
    }
    Process run = start();
    const auto code = run.wait();
    REQUIRE(code);
    take(run, *code);
  }

  /// What is not as it would be had nobody killed it; empty if nothing.
  [[nodiscard]] std::string flaws() const {
    std::string flaws;
    const auto check = [&flaws](bool good, const std::string& what) {
      if (!good) flaws += what + "; ";
    };
    check(code_ == tasks_ / 10, "exit code " + std::to_string(code_));
    std::string in_order;
    std::multiset<std::string> lines;
    for (int i = 1; i <= tasks_; ++i) {
      const std::string number = std::to_string(i);
      in_order += "out" + number + "\n";
      lines.insert("out" + number);
      check(dir.read("res/1/" + number + "/stdout") == "out" + number + "\n", "result " + number);
      check(dir.read("res/1/" + number + "/seq") == number, "seq of result " + number);
    }
    const bool ordered = std::find(line_.begin(), line_.end(), "-k") != line_.end();
    check(ordered ? out_ == in_order : lines_of(out_) == lines, "stdout: " + out_);
    check(numbers_logged() == numbers(), "joblog: " + dir.read("joblog"));
    check(numbers_stored() == numbers(), "outcomes");
    check(dir.read("outcomes") == dir.read("j/outcomes"), "the copy of the outcomes");
    const bool retries = std::find(line_.begin(), line_.end(), "--retries") != line_.end();
    const int executions = tasks_ + (retries ? tasks_ / 10 : 0);
    const auto most = static_cast<std::size_t>(executions + killed_ * kSlots);
    check(dir.lines("began").size() <= most,
          std::to_string(dir.lines("began").size()) + " executions");
    return flaws;
  }

  [[nodiscard]] int killed() const { return killed_; }
  TempFolder dir;

 private:
  [[nodiscard]] Process start() const {
    ProcessOptions options;
    options.cwd = dir.path();
    return Process(line_, options);
  }
  void take(Process& run, int code) {
    code_ = code;
    out_ = run.out();
    INFO(run.err());
    CHECK(!holds(run.err(), "rror"));
  }
  [[nodiscard]] std::multiset<std::uint64_t> numbers() const {
    std::multiset<std::uint64_t> all;
    for (int i = 1; i <= tasks_; ++i) all.insert(static_cast<std::uint64_t>(i));
    return all;
  }
  [[nodiscard]] std::multiset<std::uint64_t> numbers_logged() const {
    std::multiset<std::uint64_t> all;
    const Words lines = dir.lines("joblog");
    for (std::size_t i = 1; i < lines.size(); ++i) all.insert(std::stoull(lines[i]));
    return all;
  }
  // The key is digest, occurrence, number, start.
  [[nodiscard]] std::multiset<std::uint64_t> numbers_stored() const {
    std::multiset<std::uint64_t> all;
    for (const std::string& line : dir.lines("outcomes")) {
      const auto key = nlohmann::json::parse(line).at("key").get<std::string>();
      all.insert(std::stoull(key.substr(key.find('-', 33) + 1)));
    }
    return all;
  }

  int tasks_;
  Words line_;
  int killed_ = 0, code_ = -1;
  std::string out_;
};

}  // namespace sluice::e2e
