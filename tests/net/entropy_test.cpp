// entropy_test.cpp: random bytes are random, and enough.
// SPDX-License-Identifier: MIT
#include "net/entropy.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "core/ids.hpp"

using namespace sluice;

TEST_SUITE("entropy") {
  TEST_CASE("two ids differ") {
    CHECK(net::random_id<core::Log>() != net::random_id<core::Log>());
    CHECK(net::random_u64() != net::random_u64());
  }

  TEST_CASE("every byte of a long buffer is filled") {
    std::vector<std::uint8_t> bytes(4096);
    net::fill_random(bytes);
    const auto is_zero = [](std::uint8_t b) { return b == 0; };
    for (std::size_t at = 0; at < bytes.size(); at += 64) {
      const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(at);
      CHECK_FALSE(std::all_of(from, from + 64, is_zero));
    }
  }
}
