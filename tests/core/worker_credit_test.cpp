// worker_credit_test.cpp: how much a worker asks for.
// SPDX-License-Identifier: MIT
#include "core/worker_credit.hpp"

#include <doctest/doctest.h>

namespace sluice::core {
namespace {

RunnerOptions with(std::uint32_t slots, std::uint32_t prefetch) {
  RunnerOptions options;
  options.slots = slots;
  options.prefetch = prefetch;
  return options;
}

WorkerLoad load_of(std::uint64_t unstarted, std::uint64_t running, std::uint64_t retained = 0) {
  WorkerLoad load;
  load.unstarted = unstarted;
  load.running = running;
  load.retained = retained;
  return load;
}

TEST_SUITE_BEGIN("worker_credit");

// Rule 1: "The worker grants slots + prefetch - queued - running - retained."
TEST_CASE("a fixed prefetch of one asks for one task per slot") {
  WorkerCredit credit(with(3, 1));
  CHECK(credit.update({}));
  CHECK(credit.tasks_limit() == 3);
  credit.announced();
  REQUIRE(credit.receive(3, 0));
  CHECK_FALSE(credit.update(load_of(0, 3)));
  CHECK(credit.tasks_limit() == 3);
  CHECK(credit.update(load_of(0, 2)));
  CHECK(credit.tasks_limit() == 4);
}

TEST_CASE("limits never decrease within a session, and begin anew with the next") {
  WorkerCredit credit(with(4, 1));
  CHECK(credit.update({}));
  credit.announced();
  CHECK_FALSE(credit.update(load_of(0, 4)));
  CHECK(credit.tasks_limit() == 4);
  credit.begin_session();
  CHECK(credit.tasks_limit() == 0);
  CHECK_FALSE(credit.receive(1, 0));
}

TEST_CASE("more than was announced is refused, and so are bytes") {
  RunnerOptions options = with(2, 1);
  options.max_queued_bytes = 1000;
  WorkerCredit credit(options);
  CHECK(credit.update({}));
  CHECK_FALSE(credit.receive(1, 10));  // granted, but not yet said
  credit.announced();
  CHECK_FALSE(credit.receive(3, 10));
  CHECK_FALSE(credit.receive(2, 1001));
  CHECK(credit.receive(2, 1000));
  CHECK_FALSE(credit.receive(1, 0));
}

TEST_CASE("what was lost on the way counts as received, but never beyond what was granted") {
  WorkerCredit credit(with(4, 1));
  CHECK(credit.update({}));
  credit.announced();
  credit.received_before(3, 0);
  CHECK(credit.received() == 3);
  credit.received_before(1, 0);
  CHECK(credit.received() == 3);
  credit.received_before(1'000'000, 0);
  CHECK(credit.received() == 4);
}

// "W < 0.1 -> 0, else ceil(W), at most doubling per grant; nothing known yet: 1."
TEST_CASE("the prefetch follows from how long tasks take") {
  WorkerCredit credit(with(1, 0));
  CHECK(credit.prefetch() == 1);
  credit.ran(2s);  // far more than the millisecond of work to keep queued
  CHECK(credit.update({}));
  credit.announced();
  CHECK(credit.prefetch() == 0);
  for (int i = 0; i < 200; ++i) credit.ran(300us);
  credit.announced();
  CHECK(credit.prefetch() == 1);
  credit.announced();
  CHECK(credit.prefetch() == 2);
  credit.announced();
  CHECK(credit.prefetch() == 4);  // ceil(1000 / 300)
  credit.announced();
  CHECK(credit.prefetch() == 4);
}

TEST_CASE("tasks of no length at all are asked for up to the limit") {
  RunnerOptions options = with(4, 0);
  options.max_prefetch = 5000;
  WorkerCredit credit(options);
  for (int i = 0; i < 200; ++i) credit.ran(Duration(0));
  for (int i = 0; i < 20; ++i) credit.announced();
  CHECK(credit.prefetch() == 5000);
  CHECK(credit.most_unstarted() == 5004);
}

TEST_CASE("five millisecond tasks are prefetched, twenty millisecond ones are not") {
  for (const auto& [run, expected] : {std::pair<Duration, std::uint64_t>{5ms, 1}, {20ms, 0}}) {
    WorkerCredit credit(with(1, 0));
    credit.ran(run);
    credit.announced();
    CHECK(credit.prefetch() == expected);
  }
}

// "STATE on change >= 25 % of the window or an idle slot".
TEST_CASE("the ventilator hears of a quarter of the window, or of an idle slot") {
  WorkerCredit credit(with(2, 10));  // a window of 20
  CHECK(credit.update({}));
  credit.announced();
  REQUIRE(credit.receive(20, 0));
  CHECK_FALSE(credit.update(load_of(18, 2)));
  CHECK_FALSE(credit.update(load_of(14, 2)));
  CHECK(credit.update(load_of(13, 2)));
  credit.announced();
  REQUIRE(credit.receive(5, 0));
  CHECK(credit.update(load_of(0, 1)));
}

TEST_CASE("what was handed back is not asked for before a slot has freed") {
  WorkerCredit credit(with(1, 4));
  CHECK(credit.update({}));
  credit.announced();
  REQUIRE(credit.receive(4, 0));
  credit.handed_back(3);
  CHECK_FALSE(credit.update(load_of(0, 1)));
  CHECK(credit.tasks_limit() == 4);
  credit.ran(1s);
  CHECK(credit.update(load_of(0, 0)));
  CHECK(credit.tasks_limit() == 8);
}

// "What is retained for those that are further behind than the quickest counts for the cap only."
TEST_CASE("outcomes for a sink that stands still take no credit, but room") {
  RunnerOptions options = with(4, 1);
  options.max_retained = 1000;
  WorkerCredit credit(options);
  WorkerLoad load = load_of(0, 0, 500);
  static_cast<void>(credit.update(load));  // bytes, perhaps
  CHECK(credit.tasks_limit() == 0);
  load.stalled = 500;
  CHECK(credit.update(load));
  CHECK(credit.tasks_limit() == 4);
  WorkerCredit full(options);
  load = load_of(0, 0, 1000);
  load.stalled = 1000;
  static_cast<void>(full.update(load));
  CHECK(full.tasks_limit() == 0);
}

// "... and nothing while retained bytes exceed its cap".
TEST_CASE("nothing is granted while too many outcomes are retained") {
  RunnerOptions options = with(1, 2);
  options.max_retained = 10;
  options.max_retained_bytes = 100;
  WorkerCredit credit(options);
  WorkerLoad load;
  load.retained = 10;
  CHECK_FALSE(credit.update(load));
  load.retained = 0;
  load.retained_bytes = 101;
  CHECK_FALSE(credit.update(load));
  CHECK(credit.tasks_limit() == 0);
  load.retained_bytes = 100;
  CHECK(credit.update(load));
  CHECK(credit.tasks_limit() == 2);
}

TEST_CASE("bytes are asked for again before they run out") {
  RunnerOptions options = with(1, 1000);
  options.max_queued_bytes = 1000;
  WorkerCredit credit(options);
  CHECK(credit.update({}));
  credit.announced();
  REQUIRE(credit.receive(1, 400));
  WorkerLoad load = load_of(1, 0);
  load.bytes = 0;
  CHECK_FALSE(credit.update(load));
  REQUIRE(credit.receive(1, 101));
  CHECK(credit.update(load));
  CHECK(credit.bytes_limit() == 1501);
}

TEST_CASE("a frozen credit grows no more, in any session") {
  WorkerCredit credit(with(2, 1));
  CHECK(credit.update({}));
  credit.announced();
  credit.freeze();
  CHECK(credit.receive(2, 0));
  CHECK_FALSE(credit.update({}));
  CHECK(credit.tasks_limit() == 2);
  credit.begin_session();
  CHECK_FALSE(credit.update({}));
  CHECK(credit.tasks_limit() == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace sluice::core
