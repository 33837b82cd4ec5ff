// frame_io_test.cpp: who has the bytes after a send.
// SPDX-License-Identifier: MIT
#include "net/frame_io.hpp"

#include <doctest/doctest.h>

#include <string>

#include "net/lane.hpp"
#include "net/rig.hpp"
#include "net/router.hpp"

using namespace sluice;
using net::OutFrame;
using net::SendResult;

namespace {

struct Lane {
  std::shared_ptr<net::Context> context = net::Context::shared();
  net::LanePorts ports{20'000, 20'999, std::chrono::seconds(1), 0};
  net::LanePush push = *net::LanePush::open(context, "127.0.0.1", ports, core::Time{});
  [[nodiscard]] net::Endpoint where() const {
    return net::rig::any_port().with_port(push.port());
  }
};

void fill(OutFrame& frame, std::size_t size, char with) {
  frame.buffer().clear();
  frame.buffer().append(core::as_bytes(std::string(size, with)));
}

}  // namespace

TEST_SUITE("frame_io") {
  TEST_CASE("what could not be sent is still the caller's, large or small") {
    const auto pool = net::FramePool::make();
    Lane lane;
    for (const std::size_t size : {net::kLargeFrame - 1, net::kLargeFrame, std::size_t{60'000}}) {
      CAPTURE(size);
      OutFrame frame(pool);
      fill(frame, size, 'a');
      for (int i = 0; i < 3; ++i) CHECK(lane.push.send(frame) == SendResult::again);
      CHECK(core::as_text(frame.bytes()) == std::string(size, 'a'));
      CHECK(pool->away() == 1);
    }
    CHECK(pool->away() == 0);
  }

  TEST_CASE("large frames arrive whole, and their buffers come back") {
    const auto pool = net::FramePool::make();
    {
      Lane lane;
      net::LanePull pull(lane.context, lane.where(), net::rig::kMaxFrame);
      REQUIRE(net::rig::send_when_connected(lane.push, "ready"));
      REQUIRE(net::rig::next_message(pull));
      OutFrame frame(pool);
      for (char c = 'a'; c <= 'j'; ++c) {
        fill(frame, 50'000, c);
        REQUIRE(lane.push.send(frame) == SendResult::sent);
        CHECK(frame.bytes().empty());
      }
      for (char c = 'a'; c <= 'j'; ++c) {
        const auto got = net::rig::next_message(pull);
        REQUIRE(got);
        CHECK(core::as_text(*got) == std::string(50'000, c));
      }
    }
    // The context has ended with its sockets, so libzmq is done with all of it.
    CHECK(pool->away() == 0);
    CHECK(pool->spare() >= 1);
    CHECK(pool->spare() <= 10);
  }

  TEST_CASE("buffers still queued in a socket that closes come back too") {
    const auto pool = net::FramePool::make();
    {
      Lane lane;
      net::LanePull pull(lane.context, lane.where(), net::rig::kMaxFrame);
      REQUIRE(net::rig::send_when_connected(lane.push, "ready"));
      OutFrame frame(pool);
      for (int i = 0; i < 200; ++i) {
        fill(frame, 50'000, 'q');
        REQUIRE(lane.push.send(frame) == SendResult::sent);
      }
    }
    CHECK(pool->away() == 0);
  }

  TEST_CASE("a small frame keeps its buffer for the next message") {
    const auto pool = net::FramePool::make();
    Lane lane;
    net::LanePull pull(lane.context, lane.where(), net::rig::kMaxFrame);
    REQUIRE(net::rig::send_when_connected(lane.push, "ready"));
    REQUIRE(net::rig::next_message(pull));
    OutFrame frame(pool);
    fill(frame, 100, 's');
    CHECK(lane.push.send(frame) == SendResult::sent);
    CHECK(pool->away() == 1);
    const auto got = net::rig::next_message(pull);
    REQUIRE(got);
    CHECK(core::as_text(*got) == std::string(100, 's'));
  }

  TEST_CASE("an empty message arrives as one") {
    Lane lane;
    net::LanePull pull(lane.context, lane.where(), net::rig::kMaxFrame);
    REQUIRE(net::rig::send_when_connected(lane.push, ""));
    const auto got = net::rig::next_message(pull);
    REQUIRE(got);
    CHECK(got->empty());
  }
}
