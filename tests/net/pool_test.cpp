// pool_test.cpp: tasks out, outcomes back, and every way in which that can fail.
// SPDX-License-Identifier: MIT
#include <sluice/pool.hpp>

#include <doctest/doctest.h>
#include <stdlib.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <thread>

#include <sluice/access.hpp>
#include <sluice/client.hpp>
#include <sluice/typed.hpp>

#include "support/temp_folder.hpp"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

constexpr auto kHangs = 30s;

std::vector<std::byte> square(const TaskView& task) {
  const int n = task.as<int>();
  if (n < 0) throw std::runtime_error("no negative numbers");
  return pack(n * n);
}

PoolOptions quick(std::uint32_t workers) {
  PoolOptions options;
  options.workers = workers;
  options.ventilator.heartbeat = 250ms;
  options.ventilator.backoff = 1ms;
  options.ventilator.max_attempts = 2;
  options.sink.heartbeat = 250ms;
  return options;
}

// Holds handlers until it is opened.
class Gate {
 public:
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kHangs, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace

TEST_SUITE("pool") {
  TEST_CASE("a handler may take and return values") {
    Pool pool(quick(1));
    pool.on<int>("square", [](int n) { return n * n; });
    CHECK(pool.submit("square", 12).get().as<int>() == 144);
    const Outcome wrong = pool.submit("square", std::string("twelve")).get();
    CHECK(wrong.status == Status::failed);
    CHECK(wrong.attempt == 1);  // no further attempt would help
    CHECK(wrong.error.find("another type") != std::string::npos);
  }

  TEST_CASE("a future gets the outcome of its task") {
    Pool pool(quick(2));
    pool.on("square", square);
    std::future<Outcome> future = pool.submit("square", 7);
    REQUIRE(future.wait_for(kHangs) == std::future_status::ready);
    const Outcome outcome = future.get();
    CHECK(outcome.status == Status::done);
    CHECK(outcome.type == "square");
    CHECK(outcome.as<int>() == 49);
    CHECK_THROWS_AS((void)outcome.as<std::string>(), WrongType);
  }

  TEST_CASE("each of many callbacks is called once, and wait ends after the last") {
    constexpr int kTasks = 20'000;
    Pool pool(quick(2));
    pool.on("square", square);
    std::atomic<long> sum{0};
    std::atomic<int> calls{0};
    for (int i = 0; i < kTasks; ++i)
      pool.submit("square", i % 100, [&](const Outcome& outcome) {
        sum += outcome.as<int>();
        ++calls;
      });
    REQUIRE(pool.wait(kHangs));
    CHECK(calls == kTasks);
    CHECK(sum == 328350L * (kTasks / 100));
    CHECK(pool.unsettled() == 0);
  }

  TEST_CASE("map gives results in order, and throws for the task that failed") {
    Pool pool(quick(2));
    pool.on("square", square);
    std::vector<int> numbers(500);
    std::iota(numbers.begin(), numbers.end(), 0);
    const std::vector<int> squares = pool.map<int>("square", numbers);
    REQUIRE(squares.size() == 500);
    for (int i = 0; i < 500; ++i) CHECK(squares[static_cast<std::size_t>(i)] == i * i);
    const std::array<int, 3> bad{1, -1, 2};
    try {
      (void)pool.map<int>("square", bad);
      FAIL("it must throw");
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find("no negative numbers") != std::string::npos);
      CHECK(std::string(error.what()).find("failed") != std::string::npos);
    }
  }

  TEST_CASE("a handler that throws has a failed outcome, after all its attempts") {
    Pool pool(quick(1));
    pool.on("square", square);
    const Outcome outcome = pool.call(Task::of("square", -3), kHangs);
    CHECK(outcome.status == Status::failed);
    CHECK(outcome.attempt == 2);
    CHECK(outcome.error == "no negative numbers");
  }

