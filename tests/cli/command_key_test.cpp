// command_key_test.cpp: commands are known again by their text and their order.
// SPDX-License-Identifier: MIT
#include "cli/command_key.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>

namespace sluice::cli {
namespace {

TEST_SUITE("command key") {
  TEST_CASE("other texts have other digests, however little they differ") {
    std::set<std::pair<std::uint64_t, std::uint64_t>> digests;
    std::set<std::uint64_t> highs, lows;
    for (int i = 0; i < 20'000; ++i) {
      const CommandDigest digest = digest_of("echo " + std::to_string(i));
      digests.emplace(digest.high, digest.low);
      highs.insert(digest.high);
      lows.insert(digest.low);
    }
    CHECK(digests.size() == 20'000);
    CHECK(highs.size() == 20'000);
    CHECK(lows.size() == 20'000);
    CHECK_FALSE(digest_of("a") == digest_of(std::string("a\0", 2)));
    CHECK(digest_of("a b") == digest_of("a b"));
  }

  TEST_CASE("the occurrences of one command are told apart, the first is itself") {
    const CommandDigest digest = digest_of("true");
    CHECK(digest_of(digest, 1) == digest);
    CHECK_FALSE(digest_of(digest, 2) == digest);
    CHECK_FALSE(digest_of(digest, 2) == digest_of(digest, 3));
  }

  TEST_CASE("a key is read back, and no other text is taken for one") {
    const CommandKey key{digest_of("sleep 1"), 7, 1'000'000};
    const std::string text = to_text(key, 3);
    const auto back = read_command_key(text);
    REQUIRE(back);
    CHECK(back->digest == key.digest);
    CHECK(back->occurrence == 7);
    CHECK(back->number == 1'000'000);
    for (const std::string& other :
         {std::string(), std::string("my-own-key"), text.substr(1), text + "x", text + "-1",
          text.substr(0, 40), text.substr(0, text.rfind('-')), std::string(32, 'g') + "-1-1-1"}) {
      CAPTURE(other);
      CHECK_FALSE(read_command_key(other));
    }
  }
}

}  // namespace
}  // namespace sluice::cli
