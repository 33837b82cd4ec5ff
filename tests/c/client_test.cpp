// client_test.cpp: clients in C post to a real ventilator.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <future>
#include <string>

#include "c/rig.hpp"

using namespace sluice;
using namespace std::chrono_literals;

TEST_SUITE_BEGIN("c client");

TEST_CASE("posted tasks are answered by their kind, and counted") {
  System system;
  std::array<int, 4> counts{};
  const std::string where = system.ventilator.endpoint();
  const ClientPtr client(sluice_client_new(where.c_str(), 0, count_answer, counts.data()));
  REQUIRE(client != nullptr);
  sluice_task_options options{};
  options.size = sizeof options;
  options.key = "k";
  std::uint64_t ticket = 0;
  CHECK(sluice_client_post(client.get(), "a", "1", 1, nullptr, nullptr) == SLUICE_OK);
  CHECK(sluice_client_post(client.get(), "a", "1", 1, &options, &ticket) == SLUICE_OK);
  CHECK(ticket == 2);
  CHECK(sluice_client_post(client.get(), "a", "1", 1, &options, nullptr) == SLUICE_OK);
  CHECK(sluice_client_post(client.get(), "a", "2", 1, &options, &ticket) == SLUICE_OK);
  CHECK(ticket == 4);
  REQUIRE(sluice_client_wait_confirmed(client.get(), 30'000) == SLUICE_OK);
  CHECK(sluice_client_unconfirmed(client.get()) == 0);
  CHECK(counts == std::array<int, 4>{2, 1, 1, 0});
  CHECK(system.ventilator.unsettled() == 2);
}

TEST_CASE("a task arrives with its payload and its options") {
  System system;
  const WorkerPtr worker = system.worker(1);
  std::string word = "user";
  REQUIRE(sluice_worker_on(worker.get(), "describe", describe_task, word.data()) == SLUICE_OK);
  REQUIRE(sluice_worker_start(worker.get()) == SLUICE_OK);
  const std::string where = system.ventilator.endpoint();
  const ClientPtr client(sluice_client_new(where.c_str(), 0, nullptr, nullptr));
  REQUIRE(client != nullptr);
  sluice_task_options options{};
  options.size = sizeof options;
  options.key = "mine";
  options.max_attempts = 2;
  options.timeout_ms = 7000;
  REQUIRE(sluice_client_post(client.get(), "describe", "abc", 3, &options, nullptr) == SLUICE_OK);
  const Outcome outcome = system.outcome();
  CHECK(text_of(outcome.result) == outcome.id.str() + "|describe|mine|1|0|0|7000|abc|user");
}

TEST_CASE("a call waits for the outcome, which is the caller's") {
  System system;
  const WorkerPtr worker = system.worker(1);
  REQUIRE(sluice_worker_on(worker.get(), "echo", echo_task, nullptr) == SLUICE_OK);
  REQUIRE(sluice_worker_on(worker.get(), "fail", fail_task, nullptr) == SLUICE_OK);
  REQUIRE(sluice_worker_start(worker.get()) == SLUICE_OK);
  const std::string where = system.ventilator.endpoint();
  const ClientPtr client(sluice_client_new(where.c_str(), 0, nullptr, nullptr));
  REQUIRE(client != nullptr);
  const OutcomePtr done(sluice_client_call(client.get(), "echo", "abc", 3, nullptr, 30'000));
  REQUIRE(done != nullptr);
  answered told{};
  keep_outcome(done.get(), &told);
  CHECK(told.status == SLUICE_STATUS_DONE);
  CHECK(std::string(told.result) == "abc");
  CHECK(told.attempt == 1);
  CHECK(std::string(told.id) == system.outcome().id.str());
  const OutcomePtr failed(sluice_client_call(client.get(), "fail", "", 0, nullptr, 30'000));
  REQUIRE(failed != nullptr);
  CHECK(sluice_outcome_status(failed.get()) == SLUICE_STATUS_FAILED);
  CHECK(std::string(sluice_outcome_error(failed.get())) == "not today");
  CHECK(sluice_outcome_result(failed.get()) != nullptr);
  const OutcomePtr late(sluice_client_call(client.get(), "nobody", "", 0, nullptr, 1));
  REQUIRE(late != nullptr);
  CHECK(sluice_outcome_status(late.get()) == SLUICE_STATUS_UNKNOWN);
  sluice_outcome_free(nullptr);
}

TEST_CASE("a submitted task's outcome comes by its callback, at the latest when the client goes") {
  System system;
  const WorkerPtr worker = system.worker(1);
  REQUIRE(sluice_worker_on(worker.get(), "echo", echo_task, nullptr) == SLUICE_OK);
  REQUIRE(sluice_worker_start(worker.get()) == SLUICE_OK);
  const std::string where = system.ventilator.endpoint();
  ClientPtr client(sluice_client_new(where.c_str(), 0, nullptr, nullptr));
  REQUIRE(client != nullptr);
  std::promise<void> promise;
  answered told{};
  told.ready = [](void* whom) { static_cast<std::promise<void>*>(whom)->set_value(); };
  told.whom = &promise;
  REQUIRE(sluice_client_submit(client.get(), "echo", "xyz", 3, nullptr, keep_outcome, &told) ==
          SLUICE_OK);
  REQUIRE(promise.get_future().wait_for(30s) == std::future_status::ready);
  CHECK(told.status == SLUICE_STATUS_DONE);
  CHECK(std::string(told.result) == "xyz");

  answered left{};
  REQUIRE(sluice_client_submit(client.get(), "nobody", "", 0, nullptr, keep_outcome, &left) ==
          SLUICE_OK);
  client.reset();
  CHECK(left.status == SLUICE_STATUS_UNKNOWN);
}

TEST_CASE("what a client cannot do is told by codes and texts, never by exceptions") {
  CHECK(sluice_client_new("tcp://127.0.0.1:9", 50, nullptr, nullptr) == nullptr);
  CHECK(last_error_has("no ventilator answers at tcp://127.0.0.1:9"));
  CHECK(sluice_client_new("no address://", 50, nullptr, nullptr) == nullptr);
  CHECK(sluice_client_new("tcp://127.0.0.1:9", -1, nullptr, nullptr) == nullptr);

  System system;
  const std::string where = system.ventilator.endpoint();
  const ClientPtr client(sluice_client_new(where.c_str(), 0, nullptr, nullptr));
  REQUIRE(client != nullptr);
  CHECK(sluice_client_post(client.get(), "", nullptr, 0, nullptr, nullptr) == SLUICE_ERROR);
  CHECK(last_error_has("a task's type"));
  CHECK(sluice_client_post(client.get(), "a", nullptr, 1, nullptr, nullptr) == SLUICE_ERROR);
  CHECK(last_error_has("the payload is NULL"));
  sluice_task_options options{};
  options.size = sizeof options;
  options.ttl_ms = -1;
  CHECK(sluice_client_post(client.get(), "a", nullptr, 0, &options, nullptr) == SLUICE_ERROR);
  CHECK(last_error_has("a ttl of -1 ms"));
  CHECK(sluice_client_post(nullptr, "a", nullptr, 0, nullptr, nullptr) == SLUICE_ERROR);
  CHECK(sluice_client_submit(client.get(), "a", "", 0, nullptr, nullptr, nullptr) == SLUICE_ERROR);
  CHECK(last_error_has("the callback is NULL"));
  CHECK(sluice_client_call(client.get(), "", "", 0, nullptr, 10) == nullptr);
  CHECK(last_error_has("a task's type"));
  CHECK(sluice_client_call(client.get(), "a", "", 0, nullptr, -1) == nullptr);
  CHECK(sluice_client_call(nullptr, "a", "", 0, nullptr, 10) == nullptr);
  CHECK(sluice_client_wait_confirmed(nullptr, 0) == SLUICE_ERROR);
  CHECK(sluice_client_unconfirmed(nullptr) == 0);
  sluice_client_free(nullptr);
}

TEST_SUITE_END();