  TEST_CASE("call gives up waiting, and the task goes on") {
    Gate gate;
    Pool pool(quick(1));
    pool.on("wait", [&](const TaskView&) {
      gate.pass();
      return std::vector<std::byte>();
    });
    const Outcome outcome = pool.call(Task::of("wait", 0), 20ms);
    CHECK(outcome.status == Status::unknown);
    CHECK(outcome.id.seq == 1);
    CHECK(pool.unsettled() == 1);
    gate.open();
    CHECK(pool.wait(kHangs));
  }

  TEST_CASE("a full pool refuses, and a callback that would wait for it is told") {
    Gate gate;
    PoolOptions options = quick(1);
    options.ventilator.max_tasks = 4;
    Pool pool(options);
    pool.on("wait", [&](const TaskView&) {
      gate.pass();
      return std::vector<std::byte>();
    });
    int taken = 0;
    std::atomic<int> calls{0};
    const auto count = [&](const Outcome&) { ++calls; };
    const auto deadline = std::chrono::steady_clock::now() + kHangs;
    while (taken < 4 && std::chrono::steady_clock::now() < deadline)
      taken += pool.try_submit(Task::of("wait", 0), count) ? 1 : 0;
    REQUIRE(taken == 4);
    CHECK_FALSE(pool.try_submit(Task::of("wait", 0), count));
    CHECK(pool.unsettled() == 4);
    gate.open();
    // Takes all there is, and then one more.
    std::string said;
    bool full = false;
    pool.submit(Task::of("wait", 0), [&](const Outcome&) {
      while (pool.try_submit(Task::of("wait", 0), count)) ++taken;
      try {
        for (;;) {
          pool.submit(Task::of("wait", 0), count);
          ++taken;
        }
      } catch (const Error& error) {
        full = true;
        said = error.what();
      }
      try {
        (void)pool.call(Task::of("wait", 0), 1ms);
      } catch (const Error& error) {
        said += error.what();
      }
    });
    CHECK(pool.wait(kHangs));
    CHECK(full);
    CHECK(said.find("use try_submit()") != std::string::npos);
    CHECK(said.find("submit it with a callback") != std::string::npos);
    CHECK(calls == taken);
  }

  TEST_CASE("a known key stands for the first task of that key") {
    Gate gate;
    Pool pool(quick(1));
    pool.on("wait", [&](const TaskView& task) {
      gate.pass();
      return pack(task.as<int>() + 1);
    });
    Task task = Task::of("wait", 41);
    task.key = "answer";
    std::future<Outcome> first = pool.submit(task);
    std::future<Outcome> second = pool.submit(task);
    Task other = Task::of("wait", 1);
    other.key = "answer";
    CHECK_THROWS_WITH_AS((void)pool.submit(other), doctest::Contains("belongs to another task"),
                         Error);
    gate.open();
    const Outcome one = first.get(), two = second.get();
    CHECK(one.as<int>() == 42);
    CHECK(two.as<int>() == 42);
    CHECK(one.id == two.id);
    CHECK(pool.submit(task).get().status == Status::unknown);  // handed out already
    CHECK(pool.wait(kHangs));
  }

  TEST_CASE("what a callback throws comes out of wait") {
    Pool pool(quick(1));
    pool.on("square", square);
    pool.submit("square", 2, [](const Outcome&) { throw std::logic_error("mine"); });
    CHECK_THROWS_WITH_AS((void)pool.wait(kHangs), "mine", std::logic_error);
    CHECK(pool.wait(kHangs));
  }

  TEST_CASE("a pool whose tasks come from clients is started by hand") {
    Pool pool(quick(1));
    pool.on<std::string>("greet", [](const std::string& name) { return "hello " + name; });
    pool.start();
    ClientOptions options;
    options.connect = pool.endpoint();
    Client client(options);
    CHECK(client.call(Task::of("greet", "you"), kHangs).as<std::string>() == "hello you");
  }

  TEST_CASE("a callback that would stop its pool is told not to") {
    Pool pool(quick(1));
    pool.on("square", square);
    pool.submit("square", 2, [&](const Outcome&) { pool.stop(); });
    CHECK_THROWS_WITH_AS((void)pool.wait(kHangs), doctest::Contains("cannot stop its pool"), Error);
  }

