// client_sinks_test.cpp: outcomes come back: a client, a ventilator, a worker and sinks.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <sluice/client.hpp>
#include <sluice/error.hpp>
#include <sluice/sink.hpp>
#include <sluice/typed.hpp>
#include <sluice/ventilator.hpp>
#include <sluice/worker.hpp>

#include "support/temp_folder.hpp"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

constexpr auto kLong = 60s;  // nothing here takes that long unless it is broken

Task shout(const std::string& text) { return Task::of("shout", text); }

// Everything in one process. The worker is started by the test, so that tasks can wait.
class Farm {
 public:
  explicit Farm(const std::string& file = {}, std::size_t sinks = 1) {
    VentilatorOptions options;
    for (std::size_t i = 0; i < sinks; ++i) {
      SinkOptions sink;
      sink.file = file;
      sink.sync = false;
      sink.heartbeat = 250ms;
      sinks_.push_back(file.empty() ? std::make_unique<Sink>(sink, [](const OutcomeView&) {})
                                    : std::make_unique<Sink>(sink));
      options.sinks.push_back(sinks_.back()->endpoint());
    }
    options.heartbeat = 250ms;
    options.backoff = 1ms;
    ventilator_ = std::make_unique<Ventilator>(options);
  }
  void start_worker() {
    WorkerOptions options;
    options.connect = ventilator_->endpoint();
    options.name = "ann";
    options.slots = 2;
    worker_ = std::make_unique<Worker>(options);
    worker_->on("shout", [](const TaskView& task) { return pack(task.as<std::string>() + "!"); });
    worker_->on("fail", [](const TaskView&) -> std::vector<std::byte> {
      throw std::runtime_error("it broke");
    });
    worker_->on("add", [](const TaskView& task) {
      const auto [a, b] = task.as<std::tuple<int, int>>();
      return pack(a + b);
    });
    worker_->on("large", [](const TaskView& task) {
      return std::vector<std::byte>(task.as<std::size_t>());
    });
    worker_->start();
  }
  [[nodiscard]] ClientOptions client_options() const {
    ClientOptions options;
    options.connect = ventilator_->endpoint();
    options.name = "test";
    return options;
  }
  void restart_sink(const std::string& file) {
    SinkOptions options;
    options.bind = sinks_[0]->endpoint();
    options.file = file;
    options.sync = false;
    options.heartbeat = 250ms;
    sinks_[0].reset();
    sinks_[0] = std::make_unique<Sink>(options);
  }
  Ventilator& ventilator() { return *ventilator_; }
  Sink& sink() { return *sinks_[0]; }
  void stop_sink() { sinks_[0].reset(); }
  void stop_worker() { worker_.reset(); }

 private:
  std::vector<std::unique_ptr<Sink>> sinks_;
  std::unique_ptr<Ventilator> ventilator_;
  std::unique_ptr<Worker> worker_;
};

Outcome get(std::future<Outcome>& future) {
  REQUIRE(future.wait_for(kLong) == std::future_status::ready);
  return future.get();
}

// What came to callbacks, which run on the client's thread.
class Heard {
 public:
  Client::OnOutcome callback() {
    return [this](const Outcome& outcome) {
      const std::scoped_lock lock(mutex_);
      outcomes_.push_back(outcome);
      changed_.notify_all();
    };
  }
  [[nodiscard]] bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLong, [&] { return outcomes_.size() >= count; });
  }
  std::vector<Outcome> take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(outcomes_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Outcome> outcomes_;
};

}  // namespace

TEST_SUITE_BEGIN("client_sinks");

TEST_CASE("a future gets the outcome, filled in whole") {
  Farm farm;
  farm.start_worker();
  Client client(farm.client_options());
  Task task = shout("hey");
  task.key = "k";
  auto future = client.submit(task);
  const Outcome outcome = get(future);
  CHECK(outcome.status == Status::done);
  CHECK(outcome.id.log == farm.ventilator().log());
  CHECK(outcome.id.seq > 0);
  CHECK(outcome.attempt == 1);
  CHECK(outcome.key == "k");
  CHECK(outcome.type == "shout");
  CHECK(outcome.worker == "ann");
  CHECK(outcome.as<std::string>() == "hey!");
  CHECK(outcome.started.time_since_epoch() > 0s);

  auto typed = client.submit("add", std::tuple(2, 3));
  CHECK(get(typed).as<int>() == 5);
  CHECK(client.awaited() == 0);
}

TEST_CASE("callbacks are called once each, and may submit more") {
  Farm farm({}, 3);
  farm.start_worker();
  Heard heard;  // outlives the client, as what follows
  std::atomic<int> more{100};
  Client::OnOutcome on_outcome;
  Client client(farm.client_options());
  on_outcome = [&](const Outcome& outcome) {
    if (more-- > 0) CHECK(client.try_submit(shout("again"), on_outcome));
    heard.callback()(outcome);
  };
  for (int i = 0; i < 100; ++i) client.submit(shout("x"), on_outcome);
  REQUIRE(heard.wait_for(200));
  std::vector<std::uint64_t> seqs;
  for (const Outcome& outcome : heard.take()) {
    CHECK(outcome.status == Status::done);
    seqs.push_back(outcome.id.seq);
  }
  std::sort(seqs.begin(), seqs.end());
  CHECK(std::unique(seqs.begin(), seqs.end()) == seqs.end());
  CHECK(seqs.size() == 200);
}

