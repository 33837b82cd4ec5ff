// exit_code_test.cpp: exit codes in GNU parallel's manner.
// SPDX-License-Identifier: MIT
#include "cli/exit_code.hpp"

#include <doctest/doctest.h>

namespace sluice::cli {
namespace {

TEST_SUITE("exit_code") {
  TEST_CASE("the exit code counts failures up to 100, and 101 means more") {
    CHECK(exit_code_for_failures(0) == 0);
    CHECK(exit_code_for_failures(1) == 1);
    CHECK(exit_code_for_failures(100) == 100);
    CHECK(exit_code_for_failures(101) == kExitManyFailed);
    CHECK(exit_code_for_failures(256) == kExitManyFailed);
    CHECK(exit_code_for_failures(1'000'000'000'000) == kExitManyFailed);
  }

  TEST_CASE("a task killed by a signal counts as 128 plus the signal") {
    CHECK(exit_code_of_task(0, 0) == 0);
    CHECK(exit_code_of_task(3, 0) == 3);
    CHECK(exit_code_of_task(0, 9) == 137);
    CHECK(exit_code_of_task(137, 9) == 137);
  }
}

}  // namespace
}  // namespace sluice::cli
