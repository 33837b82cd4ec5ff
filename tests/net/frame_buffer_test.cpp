// frame_buffer_test.cpp: buffers go out and come back.
// SPDX-License-Identifier: MIT
#include "net/frame_buffer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace sluice;
using net::FramePool;
using net::OutFrame;

TEST_SUITE("frame_buffer") {
  TEST_CASE("a buffer that came back is used again, empty and with its memory") {
    const auto pool = FramePool::make();
    const std::string text(100'000, 'x');
    const std::byte* memory = nullptr;
    {
      OutFrame frame(pool);
      frame.buffer().append(core::as_bytes(text));
      memory = frame.buffer().data();
      CHECK(pool->away() == 1);
      CHECK(frame.bytes().size() == text.size());
    }
    CHECK(pool->away() == 0);
    CHECK(pool->spare() == 1);
    OutFrame again(pool);
    CHECK(again.buffer().data() == memory);
    CHECK(again.bytes().empty());
    CHECK(pool->spare() == 0);
  }

  TEST_CASE("a frame that nobody wrote to holds no buffer") {
    const auto pool = FramePool::make();
    const OutFrame frame(pool);
    CHECK(frame.bytes().empty());
    CHECK(pool->away() == 0);
  }

  TEST_CASE("a frame that was moved to is given back what it held") {
    const auto pool = FramePool::make();
    OutFrame kept(pool);
    kept.buffer().append(core::as_bytes("old"));
    OutFrame fresh(pool);
    fresh.buffer().append(core::as_bytes("new"));
    kept = std::move(fresh);
    CHECK(core::as_text(kept.bytes()) == "new");
    CHECK(pool->away() == 1);
    CHECK(pool->spare() == 1);
  }

  TEST_CASE("the pool keeps no more spare memory than its limit") {
    const auto pool = FramePool::make();
    {
      std::vector<OutFrame> frames;
      for (int i = 0; i < 5; ++i) {
        frames.emplace_back(pool);
        static_cast<void>(frames.back().buffer().room(4 * 1024 * 1024));
      }
    }
    CHECK(pool->away() == 0);
    CHECK(pool->spare() == FramePool::kSpareBytes / (4 * 1024 * 1024));
  }

  TEST_CASE("the pool outlives its owner while a buffer is away") {
    auto pool = FramePool::make();
    const std::weak_ptr<FramePool> watched = pool;
    auto buffer = pool->take();
    pool.reset();
    CHECK_FALSE(watched.expired());
    FramePool::give_back(std::move(buffer));
    CHECK(watched.expired());
  }
}
