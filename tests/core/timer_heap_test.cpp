// timer_heap_test.cpp: alarms ring in order, and stale ones can be dropped.
// SPDX-License-Identifier: MIT
#include "core/timer_heap.hpp"

#include <doctest/doctest.h>

using namespace sluice::core;
using namespace std::chrono_literals;
using Kind = TimerHeap::Kind;

TEST_SUITE("timer heap") {
  TEST_CASE("alarms ring soonest first, and not before their time") {
    TimerHeap heap;
    CHECK_FALSE(heap.next());
    for (const auto at : {5s, 1s, 3s, 2s, 4s})
      heap.set({Time(at), Kind::task_ready, static_cast<std::uint64_t>(at.count()), 0});
    CHECK(heap.next() == Time(1s));
    CHECK_FALSE(heap.take_due(Time(1s) - 1ns));
    for (std::uint64_t who = 1; who <= 4; ++who) {
      const auto alarm = heap.take_due(Time(4s));
      REQUIRE(alarm);
      CHECK(alarm->who == who);
    }
    CHECK_FALSE(heap.take_due(Time(4s)));
    CHECK(heap.count() == 1);
  }

  TEST_CASE("alarms of one instant ring in an order that does not depend on how they came") {
    for (const bool forwards : {true, false}) {
      TimerHeap heap;
      for (std::uint64_t i = 0; i < 50; ++i)
        heap.set({Time(1s), Kind::task_expires, forwards ? i : 49 - i, 0});
      for (std::uint64_t who = 0; who < 50; ++who) CHECK(heap.take_due(Time(1s))->who == who);
    }
  }

  TEST_CASE("a few alarms are left alone, many stale ones go") {
    TimerHeap heap;
    const auto odd = [](const TimerHeap::Alarm& alarm) { return alarm.who % 2 == 1; };
    for (std::uint64_t i = 0; i < 4095; ++i) heap.set({Time(Duration(5000 - i)), {}, i, 0});
    heap.prune(10, odd);
    CHECK(heap.count() == 4095);
    heap.set({Time(Duration(1)), {}, 4095, 0});
    heap.prune(2049, odd);  // as many as that may be live: not worth a look
    CHECK(heap.count() == 4096);
    heap.prune(2048, odd);
    CHECK(heap.count() == 2048);
    Time last{};
    while (const auto alarm = heap.take_due(Time(1s))) {
      CHECK(alarm->at > last);
      CHECK(alarm->who % 2 == 0);
      last = alarm->at;
    }
  }
}