TEST_CASE("the ticket of a submit leads to its number, and so to its cancellation") {
  Farm farm;  // without a worker: the task waits
  Heard heard;
  std::mutex mutex;
  std::map<std::uint64_t, TaskId> numbers;
  Client client(farm.client_options(), [&](const Confirmation& confirmation) {
    const std::scoped_lock lock(mutex);
    numbers[confirmation.ticket] = confirmation.id;
  });
  client.post(shout("first"));
  const std::uint64_t ticket = client.submit(shout("second"), heard.callback());
  CHECK(ticket == 2);
  REQUIRE(client.wait_confirmed(kLong));
  std::unique_lock lock(mutex);
  REQUIRE(numbers.count(ticket) == 1);
  const TaskId id = numbers[ticket];
  lock.unlock();
  CHECK(client.cancel({id.seq}, kLong) == std::vector<bool>{true});
  REQUIRE(heard.wait_for(1));
  const Outcome outcome = heard.take().front();
  CHECK(outcome.id == id);
  CHECK(outcome.status == Status::cancelled);
}

TEST_CASE("a call is a request and its reply") {
  Farm farm;
  farm.start_worker();
  Client client(farm.client_options());
  CHECK(client.call<int>("add", std::tuple(20, 22), kLong) == 42);
  CHECK(client.call(shout("a"), kLong).as<std::string>() == "a!");
  Task broken;
  broken.type = "fail";
  broken.max_attempts = 1;
  const Outcome outcome = client.call(broken, kLong);
  CHECK(outcome.status == Status::failed);
  CHECK(outcome.error == "it broke");
  CHECK_THROWS_WITH_AS(static_cast<void>(client.call<int>("shout", 7, kLong)),
                       doctest::Contains("another type"), Error);
}

TEST_CASE("a call that takes too long is unknown, and nobody waits for it any more") {
  Farm farm;
  Client client(farm.client_options());
  const Outcome outcome = client.call(shout("a"), 50ms);
  CHECK(outcome.status == Status::unknown);
  CHECK(outcome.error == "no outcome came within 50 ms");
  farm.start_worker();
  CHECK(client.call(shout("b"), kLong).status == Status::done);
  CHECK(client.awaited() == 0);
}

TEST_CASE("a refused task has an outcome that says why") {
  Farm farm;
  Client client(farm.client_options());
  Task task = shout("a");
  task.key = "k";
  auto first = client.submit(task);
  task.payload = pack(std::string("other"));
  const Outcome conflict = client.call(task, kLong);
  CHECK(conflict.status == Status::refused);
  CHECK(conflict.id.seq == 0);
  CHECK(conflict.error.find("another type or payload") != std::string::npos);
  farm.start_worker();
  CHECK(get(first).status == Status::done);
  farm.ventilator().drain();
  CHECK(client.call(shout("late"), kLong).status == Status::refused);
}

TEST_CASE("who submits a known task gets its one outcome, early or late") {
  Farm farm;
  Client client(farm.client_options());
  Task task = shout("once");
  task.key = "k";
  auto first = client.submit(task), second = client.submit(task);
  farm.start_worker();
  const Outcome outcome = get(first);
  CHECK(get(second).id == outcome.id);
  CHECK(outcome.as<std::string>() == "once!");
}

TEST_CASE("what is awaited when the client is closed is unknown") {
  Farm farm;
  std::future<Outcome> future;
  Heard heard;
  {
    Client client(farm.client_options());
    future = client.submit(shout("a"));
    client.submit(shout("b"), heard.callback());
  }
  CHECK(get(future).status == Status::unknown);
  REQUIRE(heard.wait_for(1));
  CHECK(heard.take()[0].error.find("closed") != std::string::npos);
}

TEST_CASE("beyond max_awaited submit waits, try_submit says no, a callback may not wait") {
  Farm farm;
  ClientOptions options = farm.client_options();
  options.max_awaited = 2;
  Heard heard;
  std::promise<bool> threw;
  Client client(options);
  client.submit(shout("1"), [&](const Outcome&) {
    static_cast<void>(client.try_submit(shout("4"), heard.callback()));
    try {
      for (int i = 0; i < 3; ++i) client.submit(shout("5"), heard.callback());
      threw.set_value(false);
    } catch (const Error&) {
      threw.set_value(true);
    }
  });
  client.submit(shout("2"), heard.callback());
  CHECK_FALSE(client.try_submit(shout("3"), heard.callback()));
  CHECK(client.awaited() == 2);
  CHECK(client.call(shout("3"), 20ms).error.find("no room") != std::string::npos);
  client.post(shout("nobody waits for this one"));
  auto third = std::async(std::launch::async, [&] { client.submit(shout("3"), heard.callback()); });
  farm.start_worker();
  CHECK(third.wait_for(kLong) == std::future_status::ready);
  CHECK(threw.get_future().get());
}

