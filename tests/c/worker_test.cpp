// worker_test.cpp: workers in C take tasks of a real ventilator, and answer.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "c/rig.hpp"

using namespace sluice;
using namespace std::chrono_literals;

TEST_SUITE_BEGIN("c worker");

TEST_CASE("a handler in C sees all that belongs to its task") {
  System system;
  const WorkerPtr worker = system.worker(1);
  std::string word = "user";
  REQUIRE(sluice_worker_on(worker.get(), "describe", describe_task, word.data()) == SLUICE_OK);
  REQUIRE(sluice_worker_start(worker.get()) == SLUICE_OK);
  Task task = System::task("describe", "some bytes");
  task.key = "k1";
  task.timeout = 90s;
  task.max_attempts = 1;
  const TaskId id = system.ventilator.submit(task);
  const Outcome outcome = system.outcome();
  CHECK(outcome.status == Status::done);
  CHECK(text_of(outcome.result) == id.str() + "|describe|k1|1|1|0|90000|some bytes|user");
}

TEST_CASE("what a handler in C answers is the task's result, also if it is empty") {
  System system;
  const WorkerPtr worker = system.worker(2);
  REQUIRE(sluice_worker_on(worker.get(), "echo", echo_task, nullptr) == SLUICE_OK);
  REQUIRE(sluice_worker_start(worker.get()) == SLUICE_OK);
  const std::string bytes("a\0b", 3);
  system.ventilator.submit(System::task("echo", bytes));
  CHECK(text_of(system.outcome().result) == bytes);
  system.ventilator.submit(System::task("echo", ""));
  const Outcome empty = system.outcome();
  CHECK(empty.status == Status::done);
  CHECK(empty.result.empty());
}

TEST_CASE("a handler in C that fails, or does not answer, has failed the attempt") {
  System system;
  const WorkerPtr worker = system.worker(1);
  REQUIRE(sluice_worker_on(worker.get(), "fail", fail_task, nullptr) == SLUICE_OK);
  REQUIRE(sluice_worker_on(worker.get(), "ignore", ignore_task, nullptr) == SLUICE_OK);
  REQUIRE(sluice_worker_start(worker.get()) == SLUICE_OK);
  system.ventilator.submit(System::task("fail", ""));
  const Outcome failed = system.outcome();
  CHECK(failed.status == Status::failed);
  CHECK(failed.error == "not today");
  system.ventilator.submit(System::task("ignore", ""));
  CHECK(system.outcome().error == "the handler did not answer");
}

TEST_CASE("a handler in C may ask for another attempt, or for none") {
  System system;
  const WorkerPtr worker = system.worker(1);
  REQUIRE(sluice_worker_on(worker.get(), "retry", retry_task, nullptr) == SLUICE_OK);
  REQUIRE(sluice_worker_on(worker.get(), "never", fail_task_at_once, nullptr) == SLUICE_OK);
  REQUIRE(sluice_worker_start(worker.get()) == SLUICE_OK);
  Task task = System::task("retry", "");
  task.max_attempts = 2;
  system.ventilator.submit(task);
  const Outcome retried = system.outcome();
  CHECK(retried.status == Status::done);
  CHECK(retried.attempt == 2);
  task.type = "never";
  task.max_attempts = 9;
  system.ventilator.submit(task);
  const Outcome failed = system.outcome();
  CHECK(failed.error == "not ever");
  CHECK(failed.attempt == 1);
}

TEST_CASE("a handler in C sees that its task is cancelled") {
  System system;
  const WorkerPtr worker = system.worker(1);
  std::promise<bool> reached;
  waiting told{
      [](void* whom, int well) { static_cast<std::promise<bool>*>(whom)->set_value(well != 0); },
      &reached};
  REQUIRE(sluice_worker_on(worker.get(), "wait", wait_for_cancel, &told) == SLUICE_OK);
  REQUIRE(sluice_worker_start(worker.get()) == SLUICE_OK);
  const TaskId id = system.ventilator.submit(System::task("wait", ""));
  std::future<bool> well = reached.get_future();
  REQUIRE(well.wait_for(30s) == std::future_status::ready);
  CHECK(well.get());
  CHECK(system.ventilator.cancel(id));
  CHECK(system.outcome().status == Status::cancelled);
}

