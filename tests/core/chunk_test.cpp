// chunk_test.cpp: bytes of many tasks in few allocations.
// SPDX-License-Identifier: MIT
#include "core/chunk.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <vector>

#include "core/random.hpp"

using namespace sluice::core;

TEST_SUITE("chunk pool") {
  TEST_CASE("a copy is the caller's bytes, two pieces side by side") {
    ChunkPool pool;
    std::string text = "hello";
    const Slice one = pool.copy(as_bytes(text));
    const Slice two = pool.copy(as_bytes("key"), as_bytes("payload"));
    text = "xxxxx";
    CHECK(as_text(one.bytes()) == "hello");
    CHECK(as_text(two.bytes()) == "keypayload");
    CHECK(pool.held_bytes() == ChunkPool::kChunkBytes);
  }

  TEST_CASE("nothing costs nothing") {
    ChunkPool pool;
    const Slice empty = pool.copy({});
    CHECK(empty.size() == 0);
    CHECK(pool.held_bytes() == 0);
  }

  TEST_CASE("a large piece has a chunk of its own and gives it back") {
    ChunkPool pool;
    {
      const std::string large(ChunkPool::kChunkBytes / 4 + 1, 'x');
      const Slice slice = pool.copy(as_bytes(large));
      CHECK(pool.held_bytes() == large.size());
    }
    CHECK(pool.held_bytes() == 0);
  }

  TEST_CASE("moving a slice moves its bytes, and overwriting one frees them") {
    ChunkPool pool;
    const std::string large(100'000, 'x');
    Slice a = pool.copy(as_bytes(large));
    const std::byte* at = a.bytes().data();
    Slice b = std::move(a);
    CHECK(b.bytes().data() == at);
    CHECK(pool.held_bytes() == 100'000);
    b = pool.copy(as_bytes("small"));
    CHECK(pool.held_bytes() == ChunkPool::kChunkBytes);
    b = Slice{};
    CHECK(b.size() == 0);
  }

  TEST_CASE("a steady flow uses the same chunks again") {
    ChunkPool pool;
    std::deque<Slice> held;
    const std::string payload(1000, 'p');
    for (int i = 0; i < 50'000; ++i) {
      held.push_back(pool.copy(as_bytes(payload)));
      if (held.size() > 500) held.pop_front();
    }
    CHECK(pool.held_bytes() <= 10 * ChunkPool::kChunkBytes);
    held.clear();
    // What is kept spare is bounded.
    for (int i = 0; i < 50'000; ++i) held.push_back(pool.copy(as_bytes(payload)));
    held.clear();
    CHECK(pool.held_bytes() <= 65 * ChunkPool::kChunkBytes);
  }

  TEST_CASE("slices freed in any order keep their own bytes") {
    ChunkPool pool;
    Random random(11);
    std::vector<std::pair<std::string, Slice>> held;
    for (int i = 0; i < 20'000; ++i) {
      if (held.size() < 50 || random.below(2) == 0) {
        std::string text(random.below(random.below(50) == 0 ? 40'000 : 300),
                         static_cast<char>('a' + random.below(26)));
        Slice slice = pool.copy(as_bytes(text));
        held.emplace_back(std::move(text), std::move(slice));
      } else {
        const std::size_t at = random.below(held.size());
        REQUIRE(as_text(held[at].second.bytes()) == held[at].first);
        held[at] = std::move(held.back());
        held.pop_back();
      }
    }
  }
}
