// worker_handlers_test.cpp: what handlers may take, return and throw.
// SPDX-License-Identifier: MIT
#include <sluice/typed.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include <sluice/error.hpp>

#include "net/farm.hpp"

using namespace sluice;
using namespace sluice::net::test;
using namespace std::chrono_literals;

namespace {

struct Page {
  int number = 0;
  std::string text;
  MSGPACK_DEFINE(number, text)
};

// There is no event to wait for: a handler looks when it likes.
void await_cancel(const TaskView& task) {
  const auto until = std::chrono::steady_clock::now() + kLong;
  while (!task.cancelled() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
}

// One attempt of a handler that throws what it is given.
template <typename Failure>
Outcome outcome_of(const Failure& failure, std::uint32_t max_attempts, int& runs) {
  Farm farm;
  Worker worker(farm.worker_options());
  worker.on("bad", [&](const TaskView&) {
    ++runs;
    throw failure;
  });
  worker.start();
  Outcome outcome = farm.outcome(farm.submit("bad", "x", max_attempts));
  worker.stop();
  return outcome;
}

}  // namespace

TEST_SUITE("worker handlers") {
  TEST_CASE("a typed handler takes and returns values") {
    Farm farm;
    Worker worker(farm.worker_options());
    worker.on<int>("square", [](int x) { return x * x; });
    worker.on<Page>("turn", [](const Page& page, const TaskView& task) {
      return Page{page.number + 1, page.text + std::string(task.key)};
    });
    worker.on<Page>("forget", [](const Page&) {});
    worker.on<std::string>("raw", [](const std::string& text) { return bytes(text + "!"); });
    worker.on("count", [](const TaskView& task) { return task.payload.size(); });
    worker.on("quiet", [](const TaskView&) {});
    worker.start();
    CHECK(farm.outcome(farm.submit(Task::of("square", 12))).as<int>() == 144);
    Task turn = Task::of("turn", Page{7, "a"});
    turn.key = "b";
    const Page page = farm.outcome(farm.submit(turn)).as<Page>();
    CHECK(page.number == 8);
    CHECK(page.text == "ab");
    CHECK(farm.outcome(farm.submit(Task::of("forget", Page{}))).result.empty());
    CHECK(text_of(farm.outcome(farm.submit(Task::of("raw", std::string("x")))).result) == "x!");
    CHECK(farm.outcome(farm.submit("count", "12345")).as<std::size_t>() == 5);
    const Outcome quiet = farm.outcome(farm.submit("quiet", ""));
    CHECK(quiet.status == Status::done);
    CHECK(quiet.result.empty());
  }

  TEST_CASE("arguments of another type fail the task at once") {
    Farm farm;
    Worker worker(farm.worker_options());
    std::atomic<int> runs{0};
    worker.on<int>("square", [&](int x) {
      ++runs;
      return x * x;
    });
    worker.on<int>("later", [&](int, TaskView task) {
      ++runs;
      task.done();
    });
    worker.start();
    for (const char* const type : {"square", "later"}) {
      const Outcome outcome = farm.outcome(farm.submit(Task::of(type, std::string("twelve"))));
      CHECK(outcome.status == Status::failed);
      CHECK(outcome.error.find("another type") != std::string::npos);
      CHECK(outcome.attempt == 1);
    }
    CHECK(runs == 0);
  }

  TEST_CASE("Fail ends the task at once, with its text") {
    int runs = 0;
    const Outcome outcome = outcome_of(Fail("no such customer"), 3, runs);
    CHECK(outcome.status == Status::failed);
    CHECK(outcome.error == "no such customer");
    CHECK(outcome.worker == "ann");
    CHECK(runs == 1);
  }

  TEST_CASE("Retry counts as a failed attempt") {
    int runs = 0;
    const Outcome outcome = outcome_of(Retry(1ms, "come back"), 3, runs);
    CHECK(outcome.status == Status::failed);
    CHECK(outcome.error == "come back");
    CHECK(outcome.attempt == 3);
    CHECK(runs == 3);
  }

  // The ventilator's own backoff would be a matter of milliseconds here.
  TEST_CASE("Retry says when the next attempt is wanted") {
    Farm farm;
    Worker worker(farm.worker_options());
    std::promise<void> again;
    worker.on("shy", [&](const TaskView& task) {
      if (task.attempt == 1) throw Retry(24h, "tomorrow");
      again.set_value();
    });
    worker.start();
    const TaskId id = farm.submit("shy", "");
    CHECK(again.get_future().wait_for(50ms) == std::future_status::timeout);
    CHECK(farm.ventilator().cancel(id));
    CHECK(farm.outcome(id).status == Status::cancelled);
  }

  TEST_CASE("a handler sees that its task was cancelled, and may give up") {
    Farm farm;
    Worker worker(farm.worker_options());
    std::promise<void> started;
    worker.on("long", [&](const TaskView& task) {
      started.set_value();
      await_cancel(task);
      throw std::runtime_error("gave up");
    });
    worker.start();
    const TaskId id = farm.submit("long", "", 1);
    REQUIRE(started.get_future().wait_for(kLong) == std::future_status::ready);
    CHECK(farm.ventilator().cancel(id));
    CHECK(farm.outcome(id).status == Status::cancelled);
  }

  TEST_CASE("the result of a cancelled task counts") {
    Farm farm;
    Worker worker(farm.worker_options());
    std::promise<void> started;
    worker.on("long", [&](const TaskView& task) {
      started.set_value();
      await_cancel(task);
      return bytes("done all the same");
    });
    worker.start();
    const TaskId id = farm.submit("long", "");
    REQUIRE(started.get_future().wait_for(kLong) == std::future_status::ready);
    CHECK(farm.ventilator().cancel(id));
    const Outcome outcome = farm.outcome(id);
    CHECK(outcome.status == Status::done);
    CHECK(text_of(outcome.result) == "done all the same");
  }

  TEST_CASE("a stopped worker's handler sees it, and its task runs elsewhere") {
    Farm farm;
    Worker first(farm.worker_options());
    std::promise<void> started;
    first.on("long", [&](const TaskView& task) {
      started.set_value();
      await_cancel(task);
      throw std::runtime_error("gave up");
    });
    first.start();
    const TaskId id = farm.submit("long", "", 1);
    REQUIRE(started.get_future().wait_for(kLong) == std::future_status::ready);
    first.stop();
    CHECK(first.stats().ended_clean);
    Worker second(farm.worker_options());
    second.on("long", [](const TaskView&) { return bytes("second"); });
    second.start();
    CHECK(text_of(farm.outcome(id).result) == "second");
  }

  TEST_CASE("a deadline follows from the task's timeout") {
    Farm farm;
    Worker worker(farm.worker_options());
    worker.on("when", [](const TaskView& task) {
      if (!task.deadline()) return std::string("never");
      const auto left = *task.deadline() - std::chrono::steady_clock::now();
      return std::string(left > 59min && left <= 60min ? "in an hour" : "at some time");
    });
    worker.start();
    CHECK(farm.outcome(farm.submit("when", "")).as<std::string>() == "never");
    Task task;
    task.type = "when";
    task.timeout = 60min;
    CHECK(farm.outcome(farm.submit(task)).as<std::string>() == "in an hour");
  }

  TEST_CASE("status shows what a running handler says") {
    Farm farm;
    Worker worker(farm.worker_options());
    std::promise<void> go_on;
    std::shared_future<void> may_end(go_on.get_future());
    worker.on("long", [&](const TaskView& task) {
      task.progress("page 1");
      task.progress("page 2 of 7");
      may_end.wait_for(kLong);
    });
    worker.start();
    const TaskId id = farm.submit("long", "");
    const auto shown = [&] { return farm.ventilator().status_json().find("page 2 of 7"); };
    const auto until = std::chrono::steady_clock::now() + kLong;
    while (shown() == std::string::npos && std::chrono::steady_clock::now() < until)
      (void)worker.wait_ended(5ms);
    const std::string status = farm.ventilator().status_json();
    CHECK(status.find("\"task\":\"" + id.str() + "\"") != std::string::npos);
    go_on.set_value();
    CHECK(farm.outcome(id).status == Status::done);
    CHECK(farm.ventilator().wait_settled(kLong));
    CHECK(shown() == std::string::npos);
  }

  TEST_CASE("start and stop may meet") {
    for (int i = 0; i < 20; ++i) {
      Farm farm;
      Worker worker(farm.worker_options());
      worker.on("quiet", [](const TaskView&) {});
      std::promise<void> go;
      std::shared_future<void> at_once(go.get_future());
      std::thread starter([&] {
        at_once.wait();
        try {
          worker.start();
        } catch (const Error&) {  // stop() was first
        }
      });
      go.set_value();
      worker.stop();
      starter.join();
      CHECK(worker.wait_ended(0ms));
      CHECK_THROWS_AS(worker.start(), Error);
    }
  }

  TEST_CASE("a view for tests is never cancelled, and cannot be finished") {
    TaskView view;
    view.payload = core::as_bytes("x");
    CHECK_FALSE(view.cancelled());
    CHECK_FALSE(view.deadline().has_value());
    view.progress("nobody listens");
    CHECK_THROWS_AS(view.done(), Error);
  }
}
