// hostile_test.cpp: frames spoilt at random are refused or understood, and nothing else happens.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "wire/codec.hpp"
#include "wire/samples.hpp"

using namespace sluice;
using namespace sluice::wire;
using test::Frame;

namespace {

// Only operator() of mt19937_64 is the same everywhere; distributions are not.
class Spoiler {
 public:
  explicit Spoiler(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

  void spoil(Frame& frame) {
    const std::size_t at = below(frame.size());
    switch (below(6)) {
      case 0: frame[at] ^= static_cast<std::byte>(1U << below(8)); break;
      case 1: frame[at] = static_cast<std::byte>(below(256)); break;
      case 2: frame[at] = kLeads[below(std::size(kLeads))]; break;
      case 3: frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(at), frame[at]); break;
      case 4: frame.erase(frame.begin() + static_cast<std::ptrdiff_t>(at)); break;
      default: frame.resize(at); break;
    }
    if (frame.empty()) frame.resize(1);
  }

  // Makes the length in the header true again, so that the body itself is read.
  void mend(Frame& frame, std::size_t heap) const {
    if (frame.size() < kHeaderBytes + heap) return;
    const std::size_t body = frame.size() - kHeaderBytes - heap;
    for (unsigned i = 0; i < 4; ++i) {
      frame[4 + i] = static_cast<std::byte>(body >> (24 - 8 * i) & 0xFF);
    }
  }

 private:
  static constexpr std::byte kLeads[] = {
      std::byte{0x00}, std::byte{0x7F}, std::byte{0x80}, std::byte{0x90}, std::byte{0x9F},
      std::byte{0xA0}, std::byte{0xC0}, std::byte{0xC1}, std::byte{0xC3}, std::byte{0xC4},
      std::byte{0xC6}, std::byte{0xCA}, std::byte{0xCC}, std::byte{0xCF}, std::byte{0xD3},
      std::byte{0xD9}, std::byte{0xDB}, std::byte{0xDC}, std::byte{0xDD}, std::byte{0xFF}};
  std::mt19937_64 random_;
};

struct Counts {
  int accepted = 0;
  int refused = 0;
};

// A message that was understood must be one we could have sent: it survives another round.
void try_one(const Frame& frame, core::EntryPool& pool, Counts& counts) {
  const Codec codec(Role::any);
  DecodeError error;
  auto first = codec.decode(frame, pool, error);
  if (!first) {
    ++counts.refused;
    const bool known = error.code == core::Code::bad_frame || error.code == core::Code::too_large ||
                       error.code == core::Code::bad_type || error.code == core::Code::bad_version;
    if (!known || error.what.empty()) FAIL_CHECK("a refusal without a reason");
    return;
  }
  ++counts.accepted;
  const Frame again = test::encoded(*first);
  pool.give_back(std::move(first->message));
  auto second = codec.decode(again, pool, error);
  if (!second) {
    FAIL_CHECK("what was understood once is refused the second time");
    return;
  }
  if (test::encoded(*second) != again) FAIL_CHECK("a message changes from round to round");
  pool.give_back(std::move(second->message));
}

}  // namespace

TEST_SUITE("hostile") {
  // Under a sanitizer this also shows that no byte outside the frame is read.
  TEST_CASE("a frame spoilt at random is refused, or understood and stable") {
    Spoiler spoiler(20240607);
    core::EntryPool pool;
    Counts counts;
    for (const test::Sample& sample : test::samples()) {
      INFO(sample.name);
      const Frame good = test::encoded(sample.envelope);
      const std::size_t heap = test::heap_of(good).size();
      for (int round = 0; round < 1500; ++round) {
        Frame bad = good;
        for (std::size_t times = 1 + spoiler.below(4); times > 0; --times) spoiler.spoil(bad);
        if (round % 2 == 0) spoiler.mend(bad, heap);
        const Frame exact(bad.begin(), bad.end());
        try_one(exact, pool, counts);
      }
    }
    CHECK(counts.accepted > 1000);
    CHECK(counts.refused > 10000);
  }

  TEST_CASE("random bodies under every type are refused, or understood and stable") {
    Spoiler spoiler(77);
    core::EntryPool pool;
    Counts counts;
    for (unsigned type = 0; type < 256; ++type) {
      for (int round = 0; round < 40; ++round) {
        Frame body(spoiler.below(64));
        for (std::byte& b : body) b = static_cast<std::byte>(spoiler.below(256));
        if (!body.empty()) body[0] = static_cast<std::byte>(0x90 + spoiler.below(13));
        try_one(test::frame_of(static_cast<std::uint8_t>(type), body), pool, counts);
      }
    }
    CHECK(counts.refused > 5000);
  }

  TEST_CASE("a short frame that claims billions of entries costs nothing") {
    core::EntryPool pool;
    const std::byte claim[] = {std::byte{0xDD}, std::byte{0x7F}, std::byte{0xFF}, std::byte{0xFF},
                               std::byte{0xFF}};
    for (unsigned type = 0; type < 256; ++type) {
      if (!accepts(Role::any, static_cast<std::uint8_t>(type))) continue;
      DecodeError error;
      CHECK_FALSE(Codec(Role::any).decode(test::frame_of(static_cast<std::uint8_t>(type), claim),
                                          pool, error));
    }
  }
}