  TEST_CASE("a callback that would wait for its pool is told not to") {
    Pool pool(quick(1));
    pool.on("square", square);
    pool.submit("square", 2, [&](const Outcome&) { (void)pool.wait(kHangs); });
    CHECK_THROWS_WITH_AS((void)pool.wait(kHangs), doctest::Contains("on another thread"), Error);
  }

  TEST_CASE("a task can be cancelled as soon as it is submitted") {
    Pool pool(quick(0));
    std::atomic<int> cancelled = 0;
    for (int i = 0; i < 200; ++i) {
      const TaskId id = pool.submit("nobody runs it", i, [&](const Outcome& outcome) {
        if (outcome.status == Status::cancelled) ++cancelled;
      });
      CHECK(pool.cancel(id));
    }
    CHECK(pool.wait(kHangs));
    CHECK(cancelled == 200);
  }

  TEST_CASE("a task may be named by its parts, beside a callback") {
    Pool pool(quick(0));
    const TaskId id = pool.submit({.type = "x"}, [](const Outcome&) {});
    CHECK(pool.cancel(id));
    CHECK(pool.wait(kHangs));
    CHECK_THROWS_WITH_AS((void)pool.submit({.type = "x", .ttl = -1ms}),
                         doctest::Contains("must not be negative"), Error);
    pool.stop();
    CHECK(pool.wait(kHangs));  // nothing is outstanding
  }

  TEST_CASE("a stopped pool tells those who wait, and takes nothing") {
    auto pool = std::make_unique<Pool>(quick(0));
    std::future<Outcome> future = pool->submit("nobody runs it", 1);
    pool->stop();
    const Outcome outcome = future.get();
    CHECK(outcome.status == Status::unknown);
    CHECK(outcome.error.find("has stopped") != std::string::npos);
    CHECK_THROWS_AS((void)pool->submit("x", 1), Error);
    pool.reset();
  }

  TEST_CASE("workers from elsewhere and clients find it by its access file") {
    const TempFolder folder;
    PoolOptions options = quick(0);
    options.access = folder.file("access.json");
    std::optional<Pool> pool(std::in_place, options);
    const Access access = Access::load(options.access);
    CHECK(access.control == pool->endpoint());
    CHECK_THROWS_WITH_AS(pool->on("x", square), doctest::Contains("PoolOptions::workers"), Error);

    WorkerOptions one;
    one.slots = 1;
    Worker worker(one);
    worker.on("square", square);
    worker.start(access.control);
    CHECK(pool->submit("square", 5).get().as<int>() == 25);
    CHECK(pool->workers() == 1);

    pool.reset();
    CHECK_FALSE(std::filesystem::exists(options.access));
    CHECK(worker.wait_ended(kHangs));  // BYE reaches it, whatever was under way
  }

  TEST_CASE("a pool leaves alone what is no access file, and refuses sinks") {
    PoolOptions options = quick(0);
    options.ventilator.sinks = {"tcp://127.0.0.1:5571"};
    CHECK_THROWS_WITH_AS(Pool{options}, doctest::Contains("leave the list of sinks empty"), Error);
    const TempFolder folder;
    options = quick(0);
    options.ventilator.access = folder.file("a.json");
    CHECK_THROWS_WITH_AS(Pool{options}, doctest::Contains("PoolOptions::access"), Error);
    options = quick(0);
    options.access = folder.path();
    CHECK_THROWS_WITH_AS(Pool{options}, doctest::Contains("cannot be replaced"), Error);
  }

  TEST_CASE("two pools in one process do not know of each other") {
    Pool left(quick(1)), right(quick(1));
    left.on("f", [](const TaskView& task) { return pack(task.as<int>() + 1); });
    right.on("f", [](const TaskView& task) { return pack(task.as<int>() * 2); });
    std::future<Outcome> a = left.submit("f", 10), b = right.submit("f", 10);
    CHECK(a.get().as<int>() == 11);
    CHECK(b.get().as<int>() == 20);
  }
}
