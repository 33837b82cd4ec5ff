// worker_async_test.cpp: tasks that are finished later and elsewhere.
// SPDX-License-Identifier: MIT
#include <sluice/typed.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include <sluice/error.hpp>

#include "net/farm.hpp"

using namespace sluice;
using namespace sluice::net::test;
using namespace std::chrono_literals;

namespace {

// The user's own event loop: views wait here until the test takes them.
class Shelf {
 public:
  void put(TaskView task) {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_all();
  }
  TaskView take() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, kLong, [&] { return !tasks_.empty(); }));
    TaskView task = std::move(tasks_.front());
    tasks_.pop_front();
    return task;
  }
  bool wait_for(std::size_t count, std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return tasks_.size() >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<TaskView> tasks_;
};

auto shelve(Shelf& shelf) {
  return [&shelf](TaskView task) { shelf.put(std::move(task)); };
}

}  // namespace

TEST_SUITE("worker async") {
  TEST_CASE("a task may be finished on another thread, after its handler returned") {
    Farm farm;
    Shelf shelf;
    Worker worker(farm.worker_options());
    worker.on("later", shelve(shelf));
    worker.on<int>("typed", [](int x, TaskView task) {
      std::thread([x, view = std::move(task)]() mutable { view.done(x + 1); }).detach();
    });
    worker.start();
    const TaskId id = farm.submit("later", "hello");
    TaskView task = shelf.take();
    CHECK(task.id == id);
    CHECK(task.type == "later");
    CHECK(text_of(task.payload) == "hello");
    CHECK(task.attempt == 1);
    CHECK_FALSE(task.cancelled());
    task.done(bytes("there"));
    const Outcome outcome = farm.outcome(id);
    CHECK(outcome.status == Status::done);
    CHECK(text_of(outcome.result) == "there");
    CHECK(farm.outcome(farm.submit(Task::of("typed", 41))).as<int>() == 42);
    CHECK(farm.ventilator().wait_settled(kLong));
  }

  TEST_CASE("a task is finished once") {
    Farm farm;
    Shelf shelf;
    Worker worker(farm.worker_options());
    worker.on("later", shelve(shelf));
    worker.start();
    const TaskId id = farm.submit("later", "");
    TaskView task = shelf.take();
    task.done(std::string("first"));
    CHECK_THROWS_WITH_AS(task.done(std::string("second")), doctest::Contains("before"), Error);
    CHECK_THROWS_AS(task.fail("third"), Error);
    CHECK_THROWS_AS(task.retry(1ms, "fourth"), Error);
    const TaskView moved = std::move(task);
    CHECK_THROWS_WITH_AS(task.done(), doctest::Contains("moved away"), Error);
    CHECK(farm.outcome(id).as<std::string>() == "first");
  }

  TEST_CASE("a synchronous handler's task cannot be finished by hand") {
    Farm farm;
    Worker worker(farm.worker_options());
    worker.on("now", [](const TaskView& task) {
      const_cast<TaskView&>(task).done();  // NOLINT: what nobody should do
    });
    worker.start();
    const Outcome outcome = farm.outcome(farm.submit("now", "", 1));
    CHECK(outcome.status == Status::failed);
    CHECK(outcome.error.find("by value") != std::string::npos);
  }

  TEST_CASE("fail() and retry() are failed attempts") {
    Farm farm;
    Shelf shelf;
    Worker worker(farm.worker_options());
    worker.on("later", shelve(shelf));
    worker.start();
    const TaskId id = farm.submit("later", "", 3);
    shelf.take().fail("no room");
    TaskView second = shelf.take();
    CHECK(second.attempt == 2);
    second.retry(1ms, "still no room");
    TaskView third = shelf.take();
    CHECK(third.attempt == 3);
    CHECK(third.last_attempt);
    third.fail("never any room");
    const Outcome outcome = farm.outcome(id);
    CHECK(outcome.status == Status::failed);
    CHECK(outcome.error == "never any room");

    const TaskId hopeless = farm.submit("later", "", 3);
    shelf.take().fail(Fail("no such room"));
    CHECK(farm.outcome(hopeless).error == "no such room");
    CHECK(farm.outcome(hopeless).attempt == 1);
  }

  TEST_CASE("a task that is dropped is tried again, and is not lost") {
    Farm farm;
    Worker worker(farm.worker_options());
    std::atomic<int> runs{0};
    worker.on("drop", [&](TaskView task) {
      if (++runs == 1) std::thread([view = std::move(task)] {}).join();
    });
    worker.start();
    const Outcome outcome = farm.outcome(farm.submit("drop", "", 2));
    CHECK(outcome.status == Status::failed);
    CHECK(outcome.error == "the handler dropped the task");
    CHECK(outcome.attempt == 2);
    CHECK(runs == 2);
  }

  TEST_CASE("what an asynchronous handler throws fails the attempt, with its words") {
    Farm farm;
    Shelf shelf;
    Worker worker(farm.worker_options());
    worker.on("throw", [](TaskView) { throw std::runtime_error("no such picture"); });
    worker.on("put and throw", [&](TaskView task) {
      shelf.put(std::move(task));
      throw std::runtime_error("broken");
    });
    worker.start();
    CHECK(farm.outcome(farm.submit("throw", "", 1)).error == "no such picture");
    const TaskId id = farm.submit("put and throw", "", 1);
    CHECK(farm.outcome(id).error == "broken");
    CHECK_THROWS_AS(shelf.take().done(), Error);
  }

  // Rule 1.2 and "the first `slots` may be running" rest on it.
  TEST_CASE("never are more tasks unfinished than there are slots, each with its own") {
    Farm farm;
    Shelf shelf;
    WorkerOptions options = farm.worker_options();
    options.slots = 3;
    options.threads = 1;
    options.prefetch = 4;
    Worker worker(options);
    worker.on("later", shelve(shelf));
    worker.start();
    std::vector<TaskId> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(farm.submit("later", std::to_string(i)));
    REQUIRE(shelf.wait_for(3, kLong));
    CHECK_FALSE(shelf.wait_for(4, 20ms));
    std::deque<TaskView> mine;
    for (int i = 0; i < 3; ++i) mine.push_back(shelf.take());
    std::set<std::uint32_t> slots;
    for (const TaskView& task : mine) slots.insert(task.slot);
    CHECK(slots == std::set<std::uint32_t>{0, 1, 2});
    for (std::size_t i = 3; i < ids.size(); ++i) {
      const std::uint32_t freed = mine.front().slot;
      mine.front().done();
      mine.pop_front();
      TaskView next = shelf.take();
      CHECK(next.slot == freed);
      mine.push_back(std::move(next));
    }
    CHECK_FALSE(shelf.wait_for(1, 20ms));
    for (TaskView& task : mine) task.done();
    for (const TaskId& id : ids) CHECK(farm.outcome(id).status == Status::done);
  }

  TEST_CASE("synchronous and asynchronous handlers share threads and slots") {
    Farm farm;
    Shelf shelf;
    WorkerOptions options = farm.worker_options();
    options.slots = 2;
    Worker worker(options);
    worker.on("later", shelve(shelf));
    worker.on("now", [](const TaskView&) { return bytes("now"); });
    worker.start();
    const TaskId held = farm.submit("later", "");
    TaskView task = shelf.take();
    std::vector<TaskId> ids;
    for (int i = 0; i < 200; ++i) ids.push_back(farm.submit("now", ""));
    for (const TaskId& id : ids) CHECK(text_of(farm.outcome(id).result) == "now");
    task.done();
    CHECK(farm.outcome(held).status == Status::done);
  }

  TEST_CASE("a worker that is stopped does not wait for a view, which may outlive it") {
    Farm farm;
    Shelf shelf;
    auto first = std::make_unique<Worker>(farm.worker_options());
    first->on("later", shelve(shelf));
    first->start();
    const TaskId id = farm.submit("later", "hello", 1);
    TaskView task = shelf.take();
    first->stop();
    CHECK(task.cancelled());
    CHECK_FALSE(first->stats().ended_clean);
    first.reset();
    CHECK(task.cancelled());
    CHECK(text_of(task.payload) == "hello");
    task.progress("nobody listens");
    task.done(bytes("too late"));
    CHECK_THROWS_AS(task.done(), Error);

    Worker second(farm.worker_options());
    second.on("later", [](const TaskView&) { return bytes("second"); });
    second.start();
    CHECK(text_of(farm.outcome(id).result) == "second");
  }

  TEST_CASE("a view sees that its task was cancelled, and ends it as it likes") {
    Farm farm;
    Shelf shelf;
    WorkerOptions options = farm.worker_options();
    options.slots = 3;
    Worker worker(options);
    worker.on("later", shelve(shelf));
    worker.start();
    const auto cancelled = [&] {
      const TaskId id = farm.submit("later", "", 1);
      TaskView task = shelf.take();
      CHECK_FALSE(task.cancelled());
      CHECK(farm.ventilator().cancel(id));
      const auto until = std::chrono::steady_clock::now() + kLong;
      while (!task.cancelled() && std::chrono::steady_clock::now() < until)
        (void)worker.wait_ended(1ms);
      CHECK(task.cancelled());
      return task;
    };
    TaskView failed = cancelled(), dropped = cancelled(), done = cancelled();
    const TaskId ids[] = {failed.id, dropped.id, done.id};
    failed.fail("gave up");
    dropped = TaskView();
    done.done();
    CHECK(farm.outcome(ids[0]).status == Status::cancelled);
    CHECK(farm.outcome(ids[1]).status == Status::cancelled);
    CHECK(farm.outcome(ids[2]).status == Status::done);
  }

  TEST_CASE("progress of a task that is held elsewhere is shown, and goes with it") {
    Farm farm;
    Shelf shelf;
    WorkerOptions options = farm.worker_options();
    options.slots = 2;
    Worker worker(options);
    worker.on("later", shelve(shelf));
    worker.start();
    const TaskId id = farm.submit("later", "");
    TaskView task = shelf.take();
    const auto shows = [&](const std::string& text) {
      const auto until = std::chrono::steady_clock::now() + kLong;
      while (std::chrono::steady_clock::now() < until) {
        if (farm.ventilator().status_json().find(text) != std::string::npos) return true;
        (void)worker.wait_ended(5ms);
      }
      return false;
    };
    task.progress("half");
    CHECK(shows("half"));
    task.progress(std::string(511, 'x') + "\xC3\xA9");  // would end within a character
    CHECK(shows("\"" + std::string(511, 'x') + "\""));
    task.done();
    task.progress("too late");
    CHECK(farm.outcome(id).status == Status::done);
    CHECK(farm.ventilator().wait_settled(kLong));
    CHECK(farm.ventilator().status_json().find("xxx") == std::string::npos);
  }

  TEST_CASE("asynchronous handlers need no thread for each slot") {
    WorkerOptions options;
    options.slots = 100'000;
    CHECK_NOTHROW(Worker{options});
    options.threads = 5'000;
    CHECK_THROWS_WITH_AS(Worker{options}, doctest::Contains("threads at most"), Error);
  }
}
