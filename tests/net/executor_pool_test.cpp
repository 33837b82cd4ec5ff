// executor_pool_test.cpp: every job put in is reported once, run or not.
// SPDX-License-Identifier: MIT
#include "net/executor_pool.hpp"

#include <doctest/doctest.h>

#include <poll.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/clock.hpp"

using namespace sluice;
using net::ExecutorPool;
using net::Job;
using net::JobEnd;

namespace {

struct Report {
  JobEnd end{};
  std::string error, result;
};

const core::Log kLog{1, 2, 3};

Job job(std::uint64_t number, std::uint32_t type = 0) {
  Job out;
  out.handle = static_cast<core::TaskHandle>(number);
  out.seq = static_cast<core::Seq>(number);
  out.log = kLog;
  out.type = type;
  return out;
}

std::vector<std::byte> bytes(const std::string& text) {
  const core::Bytes view = core::as_bytes(text);
  return {view.begin(), view.end()};
}

// Collects until `count` reports are there, woken by the pool as its owner's loop would be.
std::map<std::uint64_t, Report> collect(ExecutorPool& pool, net::Wake& wake, std::size_t count) {
  std::map<std::uint64_t, Report> out;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (out.size() < count && std::chrono::steady_clock::now() < until) {
    wake.going_to_sleep();
    bool any = false;
    pool.collect([&](const net::JobReport& report) {
      any = true;
      const std::uint64_t number = core::raw(report.handle);
      CHECK(out.count(number) == 0);
      out[number] = {report.end, std::string(report.error),
                     std::string(core::as_text(report.result))};
    });
    pollfd fd{wake.fd(), POLLIN, 0};
    if (!any) ::poll(&fd, 1, 1000);
    wake.awake();
  }
  return out;
}

std::vector<std::byte> nothing(const TaskView&) { return {}; }

core::Time soon() { return net::Clock::now() + std::chrono::hours(1); }

}  // namespace