TEST_CASE("the first answer counts, and a second one is an error") {
  System system;
  const WorkerPtr worker = system.worker(1);
  int second = 0;
  REQUIRE(sluice_worker_on(worker.get(), "twice", answer_twice, &second) == SLUICE_OK);
  REQUIRE(sluice_worker_start(worker.get()) == SLUICE_OK);
  system.ventilator.submit(System::task("twice", ""));
  CHECK(system.outcome().status == Status::done);
  CHECK(second == SLUICE_ERROR);
}

TEST_CASE("waiting for a worker ends in time, and once it has drained") {
  System system;
  const WorkerPtr worker = system.worker(1);
  REQUIRE(sluice_worker_on(worker.get(), "echo", echo_task, nullptr) == SLUICE_OK);
  REQUIRE(sluice_worker_start(worker.get()) == SLUICE_OK);
  CHECK(sluice_worker_wait(worker.get(), 0) == SLUICE_TIMEOUT);
  CHECK(sluice_worker_wait(worker.get(), 1) == SLUICE_TIMEOUT);
  CHECK(sluice_worker_drain(worker.get(), 10'000) == SLUICE_OK);
  CHECK(sluice_worker_wait(worker.get(), 30'000) == SLUICE_OK);
}

TEST_CASE("what a worker cannot do is told by codes and texts, never by exceptions") {
  CHECK(sluice_worker_new("/no/such.access", 1, nullptr) == nullptr);
  CHECK(last_error_has("/no/such.access"));
  sluice_worker_options options{};
  CHECK(sluice_worker_new("tcp://127.0.0.1:9", 1, &options) == nullptr);
  CHECK(last_error_has("sizeof"));
  options.size = sizeof options;
  options.connect_timeout_ms = 50;
  CHECK(sluice_worker_new("tcp://127.0.0.1:9", 1'000'000, &options) == nullptr);
  CHECK(last_error_has("100000 slots"));

  const WorkerPtr worker(sluice_worker_new("tcp://127.0.0.1:9", 1, &options));
  REQUIRE(worker != nullptr);
  CHECK(sluice_worker_on(worker.get(), "a", nullptr, nullptr) == SLUICE_ERROR);
  CHECK(last_error_has("the handler is NULL"));
  CHECK(sluice_worker_on(worker.get(), nullptr, echo_task, nullptr) == SLUICE_ERROR);
  CHECK(sluice_worker_start(worker.get()) == SLUICE_ERROR);
  CHECK(last_error_has("needs a handler"));
  CHECK(sluice_worker_drain(worker.get(), -1) == SLUICE_ERROR);
  CHECK(sluice_worker_start(nullptr) == SLUICE_ERROR);
  CHECK(last_error_has("the worker is NULL"));
  sluice_worker_free(nullptr);
}

TEST_CASE("options of an older version, which are shorter, keep the defaults behind them") {
  sluice_worker_options options{};
  options.size = offsetof(sluice_worker_options, prefetch);
  options.prefetch = 1'000'000'000;  // beyond what this caller knows: not read
  const WorkerPtr worker(sluice_worker_new("tcp://127.0.0.1:9", 1, &options));
  CHECK(worker != nullptr);
}

#ifdef SLUICE_EXAMPLE_WORKER
TEST_CASE("the example in C squares numbers until its ventilator ends") {
  System system;
  const std::string command =
      std::string(SLUICE_EXAMPLE_WORKER) + " " + system.ventilator.endpoint() + " 2>&1";
  struct Close {
    void operator()(FILE* file) const { ::pclose(file); }
  };
  std::unique_ptr<FILE, Close> process(::popen(command.c_str(), "r"));
  REQUIRE(process != nullptr);
  const double x = 1.5;
  system.ventilator.submit(
      System::task("square", std::string(reinterpret_cast<const char*>(&x), sizeof x)));
  const Outcome outcome = system.outcome();
  CHECK(outcome.status == Status::done);
  double squared = 0;
  REQUIRE(outcome.result.size() == sizeof squared);
  std::memcpy(&squared, outcome.result.data(), sizeof squared);
  CHECK(squared == 2.25);
  system.ventilator.submit(System::task("square", "x"));
  CHECK(system.outcome().error == "the payload is not a double");
  system.ventilator.stop();
  CHECK(std::fgetc(process.get()) == EOF);
  CHECK(::pclose(process.release()) == 0);
}
#endif

TEST_SUITE_END();
