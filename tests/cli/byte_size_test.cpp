// byte_size_test.cpp: what counts as an amount of bytes.
// SPDX-License-Identifier: MIT
#include "cli/byte_size.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

bool refused(std::string_view text) {
  try {
    static_cast<void>(parse_byte_size(text));
  } catch (const Error& error) {
    const std::string what = error.what();
    CHECK(what.find("1MiB") != std::string::npos);
    return true;
  }
  return false;
}

TEST_SUITE("byte_size") {
  TEST_CASE("a plain number is bytes") {
    CHECK(parse_byte_size("0") == 0);
    CHECK(parse_byte_size("512") == 512);
    CHECK(parse_byte_size("512B") == 512);
  }

  TEST_CASE("K M G T P are powers of 1024 in either case, with or without iB") {
    CHECK(parse_byte_size("64K") == 65536);
    CHECK(parse_byte_size("64k") == 65536);
    CHECK(parse_byte_size("1M") == 1048576);
    CHECK(parse_byte_size("1MiB") == 1048576);
    CHECK(parse_byte_size("1 mib") == 1048576);
    CHECK(parse_byte_size("2G") == 2147483648);
    CHECK(parse_byte_size("1T") == 1099511627776);
    CHECK(parse_byte_size("1P") == 1125899906842624);
  }

  TEST_CASE("KB MB GB are powers of 1000") {
    CHECK(parse_byte_size("64KB") == 64000);
    CHECK(parse_byte_size("1.5MB") == 1500000);
    CHECK(parse_byte_size("1gb") == 1000000000);
  }

  TEST_CASE("fractions are exact, and part of a byte is dropped") {
    CHECK(parse_byte_size("1.5G") == 1610612736);
    CHECK(parse_byte_size("0.5K") == 512);
    CHECK(parse_byte_size("0.1K") == 102);
    CHECK(parse_byte_size("1.9") == 1);
    CHECK(parse_byte_size("0.999999999P") == 1125899905716724);
    CHECK(parse_byte_size("1.00000000000000000000K") == 1024);
  }

  TEST_CASE("what does not fit 64 bits is refused, and the largest that fits is not") {
    CHECK(parse_byte_size("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
    CHECK(refused("18446744073709551616"));
    CHECK(parse_byte_size("16383P") == 18445618173802708992U);
    CHECK(refused("16384P"));
    CHECK(refused("99999999999999999999999K"));
  }

  TEST_CASE("rubbish is refused with the list of accepted forms") {
    for (const char* text : {"", " ", "K", "-1", "-1K", "+1", "1X", "1KK", "1KiBs", "1.", ".5",
                             "1.5.5", "1i", "1  K", "0x10", "1e3", "12 34"}) {
      CAPTURE(text);
      CHECK(refused(text));
    }
  }
}

}  // namespace
}  // namespace sluice::cli