TEST_SUITE("executor_pool") {
  TEST_CASE("every job is run once and reported with its result") {
    net::Wake wake;
    ExecutorPool pool(
        {"double"},
        {{[](const TaskView& task) { return bytes(std::to_string(task.id.seq * 2)); }, {}}},
        {3, 3, 2048}, wake);
    pool.allow_until(soon());
    for (std::uint64_t i = 1; i <= 2000; ++i) REQUIRE(pool.put(job(i)));
    pool.start_queued();
    const auto reports = collect(pool, wake, 2000);
    REQUIRE(reports.size() == 2000);
    for (const auto& [number, report] : reports) {
      CHECK(report.end == JobEnd::done);
      CHECK(report.result == std::to_string(number * 2));
    }
    CHECK(pool.claimed() == 2000);
  }

  TEST_CASE("a handler that throws has failed, with its words") {
    net::Wake wake;
    ExecutorPool pool({"bad", "odd"},
                      {{[](const TaskView&) -> std::vector<std::byte> {
                          throw std::runtime_error("no such picture");
                        },
                        {}},
                       {[](const TaskView&) -> std::vector<std::byte> { throw 7; }, {}}},
                      {1, 1, 16}, wake);
    pool.allow_until(soon());
    REQUIRE(pool.put(job(1, 0)));
    REQUIRE(pool.put(job(2, 1)));
    pool.start_queued();
    const auto reports = collect(pool, wake, 2);
    REQUIRE(reports.size() == 2);
    CHECK(reports.at(1).end == JobEnd::failed);
    CHECK(reports.at(1).error == "no such picture");
    CHECK(reports.at(2).end == JobEnd::failed);
    CHECK_FALSE(reports.at(2).error.empty());
  }

  // Rule 10: "A worker MUST NOT start a queued task if the ventilator's last message is older
  // than F (boot-time clock, checked just before the start)."
  TEST_CASE("without permission no job is run, and each can be taken back") {
    net::Wake wake;
    std::atomic<int> runs{0};
    const auto count = [&](const TaskView&) {
      ++runs;
      return std::vector<std::byte>{};
    };
    ExecutorPool pool({"t"}, {{count, {}}}, {2, 2, 16}, wake);
    pool.allow_until(net::Clock::now() - std::chrono::milliseconds(1));
    for (std::uint64_t i = 1; i <= 10; ++i) REQUIRE(pool.put(job(i)));
    pool.start_queued();
    std::vector<core::TaskHandle> back;
    pool.retract(10, back);
    CHECK(back.size() == 10);
    CHECK(pool.claimed() == 0);
    CHECK(runs.load() == 0);
  }

  TEST_CASE("jobs that had no permission run once it comes") {
    net::Wake wake;
    ExecutorPool pool({"t"}, {{nothing, {}}}, {2, 2, 16}, wake);
    for (std::uint64_t i = 1; i <= 10; ++i) REQUIRE(pool.put(job(i)));
    pool.start_queued();
    pool.allow_until(soon());
    pool.start_queued();
    CHECK(collect(pool, wake, 10).size() == 10);
  }

  TEST_CASE("a job whose time to live is over is reported and not run") {
    net::Wake wake;
    ExecutorPool pool({"t"}, {{nothing, {}}}, {1, 1, 16}, wake);
    pool.allow_until(soon());
    Job late = job(1);
    late.expires = net::Clock::now() - std::chrono::milliseconds(1);
    REQUIRE(pool.put(late));
    pool.start_queued();
    const auto reports = collect(pool, wake, 1);
    REQUIRE(reports.size() == 1);
    CHECK(reports.at(1).end == JobEnd::expired);
  }

  TEST_CASE("unstarted jobs can be taken back, the oldest first, and are not run") {
    net::Wake wake;
    std::promise<void> entered, leave;
    const auto hold_first = [&](const TaskView& task) {
      if (task.id.seq == 1) {
        entered.set_value();
        leave.get_future().wait();
      }
      return std::vector<std::byte>{};
    };
    ExecutorPool pool({"t"}, {{hold_first, {}}}, {1, 1, 16}, wake);
    pool.allow_until(soon());
    REQUIRE(pool.put(job(1)));
    pool.start_queued();
    REQUIRE(entered.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    for (std::uint64_t i = 2; i <= 5; ++i) REQUIRE(pool.put(job(i)));
    std::vector<core::TaskHandle> back;
    pool.retract(2, back);
    CHECK(back == std::vector{static_cast<core::TaskHandle>(2), static_cast<core::TaskHandle>(3)});
    leave.set_value();
    pool.start_queued();
    const auto reports = collect(pool, wake, 3);
    CHECK(reports.size() == 3);
    CHECK(reports.count(2) == 0);
    CHECK(reports.count(3) == 0);
  }

  // A report must not wait behind the long task that its executor takes next.
  TEST_CASE("a short job's report comes while the next job still runs") {
    net::Wake wake;
    std::promise<void> leave;
    const auto hold_second = [&](const TaskView& task) {
      if (task.id.seq == 2) leave.get_future().wait();
      return std::vector<std::byte>{};
    };
    ExecutorPool pool({"t"}, {{hold_second, {}}}, {1, 1, 16}, wake);
    pool.allow_until(soon());
    REQUIRE(pool.put(job(1)));
    REQUIRE(pool.put(job(2)));
    pool.start_queued();
    CHECK(collect(pool, wake, 1).count(1) == 1);
    leave.set_value();
    CHECK(collect(pool, wake, 1).count(2) == 1);
  }

  // The users' threads finish, drop and cancel as it comes; the pool's slots go round.
  TEST_CASE("of jobs that are finished on other threads each is reported once") {
    constexpr std::uint64_t kJobs = 3000;
    constexpr std::uint32_t kSlots = 7;
    net::Wake wake;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<TaskView> held;
    bool over = false;
    std::atomic<std::uint32_t> unfinished{0}, most{0};
    const auto keep = [&](TaskView task) {
      std::uint32_t now = ++unfinished;
      for (std::uint32_t seen = most; seen < now && !most.compare_exchange_weak(seen, now);)
        continue;
      task.progress("taken");
      const std::scoped_lock lock(mutex);
      held.push_back(std::move(task));
      changed.notify_one();
    };
    const auto finish_all = [&] {
      std::unique_lock lock(mutex);
      for (;;) {
        changed.wait(lock, [&] { return over || !held.empty(); });
        if (held.empty()) return;
        TaskView task = std::move(held.front());
        held.pop_front();
        lock.unlock();
        --unfinished;
        if (task.id.seq % 3 == 0)
          task.done(bytes("ok"));
        else if (task.id.seq % 3 == 1)
          task.fail(task.cancelled() ? "cancelled" : "failed");
        else
          task = TaskView();
        lock.lock();
      }
    };
    ExecutorPool pool({"later", "now"}, {{{}, keep}, {nothing, {}}}, {kSlots, 3, 4096}, wake);
    std::vector<std::thread> finishers;
    for (int i = 0; i < 3; ++i) finishers.emplace_back(finish_all);
    pool.allow_until(soon());
    for (std::uint64_t i = 1; i <= kJobs; ++i) REQUIRE(pool.put(job(i, i % 5 == 0 ? 1 : 0)));
    pool.start_queued();
    for (std::uint64_t i = 1; i <= kJobs; i += 7) pool.cancel(static_cast<core::TaskHandle>(i));
    const auto reports = collect(pool, wake, kJobs);
    {
      const std::scoped_lock lock(mutex);
      over = true;
      changed.notify_all();
    }
    for (std::thread& thread : finishers) thread.join();
    REQUIRE(reports.size() == kJobs);
    CHECK(most <= kSlots);
    for (const auto& [number, report] : reports) {
      const bool done = number % 5 == 0 || number % 3 == 0;
      CHECK((report.end == JobEnd::done) == done);
    }
    std::vector<std::pair<core::TaskHandle, std::string>> texts;
    pool.take_progress(kJobs, texts);
    CHECK(texts.size() == kJobs - kJobs / 5);
  }

  TEST_CASE("a pool ends without the views that were given away") {
    net::Wake wake;
    std::promise<TaskView> given;
    const auto give = [&](TaskView task) { given.set_value(std::move(task)); };
    auto pool = std::make_unique<ExecutorPool>(std::vector<std::string>{"later"},
                                               std::vector<net::TaskHandler>{{{}, give}},
                                               ExecutorPool::Size{1, 1, 16}, wake);
    pool->allow_until(soon());
    REQUIRE(pool->put(job(1)));
    REQUIRE(pool->put(job(2)));  // waits for a slot until the end
    pool->start_queued();
    TaskView task = given.get_future().get();
    pool.reset();
    CHECK(task.cancelled());
    task.done();
  }
}
