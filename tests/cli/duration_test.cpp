// duration_test.cpp: what counts as a length of time, and how one is shown.
// SPDX-License-Identifier: MIT
#include "cli/duration.hpp"

#include <doctest/doctest.h>

#include <string>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

std::string complaint(std::string_view text) {
  try {
    static_cast<void>(parse_duration(text));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_SUITE("duration") {
  TEST_CASE("a plain number is seconds") {
    CHECK(parse_duration("30") == 30s);
    CHECK(parse_duration("0") == 0s);
    CHECK(parse_duration("1.5") == 1500ms);
    CHECK(parse_duration(" 7 ") == 7s);
  }

  TEST_CASE("every unit is understood") {
    CHECK(parse_duration("250us") == 250us);
    CHECK(parse_duration("200ms") == 200ms);
    CHECK(parse_duration("1.5s") == 1500ms);
    CHECK(parse_duration("10 sec") == 10s);
    CHECK(parse_duration("2m") == 2min);
    CHECK(parse_duration("2min") == 2min);
    CHECK(parse_duration("1.5h") == 90min);
    CHECK(parse_duration("2d") == 48h);
  }

  TEST_CASE("units may be combined, with or without blanks, largest first") {
    CHECK(parse_duration("1h 30m") == 90min);
    CHECK(parse_duration("1h30m") == 90min);
    CHECK(parse_duration("1d 2h 3m 4s 5ms") == 26h + 3min + 4s + 5ms);
    CHECK(complaint("30m 1h") != "");
    CHECK(complaint("1h 1h") != "");
    CHECK(complaint("1m 1min") != "");
  }

  TEST_CASE("clock forms are understood, and only the first field may be large") {
    CHECK(parse_duration("01:30") == 90s);
    CHECK(parse_duration("90:00") == 90min);
    CHECK(parse_duration("1:02:03") == 1h + 2min + 3s);
    CHECK(parse_duration("100:00:00") == 100h);
    CHECK(parse_duration("2-03:04:05") == 51h + 4min + 5s);
    CHECK(complaint("1:60") != "");
    CHECK(complaint("1:2") != "");
    CHECK(complaint("1:60:00") != "");
    CHECK(complaint("1-24:00:00") != "");
    CHECK(complaint(":30") != "");
    CHECK(complaint("1:00:00:00") != "");
  }

  TEST_CASE("digits finer than a microsecond are dropped") {
    CHECK(parse_duration("0.0000019") == 1us);
    CHECK(parse_duration("0.9us") == 0us);
  }

  TEST_CASE("rubbish is refused with the list of accepted forms") {
    for (const char* text : {"", " ", "-1", "-5s", "+1", "x", "1x", "s", "1.", ".5", "1..2",
                             "1h 30", "1 2", "30s!", "1e3", "nan", "5S"}) {
      CAPTURE(text);
      const std::string what = complaint(text);
      CHECK(what.find("'" + std::string(text) + "'") != std::string::npos);
      CHECK(what.find("HH:MM:SS") != std::string::npos);
      CHECK(what.find("200ms") != std::string::npos);
    }
  }

  TEST_CASE("the longest time that fits 64 bits of microseconds is taken, and no longer one") {
    CHECK(parse_duration("9223372036854.775807") == microseconds::max());
    CHECK(complaint("9223372036854.775808") != "");
    CHECK(complaint("9223372036855") != "");
    CHECK(complaint("99999999999999999999") != "");
    CHECK(complaint("106751992d") != "");
    CHECK(complaint("106751991d 24h") != "");
    CHECK(complaint("9223372036854775807:00") != "");
    CHECK(complaint("9223372036854775807-00:00:00") != "");
  }

  TEST_CASE("a length of time is shown in at most two units") {
    CHECK(format_duration(0us) == "0 us");
    CHECK(format_duration(250us) == "250 us");
    CHECK(format_duration(350ms) == "350 ms");
    CHECK(format_duration(1500ms) == "1.5 s");
    CHECK(format_duration(12s) == "12 s");
    CHECK(format_duration(72s) == "1m 12s");
    CHECK(format_duration(2h + 5min) == "2h 5m");
    CHECK(format_duration(76h) == "3d 4h");
    CHECK(format_duration(-72s) == "-1m 12s");
  }

  TEST_CASE("rounding carries into the next unit") {
    CHECK(format_duration(999us) == "999 us");
    CHECK(format_duration(999'499us) == "999 ms");
    CHECK(format_duration(999'500us) == "1.0 s");
    CHECK(format_duration(9'949'999us) == "9.9 s");
    CHECK(format_duration(9'950'000us) == "10 s");
    CHECK(format_duration(59'499'999us) == "59 s");
    CHECK(format_duration(59'500'000us) == "1m 0s");
    CHECK(format_duration(1h - 500ms) == "1h 0m");
    CHECK(format_duration(24h - 30s) == "1d 0h");
  }

  TEST_CASE("the largest and the smallest length of time can be shown") {
    CHECK(format_duration(microseconds::max()).substr(0, 9) == "106751990");
    CHECK(format_duration(microseconds::min()).substr(0, 10) == "-106751990");
  }
}

}  // namespace
}  // namespace sluice::cli
