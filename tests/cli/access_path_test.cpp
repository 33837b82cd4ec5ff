// access_path_test.cpp: which access file a ventilator writes.
// SPDX-License-Identifier: MIT
#include "cli/access_path.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <sluice/error.hpp>

namespace sluice::cli {
namespace {

TEST_SUITE("access_path") {
  TEST_CASE("a ventilator needs to be told where to write its access file") {
    const char* const before = ::getenv("SLUICE_ACCESS");
    const std::string kept = before == nullptr ? "" : before;
    ::unsetenv("SLUICE_ACCESS");
    CHECK_THROWS_AS((void)access_path_to_write(""), Error);
    CHECK(access_path_to_write("x") == "x");
    ::setenv("SLUICE_ACCESS", "from-environment", 1);
    CHECK(access_path_to_write("") == "from-environment");
    CHECK(access_path_to_write("x") == "x");
    if (before == nullptr) {
      ::unsetenv("SLUICE_ACCESS");
    } else {
      ::setenv("SLUICE_ACCESS", kept.c_str(), 1);
    }
  }
}

}  // namespace
}  // namespace sluice::cli
