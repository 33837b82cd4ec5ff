// client_test.cpp: clients in C post to a real ventilator.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <chrono>
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
  CHECK(sluice_client_wait_confirmed(nullptr, 0) == SLUICE_ERROR);
  CHECK(sluice_client_unconfirmed(nullptr) == 0);
  sluice_client_free(nullptr);
}

TEST_SUITE_END();
