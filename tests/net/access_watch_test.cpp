// access_watch_test.cpp: when a ventilator that is away is given up.
// SPDX-License-Identifier: MIT
#include "net/access_watch.hpp"

#include <doctest/doctest.h>

#include <sluice/access.hpp>

#include "support/temp_folder.hpp"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

constexpr core::Log kLog{0xaa};

// The first of ten looks, a second apart, that says so; 0: none did.
int given_up_after(net::AccessWatch& watch, std::string& why, bool away = true) {
  static core::Time now{1h};  // goes on from one to the next
  for (int looks = 1; looks <= 10; ++looks) {
    now += 1s;
    const auto gone = watch.look(away, kLog, now);
    CHECK_FALSE(watch.look(away, kLog, now + 1ms));  // not before its time
    if (!gone) continue;
    why = *gone;
    return looks;
  }
  return 0;
}

Access of_log(std::uint8_t first) {
  Access access = Access::of_this_process();
  access.control = "tcp://127.0.0.1:5570";
  access.log = core::hex(core::Log{first});
  return access;
}

}  // namespace

TEST_SUITE("access_watch") {
  TEST_CASE("a file that goes is believed at the third look, and names itself") {
    const TempFolder folder;
    const Access access = of_log(0xaa);
    access.write(folder.file("a.json"));
    net::AccessWatch watch(folder.file("a.json"));
    std::string why;
    CHECK(given_up_after(watch, why) == 0);
    REQUIRE(access.remove(folder.file("a.json")));
    CHECK(given_up_after(watch, why, false) == 0);  // nobody is away
    CHECK(given_up_after(watch, why) == 3);
    CHECK(why.find("has ended") != std::string::npos);
    CHECK(why.find(folder.file("a.json")) != std::string::npos);
  }

  TEST_CASE("a file of another ventilator says that the old one has gone") {
    const TempFolder folder;
    of_log(0xaa).write(folder.file("a.json"));
    net::AccessWatch watch(folder.file("a.json"));
    of_log(0xbb).write(folder.file("a.json"));
    std::string why;
    CHECK(given_up_after(watch, why) == 3);
    CHECK(why.find("gone without a word") != std::string::npos);
    CHECK(why.find("another ventilator") != std::string::npos);
  }

  TEST_CASE("a connection that comes back begins the count anew") {
    const TempFolder folder;
    net::AccessWatch watch(folder.file("a.json"));
    core::Time now{1h};
    for (int i = 0; i < 2; ++i, now += 1s) CHECK_FALSE(watch.look(true, kLog, now));
    CHECK_FALSE(watch.look(false, kLog, now));
    for (int i = 0; i < 2; ++i, now += 1s) CHECK_FALSE(watch.look(true, kLog, now));
    CHECK(watch.look(true, kLog, now));
  }

  TEST_CASE("without a file nobody is given up") {
    net::AccessWatch watch("");
    std::string why;
    CHECK(given_up_after(watch, why) == 0);
    CHECK_FALSE(watch.next_look(core::Time{1h}));
  }
}
