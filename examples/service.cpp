// service.cpp: handlers that only take tasks on; an event loop finishes them later.
// SPDX-License-Identifier: MIT
// prints: 100 answers of 50 ms each
#include <sluice/sluice.hpp>
#include <sluice/typed.hpp>

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;

// Stands for whatever loop a service has: timers, sockets, a database's driver.
class Loop {
 public:
  Loop() : thread_([this] { run(); }) {}
  ~Loop() {
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  void answer_at(Clock::time_point when, sluice::TaskView task) {
    {
      const std::scoped_lock lock(mutex_);
      waiting_.emplace(when, std::move(task));
    }
    changed_.notify_all();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
      if (waiting_.empty()) {
        changed_.wait(lock);
      } else if (const auto next = waiting_.begin(); Clock::now() < next->first) {
        changed_.wait_until(lock, next->first);
      } else {
        sluice::TaskView task = std::move(waiting_.extract(next).mapped());
        task.done("answered " + task.as<std::string>());  // from here it goes to the sink
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<Clock::time_point, sluice::TaskView> waiting_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace

int main() {
  sluice::Pool pool;
  Loop loop;
  // begin readme
  // 100 requests at a time, on one thread. One that is dropped counts as failed, and runs again.
  sluice::Worker worker({.slots = 100, .threads = 1});
  worker.on("request", [&loop](sluice::TaskView task) {
    loop.answer_at(Clock::now() + std::chrono::milliseconds(50), std::move(task));
  });
  worker.start(pool.endpoint());
  // end readme

  const auto start = Clock::now();
  int answers = 0;
  for (int i = 0; i < 100; ++i)
    pool.submit("request", "request " + std::to_string(i), [&](const sluice::Outcome& outcome) {
      if (!outcome.as<std::string>().empty()) ++answers;
    });
  pool.wait();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  std::cout << answers << " answers of 50 ms each in " << took.count() << " ms\n";
  pool.stop();
}
