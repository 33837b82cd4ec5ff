// run_time_test.cpp: the running median of a type's tasks.
// SPDX-License-Identifier: MIT
#include "core/run_time.hpp"

#include <doctest/doctest.h>

#include "core/random.hpp"

using namespace sluice::core;
using namespace std::chrono_literals;

TEST_SUITE("run time") {
  TEST_CASE("nothing is known at first, and the first task is believed") {
    RunTime time;
    CHECK(time.median() == Duration::zero());
    time.observe(30ms);
    CHECK(time.median() == Duration(30ms));
  }

  TEST_CASE("half of the tasks are shorter, whatever the long ones take") {
    RunTime time;
    Random random(3);
    for (int i = 0; i < 3000; ++i)
      time.observe(i % 5 == 0 ? Duration(1h) : random.between(5ms, 15ms));
    CHECK(time.median() > Duration(7ms));
    CHECK(time.median() < Duration(15ms));
  }

  TEST_CASE("it settles on a steady time, and follows a change") {
    RunTime time;
    time.observe(1s);
    for (int i = 0; i < 500; ++i) time.observe(1ms);
    CHECK(time.median() == Duration(1ms));
    for (int i = 0; i < 500; ++i) time.observe(2ms);
    CHECK(time.median() == Duration(2ms));
  }

  TEST_CASE("a task that took no time counts as a microsecond") {
    RunTime time;
    time.observe(0s);
    CHECK(time.median() == Duration(1us));
  }
}
