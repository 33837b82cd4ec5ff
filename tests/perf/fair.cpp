// fair.cpp: does one worker that is ten times slower hold up the other three?
// SPDX-License-Identifier: MIT
//
// 2,000 tasks of 1 ms over four workers of one slot each, one of them ten times slower. Prints
// the makespan over the ideal one: what the rates measured in the handlers could do at best.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <vector>

#include <sluice/sluice.hpp>

namespace {

using Clock = std::chrono::steady_clock;

// The task's work is to hold its slot for a while.
void hold(std::chrono::microseconds length) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable never;
  (void)never.wait_for(lock, length, [] { return false; });
}

}  // namespace

int main() {
  constexpr int kTasks = 2000;
  constexpr int kWorkers = 4;
  sluice::Sink sink({}, [](const sluice::OutcomeView&) {});
  sluice::VentilatorOptions options;
  options.sinks = {sink.endpoint()};
  sluice::Ventilator ventilator(options);
  std::vector<std::atomic<std::int64_t>> busy_us(kWorkers);
  std::vector<std::atomic<int>> count(kWorkers);
  std::vector<std::unique_ptr<sluice::Worker>> workers;
  for (int i = 0; i < kWorkers; ++i) {
    sluice::WorkerOptions worker;
    worker.slots = 1;
    workers.push_back(std::make_unique<sluice::Worker>(worker));
    const auto at = static_cast<std::size_t>(i);
    workers.back()->on("hold", [&, at](const sluice::TaskView&) {
      const auto start = Clock::now();
      hold(std::chrono::microseconds(at == 0 ? 10'000 : 1'000));
      const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
      busy_us[at].fetch_add(took.count());
      count[at].fetch_add(1);
      return std::vector<std::byte>{};
    });
    workers.back()->start(ventilator.endpoint());
  }
  sluice::Task task;
  task.type = "hold";
  const auto start = Clock::now();
  for (int i = 0; i < kTasks; ++i) ventilator.submit(task);
  if (!ventilator.wait_settled(std::chrono::minutes(2))) return 1;
  const std::chrono::duration<double> took = Clock::now() - start;

  double rate = 0;  // tasks a second that these workers can do together
  for (std::size_t i = 0; i < kWorkers; ++i)
    if (count[i] > 0) rate += count[i] * 1e6 / static_cast<double>(busy_us[i]);
  const double ideal = kTasks / rate;
  std::printf("fair: makespan %.1f ms, ideal %.1f ms, ratio %.3f, tasks by worker",
              took.count() * 1e3, ideal * 1e3, took.count() / ideal);
  for (std::size_t i = 0; i < kWorkers; ++i) std::printf(" %d", count[i].load());
  std::printf("\n");
  return 0;
}
