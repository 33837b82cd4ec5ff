// ids_test.cpp: names of tasks and sessions.
// SPDX-License-Identifier: MIT
#include "core/ids.hpp"

#include <doctest/doctest.h>

using namespace sluice::core;

TEST_SUITE("ids") {
  TEST_CASE("a task is shown as the start of its log and its number") {
    CHECK(display_id(Log{0x9f, 0x3a, 0x1c, 0x07, 0xff}, Seq{42}) == "9f3a1c07-42");
    CHECK(display_id(Log{}, Seq{~0ULL >> 1}) == "00000000-9223372036854775807");
  }

  TEST_CASE("a log is shown whole, in hex") {
    Log log{0x01, 0xab};
    log[15] = 0x0f;
    CHECK(hex(log) == "01ab000000000000000000000000000f");
  }

  // Identifiers: "sid: u63 = epoch<<32 + counter".
  TEST_CASE("a session's number tells its epoch") {
    const Sid sid = make_sid(Epoch{7}, 0xffffffffU);
    CHECK(raw(sid) == 0x7ffffffffULL);
    CHECK(epoch_of(sid) == Epoch{7});
    CHECK(next(Seq{9}) == Seq{10});
  }
}
