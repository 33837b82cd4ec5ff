// worker_role_test.cpp: what this program does when it is started as a worker, or as a crowd.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "chaos/crowd.hpp"
#include "e2e/handler_worker.hpp"

TEST_CASE("role of a worker process with handlers" * doctest::skip()) {
  if (std::getenv("SLUICE_TEST_CONTROL") == nullptr) return;  // --no-skip, and nobody's worker
  REQUIRE_NOTHROW(sluice::e2e::run_handler_worker());
}

TEST_CASE("role of a crowd of workers" * doctest::skip()) {
  if (std::getenv("SLUICE_TEST_CONTROL") == nullptr) return;
  REQUIRE_NOTHROW(sluice::chaos::run_crowd());
}
