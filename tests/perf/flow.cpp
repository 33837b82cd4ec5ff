// flow.cpp: how many no-op tasks a second flow through ventilator, workers and sink?
// SPDX-License-Identifier: MIT
//
// Usage: perf_flow [TASKS] [WORKERS] [PAYLOAD_BYTES] [SLOTS]. All roles are in one process and
// talk over tcp loopback.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include <sluice/sluice.hpp>

namespace {

std::uint64_t argument(int argc, char** argv, int at, std::uint64_t otherwise) {
  return argc > at ? std::strtoull(argv[at], nullptr, 10) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t tasks = argument(argc, argv, 1, 2'000'000);
  const std::uint64_t workers = argument(argc, argv, 2, 2);
  const std::uint64_t payload = argument(argc, argv, 3, 64);
  const auto slots = static_cast<std::uint32_t>(argument(argc, argv, 4, 1));

  std::atomic<std::uint64_t> outcomes{0};
  sluice::Sink sink({}, [&](const sluice::OutcomeView&) { outcomes.fetch_add(1); });
  sluice::VentilatorOptions options;
  options.sinks = {sink.endpoint()};
  sluice::Ventilator ventilator(options);
  std::vector<std::unique_ptr<sluice::Worker>> pool;
  for (std::uint64_t i = 0; i < workers; ++i) {
    sluice::WorkerOptions worker;
    worker.slots = slots;
    pool.push_back(std::make_unique<sluice::Worker>(worker));
    pool.back()->on("noop", [](const sluice::TaskView&) { return std::vector<std::byte>{}; });
    pool.back()->start(ventilator.endpoint());
  }
  sluice::Task task;
  task.type = "noop";
  task.payload.resize(payload);
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < tasks; ++i) ventilator.submit(task);
  if (!ventilator.wait_settled(std::chrono::minutes(5))) {
    std::fprintf(stderr, "not settled: %s\n", ventilator.status_json().c_str());
    return 1;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("flow: %llu tasks, %llu workers, %llu B: %.0f tasks/s, outcomes %llu\n",
              static_cast<unsigned long long>(tasks), static_cast<unsigned long long>(workers),
              static_cast<unsigned long long>(payload), static_cast<double>(tasks) / took.count(),
              static_cast<unsigned long long>(outcomes.load()));
  return outcomes.load() == tasks ? 0 : 1;
}
