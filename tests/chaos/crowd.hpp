// crowd.hpp: a process that is many workers.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sluice/sluice.hpp>

#include "e2e/handler_cluster.hpp"
#include "e2e/handler_worker.hpp"

namespace sluice::chaos {

inline constexpr const char* kCrowdCase = "role of a crowd of workers";

/// The body of such a process: SLUICE_TEST_CROWD workers of one slot, each with sockets of its own,
/// who all connect at once when a line comes in. They end with their ventilator.
inline void run_crowd() {
  const std::string control = e2e::variable("SLUICE_TEST_CONTROL");
  const std::string name = e2e::variable("SLUICE_TEST_NAME");
  const std::size_t count = std::stoul(e2e::variable("SLUICE_TEST_CROWD"));
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::size_t i = 0; i < count; ++i) {
    WorkerOptions options;
    options.connect = control;
    options.name = name + "-" + std::to_string(i);
    options.slots = 1;
    workers.push_back(std::make_unique<Worker>(options));
    workers.back()->on("hold", [](const TaskView& task) {
      const std::int64_t us = e2e::number_in(task);
      const timespec length{us / 1'000'000, us % 1'000'000 * 1000};
      ::ppoll(nullptr, 0, &length, nullptr);
    });
  }
  std::cout << "ready" << std::endl;
  std::string line;
  std::getline(std::cin, line);
  std::vector<std::thread> starters;
  for (auto& worker : workers) starters.emplace_back([&worker] { worker->start(); });
  for (std::thread& starter : starters) starter.join();
  std::cout << "started" << std::endl;
  for (auto& worker : workers)
    while (!worker->wait_ended(std::chrono::minutes(10))) continue;
}

class Crowd {
 public:
  Crowd(const std::string& name, std::size_t count, const std::string& control) {
    e2e::ProcessOptions options;
    options.env = {{"SLUICE_TEST_CONTROL", control},
                   {"SLUICE_TEST_NAME", name},
                   {"SLUICE_TEST_CROWD", std::to_string(count)}};
    options.keep_input = true;
    process_ = std::make_unique<e2e::Process>(
        e2e::Words{e2e::this_program(), "--no-skip", std::string("--test-case=") + kCrowdCase},
        options);
    REQUIRE(process_->prints("ready\n"));
  }
  void go() { process_->write_input("go\n"); }
  [[nodiscard]] e2e::Process& process() { return *process_; }

 private:
  std::unique_ptr<e2e::Process> process_;
};

}  // namespace sluice::chaos
