// handler_cluster.hpp: a cluster with C++ workers in processes of their own, and its own client.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>
#include <sys/prctl.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <sluice/sluice.hpp>

#include "e2e/cluster.hpp"
#include "e2e/handler_worker.hpp"
#include "e2e/process.hpp"

namespace sluice::e2e {

using nlohmann::json;

/// Whatever takes longer than this hangs, on a crowded machine too.
inline constexpr std::chrono::milliseconds kHangs{90'000};

/// Empty if the outcomes are those of tasks 1 to `count`, each once and done; else what is wrong.
[[nodiscard]] inline std::string flaws(const std::vector<json>& outcomes, std::uint64_t count) {
  std::vector<int> seen(count + 1);
  for (const json& outcome : outcomes) {
    const std::uint64_t seq = outcome.at("seq");
    if (seq < 1 || seq > count) return "no such task: " + outcome.dump();
    if (++seen[seq] > 1) return "a second outcome: " + outcome.dump();
    if (outcome.at("status") != "done") return "not done: " + outcome.dump();
  }
  const auto missing = std::find(seen.begin() + 1, seen.end(), 0);
  if (missing == seen.end()) return {};
  return std::to_string(outcomes.size()) + " outcomes, and none of task " +
         std::to_string(missing - seen.begin());
}

/// The ports on which a process listens, as the kernel lists them.
[[nodiscard]] inline std::vector<std::uint16_t> listening_ports(pid_t pid) {
  std::set<std::string> inodes;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry, gone).string();
    if (target.rfind("socket:[", 0) == 0) inodes.insert(target.substr(8, target.size() - 9));
  }
  std::vector<std::uint16_t> ports;
  std::ifstream table("/proc/net/tcp");
  std::string line;
  while (std::getline(table, line)) {
    std::istringstream words(line);
    std::vector<std::string> word(std::istream_iterator<std::string>(words), {});
    if (word.size() < 10 || word[3] != "0A" || inodes.count(word[9]) == 0) continue;
    const std::string port = word[1].substr(word[1].find(':') + 1);
    ports.push_back(static_cast<std::uint16_t>(std::stoul(port, nullptr, 16)));
  }
  return ports;
}

/// How many processes run below this one. Orphans count, once become_reaper() was called.
[[nodiscard]] inline std::size_t processes_below() {
  std::size_t count = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream children(thread.path() / "children");
    for (pid_t pid = 0; children >> pid;) ++count;
  }
  return count;
}
inline void become_reaper() { REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); }

[[nodiscard]] inline std::string this_program() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

/// A worker with handlers (handler_worker.hpp) in a process of its own.
class HandlerWorker {
 public:
  /// `before`: what it is started by, if anything.
  HandlerWorker(const std::string& name, int slots, const std::string& control, std::string diary,
                Words before = {})
      : name_(name), diary_(std::move(diary)) {
    ProcessOptions options;
    options.env = {{"SLUICE_TEST_CONTROL", control},
                   {"SLUICE_TEST_NAME", name},
                   {"SLUICE_TEST_SLOTS", std::to_string(slots)},
                   {"SLUICE_TEST_DIARY", diary_}};
    for (const std::string& word :
         {this_program(), std::string("--no-skip"), std::string("--test-case=") + kWorkerCase})
      before.push_back(word);
    process_ = std::make_unique<Process>(before, options);
  }
  [[nodiscard]] Process& process() { return *process_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::vector<DiaryEntry> diary() const { return read_diary(diary_); }
  void kill() {
    process_->signal(SIGKILL);
    REQUIRE(process_->wait(kHangs) == 128 + SIGKILL);
  }

 private:
  std::string name_, diary_;
  std::unique_ptr<Process> process_;
};

/// A cluster whose tasks are fast, and which the test asks without starting a program each time.
class HandlerCluster : public Cluster {
 public:
  explicit HandlerCluster(const Words& options = {}, const Words& before = {}) {
    start_ventilator(options, before);
    control = Access::load(access_file()).control;
  }
  std::string control;  ///< where its workers connect

  [[nodiscard]] HandlerWorker handler_worker(int slots, const std::string& by = {},
                                             Words before = {}) {
    const std::string name = "h" + std::to_string(++handler_workers_);
    return {name, slots, by.empty() ? control : by, dir.file(name + ".diary"), std::move(before)};
  }
  [[nodiscard]] std::vector<HandlerWorker> handler_workers(int count, int slots) {
    std::vector<HandlerWorker> all;
    for (int i = 0; i < count; ++i) all.push_back(handler_worker(slots));
    REQUIRE(wait_workers(static_cast<std::size_t>(count)));
    return all;
  }

  Client& client() {
    if (client_) return *client_;
    ClientOptions options;
    options.connect = control;
    options.connect_timeout = options.reconnect_timeout = kHangs;
    return client_.emplace(options);
  }
  void forget_client() { client_.reset(); }
  void submit_task(const std::string& type, const std::string& payload) {
    Task task;
    task.type = type;
    const auto* const bytes = reinterpret_cast<const std::byte*>(payload.data());
    task.payload.assign(bytes, bytes + payload.size());
    client().post(task);
  }
  /// `count` tasks of type "hold"; `us` tells how long the i-th is, in microseconds.
  template <typename Microseconds>
  void hold(int count, Microseconds us) {
    for (int i = 0; i < count; ++i) submit_task("hold", std::to_string(us(i)));
    REQUIRE(client().wait_confirmed(kHangs));
  }

  [[nodiscard]] json ask_status() { return json::parse(client().query("status", {}, kHangs)); }
  [[nodiscard]] std::uint64_t number(const char* group, const char* name) {
    return ask_status().at(group).at(name);
  }
  [[nodiscard]] bool wait_done(std::uint64_t count) {
    return eventually([&] { return number("tasks", "done") >= count; }, kHangs);
  }
  [[nodiscard]] bool wait_settled() {
    return eventually([&] { return number("tasks", "unsettled") == 0; }, kHangs);
  }
  [[nodiscard]] bool wait_workers(std::size_t count) {
    return eventually([&] { return ask_status().at("workers").size() == count; }, kHangs);
  }
  /// What status says of one worker; null if it is not there.
  [[nodiscard]] json worker_status(const std::string& name) {
    const json status = ask_status();
    for (const json& worker : status.at("workers"))
      if (worker.at("name") == name) return worker;
    return nullptr;
  }
  /// Drains the ventilator; its exit code.
  [[nodiscard]] std::optional<int> end() {
    forget_client();
    ventilator->signal(SIGTERM);
    return ventilator->wait(kHangs);
  }

 private:
  std::optional<Client> client_;
  int handler_workers_ = 0;
};

}  // namespace sluice::e2e
