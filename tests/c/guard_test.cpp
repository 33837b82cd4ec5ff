// guard_test.cpp: errors stay on this side of the border, each thread with its own text.
// SPDX-License-Identifier: MIT
#include "c/guard.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "c/rig.hpp"

TEST_SUITE_BEGIN("c guard");

TEST_CASE("whatever is thrown becomes a code and a text") {
  CHECK(sluice::c::guarded([]() -> int { throw std::runtime_error("one"); }) == SLUICE_ERROR);
  CHECK(std::string(sluice_last_error()) == "one");
  CHECK(sluice::c::guarded([]() -> int { throw 7; }) == SLUICE_ERROR);
  CHECK(std::string(sluice_last_error()) == "an exception of unknown type");
  CHECK(sluice::c::guarded([] { return 1; }) == 1);
  CHECK(sluice::c::made<int>([]() -> int* { throw std::runtime_error("two"); }) == nullptr);
  CHECK(std::string(sluice_last_error()) == "two");
}

TEST_CASE("a thread sees its own last error only") {
  sluice::c::remember_error("mine");
  std::string other = "?";
  std::thread([&] { other = sluice_last_error(); }).join();
  CHECK(other.empty());
  CHECK(std::string(sluice_last_error()) == "mine");
}

TEST_CASE("a long wait is cut into slices, and none is longer than what is left") {
  std::int64_t waited = 0;
  const auto never = [&](std::chrono::milliseconds slice) {
    waited += slice.count();
    return false;
  };
  CHECK(sluice::c::wait_for(150'001, never) == SLUICE_TIMEOUT);
  CHECK(waited == 150'001);
  int calls = 0;
  CHECK(sluice::c::wait_for(-1, [&](auto) { return ++calls == 3; }) == SLUICE_OK);
  CHECK(sluice::c::wait_for(0, [](auto) { return false; }) == SLUICE_TIMEOUT);
}

TEST_CASE("the version is that of the program") {
  CHECK(std::string(sluice_version()) == SLUICE_VERSION);
}

TEST_SUITE_END();
