// worker_test.cpp: a worker between a real ventilator and a real sink.
// SPDX-License-Identifier: MIT
#include <sluice/worker.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/command.hpp>
#include <sluice/error.hpp>

#include "net/farm.hpp"

using namespace sluice;
using namespace sluice::net::test;
using namespace std::chrono_literals;

namespace {

std::vector<std::byte> shout(const TaskView& task) {
  std::string text = text_of(task.payload);
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return bytes(text);
}

}  // namespace

TEST_SUITE("worker") {
  TEST_CASE("what cannot work is refused with the cure") {
    WorkerOptions options;
    options.slots = 1'000'000;
    CHECK_THROWS_WITH_AS(Worker{options}, doctest::Contains("slots at most"), Error);
    options = {};
    options.name = std::string(129, 'x');
    CHECK_THROWS_WITH_AS(Worker{options}, doctest::Contains("128 bytes"), Error);

    Worker worker{{}};
    CHECK_THROWS_WITH_AS(worker.start("tcp://127.0.0.1:1"), doctest::Contains("handler"), Error);
    CHECK_THROWS_WITH_AS(worker.on("", shout), doctest::Contains("1 to 128 bytes"), Error);
    CHECK_THROWS_WITH_AS(worker.on("a", {}), doctest::Contains("empty"), Error);
    worker.on("a", shout);
    CHECK_THROWS_WITH_AS(worker.on("a", shout), doctest::Contains("already"), Error);
    CHECK_THROWS_WITH_AS(worker.start(), doctest::Contains("endpoint"), Error);
    CHECK_THROWS_AS(worker.start("udp://127.0.0.1:1"), Error);
  }

  TEST_CASE("without a ventilator start() gives up in time, and says where it tried") {
    WorkerOptions options;
    options.connect = "tcp://127.0.0.1:1";
    options.connect_timeout = 200ms;
    Worker worker(options);
    worker.on("a", shout);
    CHECK_THROWS_WITH_AS(worker.start(), doctest::Contains("tcp://127.0.0.1:1"), Error);
  }

  TEST_CASE("results reach the sink, over a lane and inline") {
    for (const bool lane : {true, false}) {
      Farm farm;
      WorkerOptions options = farm.worker_options();
      options.push_lane = lane;
      Worker worker(options);
      worker.on("shout", shout);
      worker.start();
      std::vector<TaskId> ids;
      for (int i = 0; i < 100; ++i)
        ids.push_back(farm.submit("shout", "hello " + std::to_string(i)));
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const Outcome outcome = farm.outcome(ids[i]);
        CHECK(outcome.status == Status::done);
        CHECK(text_of(outcome.result) == "HELLO " + std::to_string(i));
        CHECK(outcome.worker == "ann");
        CHECK(outcome.type == "shout");
        CHECK(outcome.attempt == 1);
      }
      CHECK(farm.ventilator().wait_settled(kLong));
      CHECK(worker.stats().connected);
      CHECK(worker.stats().push_lane == lane);
      CHECK(worker.stats().sessions == 1);
    }
  }

  TEST_CASE("a handler that throws fails the attempt; the last one is final") {
    Farm farm;
    Worker worker(farm.worker_options());
    std::vector<std::uint32_t> attempts;
    bool last = false;
    worker.on("bad", [&](const TaskView& task) -> std::vector<std::byte> {
      attempts.push_back(task.attempt);
      last = task.last_attempt;
      throw std::runtime_error("no such picture");
    });
    worker.start();
    const Outcome outcome = farm.outcome(farm.submit("bad", "x", 2));
    CHECK(outcome.status == Status::failed);
    CHECK(outcome.error == "no such picture");
    worker.stop();
    CHECK(attempts == std::vector<std::uint32_t>{1, 2});
    CHECK(last);
  }

  // Case 24: "outcome too large: never a blind retry".
  TEST_CASE("a result that is too large fails the task at once") {
    Farm farm;
    Worker worker(farm.worker_options());
    int runs = 0;
    worker.on("large", [&](const TaskView&) {
      ++runs;
      return std::vector<std::byte>(5 << 20);
    });
    worker.start();
    const Outcome outcome = farm.outcome(farm.submit("large", "x", 3));
    CHECK(outcome.status == Status::failed);
    CHECK(outcome.error.find("too large") != std::string::npos);
    worker.stop();
    CHECK(runs == 1);
  }

  TEST_CASE("a drained worker finishes what runs; what waited runs elsewhere") {
    Farm farm;
    WorkerOptions options = farm.worker_options();
    options.prefetch = 3;
    std::promise<void> started, go_on;
    auto first = std::make_unique<Worker>(options);
    first->on("slow", [&](const TaskView&) {
      started.set_value();
      go_on.get_future().wait_for(kLong);
      return bytes("first");
    });
    first->start();
    const TaskId running = farm.submit("slow", "1");
    REQUIRE(started.get_future().wait_for(kLong) == std::future_status::ready);
    const TaskId waiting = farm.submit("slow", "2");
    first->drain(kLong);

    options.name = "bob";
    Worker second(options);
    second.on("slow", [](const TaskView&) { return bytes("second"); });
    second.start();
    CHECK(text_of(farm.outcome(waiting).result) == "second");
    CHECK_FALSE(first->wait_ended(0ms));
    go_on.set_value();
    CHECK(text_of(farm.outcome(running).result) == "first");
    CHECK(first->wait_ended(kLong));
    CHECK(first->stats().ended_clean);
    CHECK(first->stats().done == 1);
  }

  TEST_CASE("a worker that takes too long to drain ends all the same, and says so") {
    Farm farm;
    std::promise<void> started, go_on;
    Worker worker(farm.worker_options());
    worker.on("slow", [&](const TaskView&) {
      started.set_value();
      go_on.get_future().wait_for(kLong);
      return bytes("late");
    });
    worker.start();
    farm.submit("slow", "1");
    REQUIRE(started.get_future().wait_for(kLong) == std::future_status::ready);
    worker.drain(10ms);
    CHECK(worker.wait_ended(kLong));
    CHECK_FALSE(worker.stats().ended_clean);
    go_on.set_value();
  }

  TEST_CASE("a worker ends with its ventilator, or waits for another, as it was told") {
    for (const bool ends : {true, false}) {
      auto farm = std::make_unique<Farm>();
      WorkerOptions options = farm->worker_options();
      options.end_with_ventilator = ends;
      Worker worker(options);
      worker.on("shout", shout);
      worker.start();
      CHECK(farm->outcome(farm->submit("shout", "x")).status == Status::done);
      REQUIRE(farm->ventilator().wait_settled(kLong));
      farm->ventilator().stop();
      if (ends) {
        CHECK(worker.wait_ended(kLong));
        CHECK(worker.stats().ended_clean);
      } else {
        CHECK_FALSE(worker.wait_ended(100ms));
        worker.stop();
        CHECK(worker.wait_ended(0ms));
      }
    }
  }

  TEST_CASE("commands run with the task's names in their environment") {
    Farm farm;
    WorkerOptions options = farm.worker_options();
    options.run_commands = true;
    Worker worker(options);
    CHECK_THROWS_WITH_AS(worker.on("a", shout), doctest::Contains("commands"), Error);
    worker.start();
    Command command;
    command.argv = {"sh", "-c",
                    "echo $SLUICE_TASK_ID $SLUICE_TASK_TYPE $SLUICE_ATTEMPT $SLUICE_SLOT "
                    "$SLUICE_KEY; cat; exit 3"};
    command.input = "from stdin";
    const TaskId id = farm.submit(command, 1, "my-key");
    const Outcome outcome = farm.outcome(id);
    CHECK(outcome.status == Status::failed);
    CHECK(outcome.error.find('3') != std::string::npos);
    const auto result = CommandResult::decode(outcome.result);
    REQUIRE(result.has_value());
    CHECK(result->exit_code == 3);
    CHECK(result->out == id.str() + " exec 1 1 my-key\nfrom stdin");
  }

  TEST_CASE("a command that is cancelled is stopped") {
    Farm farm;
    WorkerOptions options = farm.worker_options();
    options.run_commands = true;
    Worker worker(options);
    worker.start();
    Command command;
    command.argv = {"sleep", "1000"};
    const TaskId id = farm.submit(command);
    const auto until = std::chrono::steady_clock::now() + kLong;
    while (worker.stats().running == 0 && std::chrono::steady_clock::now() < until)
      (void)worker.wait_ended(5ms);
    REQUIRE(worker.stats().running == 1);
    CHECK(farm.ventilator().cancel(id));
    CHECK(farm.outcome(id).status == Status::cancelled);
  }

  TEST_CASE("a worker whose supervisor is killed ends with an error, and its task is not lost") {
    Farm farm;
    WorkerOptions options = farm.worker_options();
    options.run_commands = true;
    auto worker = std::make_unique<Worker>(options);
    worker->start();
    Command command;
    command.argv = {"sh", "-c", "kill -9 $PPID; sleep 1000"};
    const TaskId id = farm.submit(command, 1);
    CHECK_THROWS_WITH_AS((void)worker->wait_ended(kLong), doctest::Contains("was killed"), Error);
    CHECK(farm.outcome(id).status == Status::failed);
  }
}
