// role_log_test.cpp: what a role's log looks like.
// SPDX-License-Identifier: MIT
#include "cli/role_log.hpp"

#include <doctest/doctest.h>

#include <cstdio>

#include "cli/test_pipe.hpp"

namespace sluice::cli {
namespace {

std::string logged(LogLevel level) {
  TestPipe pipe;
  std::fflush(stderr);
  const int kept = ::dup(2);
  REQUIRE(::dup2(pipe.write_fd(), 2) == 2);
  {
    const RoleLog log(level);
    log.detail("a detail");
    log.info("news {} of braces");
    log.warn("a warning");
  }
  ::dup2(kept, 2);
  ::close(kept);
  return pipe.text();
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_SUITE("role_log") {
  TEST_CASE("lines carry time and level, and the text as it is") {
    const std::string text = logged({});
    CAPTURE(text);
    CHECK(text.substr(4, 1) == "-");
    CHECK(text.substr(10, 1) == "T");
    CHECK(holds(text, " info news {} of braces\n"));
    CHECK(holds(text, " warning a warning\n"));
    CHECK_FALSE(holds(text, "a detail"));
    CHECK_FALSE(holds(text, "\x1b"));
  }

  TEST_CASE("quiet leaves warnings, verbose adds details") {
    const std::string quiet = logged({true, false});
    CHECK_FALSE(holds(quiet, "news"));
    CHECK(holds(quiet, "a warning"));
    CHECK(holds(logged({false, true}), " debug a detail\n"));
  }
}

}  // namespace
}  // namespace sluice::cli