// "sink restarts": what it has stored is in its file.
TEST_CASE("outcomes come from the file of a sink that has restarted") {
  const TempFolder folder;
  const std::string file = folder.file("out.jsonl");
  Farm farm(file);
  farm.start_worker();
  Client first(farm.client_options());
  Task task = shout("stored");
  task.key = "k";
  first.post(task);
  REQUIRE(first.wait_confirmed(kLong));
  REQUIRE(farm.ventilator().wait_settled(kLong));
  farm.restart_sink(file);
  Client second(farm.client_options());
  const Outcome outcome = second.call(task, kLong);
  CHECK(outcome.status == Status::done);
  CHECK(outcome.as<std::string>() == "stored!");
  CHECK(outcome.worker == "ann");
}

TEST_CASE("waiting outlives a sink that restarts") {
  const TempFolder folder;
  const std::string file = folder.file("out.jsonl");
  Farm farm(file);
  Client client(farm.client_options());
  auto before = client.submit(shout("a"));
  REQUIRE(client.wait_confirmed(kLong));
  farm.restart_sink(file);
  auto after = client.submit(shout("b"));
  farm.start_worker();
  CHECK(get(before).as<std::string>() == "a!");
  CHECK(get(after).as<std::string>() == "b!");
}

TEST_CASE("a sink without a file still knows how a task ended that it no longer holds") {
  Farm farm;
  farm.start_worker();
  Client client(farm.client_options());
  Task task;
  task.type = "fail";
  task.max_attempts = 1;
  task.key = "k";
  client.post(task);  // nobody waits: not kept
  REQUIRE(client.wait_confirmed(kLong));
  REQUIRE(farm.ventilator().wait_settled(kLong));
  const Outcome outcome = client.call(task, kLong);
  CHECK((outcome.status == Status::failed || outcome.status == Status::unknown));
  CHECK(outcome.error.find("no longer has the outcome") != std::string::npos);
}

// The worker tells the sink that somebody waits, so it is kept although nobody watches.
TEST_CASE("a sink without a file keeps what is wanted for the client's next life") {
  Farm farm;
  Task task = shout("kept");
  task.key = "k";
  {
    Client first(farm.client_options());
    static_cast<void>(first.submit(task));
    REQUIRE(first.wait_confirmed(kLong));
  }
  farm.start_worker();
  REQUIRE(farm.ventilator().wait_settled(kLong));
  Client second(farm.client_options());
  CHECK(second.call(task, kLong).as<std::string>() == "kept!");
}

TEST_CASE("when the ventilator ends for good, those who wait are told and calls throw") {
  Farm farm;
  Client client(farm.client_options());
  std::future<Outcome> future = client.submit(shout("nobody runs it"));
  REQUIRE(client.wait_confirmed(kLong));
  farm.ventilator().stop();
  const Outcome outcome = get(future);
  CHECK(outcome.status == Status::unknown);
  CHECK(outcome.error.find("has ended") != std::string::npos);
  CHECK_THROWS_WITH_AS(client.post(shout("too late")), doctest::Contains("has ended"), Error);
}

TEST_CASE("a question in a callback is a mistake that is told") {
  Farm farm;
  farm.start_worker();
  std::promise<std::string> said;
  Client client(farm.client_options());
  client.submit(shout("a"), [&](const Outcome&) {
    try {
      static_cast<void>(client.query("status", {}, kLong));
      said.set_value("");
    } catch (const Error& error) {
      said.set_value(error.what());
    }
  });
  CHECK(said.get_future().get().find("ask from another thread") != std::string::npos);
}

TEST_CASE("a call in a callback is a mistake that is told") {
  Farm farm;
  farm.start_worker();
  std::promise<bool> threw;
  Client client(farm.client_options());
  client.submit(shout("a"), [&](const Outcome&) {
    try {
      static_cast<void>(client.call(shout("b"), kLong));
      threw.set_value(false);
    } catch (const Error&) {
      threw.set_value(true);
    }
  });
  CHECK(threw.get_future().get());
}

TEST_CASE("a reader that is slow gets everything, in its own time") {
  Farm farm;
  farm.start_worker();
  Client client(farm.client_options());
  constexpr std::size_t kOutcomes = 60, kSize = 1 << 20;  // more than a sink sends ahead
  Heard heard;
  for (std::size_t i = 0; i < kOutcomes; ++i)
    client.submit(Task::of("large", kSize), [&, slow = i < 3](const Outcome& outcome) {
      if (slow) REQUIRE(farm.ventilator().wait_settled(kLong));  // holds the client's thread up
      Outcome light;
      light.status = outcome.status;
      light.run = std::chrono::microseconds(outcome.result.size());
      heard.callback()(light);
    });
  REQUIRE(heard.wait_for(kOutcomes));
  for (const Outcome& outcome : heard.take()) {
    CHECK(outcome.status == Status::done);
    CHECK(outcome.run.count() == kSize);
  }
}

TEST_SUITE_END();
