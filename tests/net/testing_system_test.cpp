// testing_system_test.cpp: the faults happen, and every task still has its one outcome.
// SPDX-License-Identifier: MIT
#include <sluice/testing.hpp>

#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <sstream>

#include <sluice/error.hpp>
#include <sluice/typed.hpp>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

constexpr auto kHangs = 60s;

std::vector<Task> numbers(int count) {
  std::vector<Task> tasks;
  for (int i = 0; i < count; ++i) tasks.push_back(Task::of("add", i));
  return tasks;
}

// What a handler must not do twice for one task, and a count of how often it was asked to.
struct Ledger {
  std::mutex mutex;
  std::map<std::uint64_t, int> booked;
  int calls = 0;

  std::vector<std::byte> book(const TaskView& task) {
    const std::scoped_lock lock(mutex);
    ++calls;
    booked.try_emplace(task.id.seq, task.as<int>());
    return pack(task.as<int>() + 1);
  }
};

std::vector<std::string> lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(line);
  std::sort(out.begin(), out.end());
  return out;
}

// What was done to tasks on purpose; what follows from a crash beside them is up to threads.
std::vector<std::string> first_executions(const std::string& trace) {
  std::vector<std::string> out = lines(trace);
  std::erase_if(
      out, [](const std::string& line) { return line.find("execution 1: ") == std::string::npos; });
  return out;
}

}  // namespace

TEST_SUITE("testing system") {
  TEST_CASE("without faults each task is executed once") {
    testing::SystemOptions options;
    options.faults = {};
    testing::System system(options);
    Ledger ledger;
    system.on("add", [&](const TaskView& task) { return ledger.book(task); });
    const auto outcomes = system.run(numbers(100), kHangs);
    REQUIRE(outcomes.size() == 100);
    for (int i = 0; i < 100; ++i) CHECK(outcomes[static_cast<std::size_t>(i)].as<int>() == i + 1);
    CHECK(ledger.calls == 100);
    CHECK(system.counts().executions == 100);
    CHECK(system.counts().repeated == 0);
    CHECK(system.trace() == "seed 1\n");
  }

  TEST_CASE("whatever is done to it, each task has one outcome, and some are executed twice") {
    testing::SystemOptions options;
    options.seed = 3;
    options.faults = {.crash_before = 0.03,
                      .crash_after = 0.05,
                      .failure = 0.1,
                      .delay = 0.1,
                      .longest_delay = 5ms,
                      .lost_lane = 0.05};
    testing::System system(options);
    Ledger ledger;
    system.on("add", [&](const TaskView& task) { return ledger.book(task); });
    const auto outcomes = system.run(numbers(200), kHangs);
    INFO(system.trace());
    REQUIRE(outcomes.size() == 200);
    for (int i = 0; i < 200; ++i) CHECK(outcomes[static_cast<std::size_t>(i)].as<int>() == i + 1);
    CHECK(ledger.booked.size() == 200);
    const auto counts = system.counts();
    CHECK(counts.crashes_before > 0);
    CHECK(counts.crashes_after > 0);
    CHECK(counts.failures > 0);
    CHECK(counts.delays > 0);
    CHECK(counts.lost_lanes > 0);
    CHECK(counts.repeated >= counts.crashes_after);
    CHECK(counts.executions == static_cast<std::uint64_t>(ledger.calls));
  }

  TEST_CASE("the seed decides which executions are hit") {
    std::vector<std::vector<std::string>> traces;
    for (const std::uint64_t seed : {5U, 5U, 6U}) {
      testing::SystemOptions options;
      options.seed = seed;
      options.faults = {.failure = 0.2, .delay = 0.1, .longest_delay = 1ms};
      testing::System system(options);
      Ledger ledger;
      system.on("add", [&](const TaskView& task) { return ledger.book(task); });
      CHECK(system.run(numbers(100), kHangs).size() == 100);
      traces.push_back(first_executions(system.trace()));
    }
    CHECK(traces[0].size() > 10);
    CHECK(traces[0] == traces[1]);
    CHECK(traces[0] != traces[2]);
  }

  TEST_CASE("a handler's own failure is an outcome, faults or none") {
    testing::System system;
    system.on("add", [](const TaskView&) -> std::vector<std::byte> {
      throw std::runtime_error("always");
    });
    std::vector<Task> tasks = numbers(3);
    for (Task& task : tasks) task.max_attempts = 1;
    for (const Outcome& outcome : system.run(tasks, kHangs)) {
      CHECK(outcome.status == Status::failed);
      CHECK(outcome.error.find("always") != std::string::npos);
    }
  }

  TEST_CASE("several runs go through the same system") {
    testing::System system;
    Ledger ledger;
    system.on("add", [&](const TaskView& task) { return ledger.book(task); });
    for (int round = 0; round < 3; ++round) CHECK(system.run(numbers(10), kHangs).size() == 10);
    CHECK(ledger.booked.size() == 30);
    CHECK_THROWS_AS(system.on("late", [](const TaskView&) { return std::vector<std::byte>(); }),
                    Error);
  }

  TEST_CASE("what cannot be is refused with the reason") {
    testing::SystemOptions options;
    options.faults.failure = 1.5;
    CHECK_THROWS_WITH_AS(testing::System{options}, doctest::Contains("between 0 and 1"), Error);
    options = {};
    options.faults_per_task = 0;
    CHECK_THROWS_WITH_AS(testing::System{options}, doctest::Contains("1 and 10"), Error);
    testing::System system;
    CHECK_THROWS_WITH_AS((void)system.run(numbers(1), 1s), doctest::Contains("needs a handler"),
                         Error);
  }

  TEST_CASE("tasks that do not settle are named, with the seed") {
    testing::SystemOptions options;
    options.seed = 9;
    options.faults = {};
    testing::System system(options);
    Ledger ledger;
    system.on("add", [&](const TaskView& task) { return ledger.book(task); });
    std::vector<Task> tasks = numbers(2);
    tasks[1].type = "nobody's";
    CHECK_THROWS_WITH_AS((void)system.run(tasks, 500ms),
                         doctest::Contains("1 tasks (2) were not settled"), Error);
  }
}
