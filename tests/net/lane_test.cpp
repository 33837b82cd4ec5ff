// lane_test.cpp: a lane finds a port, and carries to one worker.
// SPDX-License-Identifier: MIT
#include "net/lane.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "net/rig.hpp"

using namespace sluice;
using namespace std::chrono_literals;
using net::Endpoint;
using net::LanePorts;
using net::LanePull;
using net::LanePush;
using net::SendResult;
using net::rig::kMaxFrame;

namespace {

constexpr core::Time kStart{1h};

Endpoint at(std::uint16_t port) { return net::rig::any_port().with_port(port); }

}  // namespace

TEST_SUITE("lane") {
  TEST_CASE("lanes listen where the control socket does") {
    CHECK(net::lane_host(Endpoint::parse("tcp://*:1")) == "*");
    CHECK(net::lane_host(Endpoint::parse("tcp://[::1]:1")) == "::1");
    CHECK(net::lane_host(Endpoint::parse("ipc://x")) == "127.0.0.1");
  }

  TEST_CASE("a lane walks past a port that another process has") {
    const auto context = net::Context::shared();
    const net::rig::TcpListener other;
    REQUIRE(other.port < 65'500);
    const auto last = static_cast<std::uint16_t>(other.port + 20);
    LanePorts ports(other.port, last, 1s, 0);
    const auto lane = LanePush::open(context, "127.0.0.1", ports, kStart);
    REQUIRE(lane);
    CHECK(lane->port() > other.port);
    CHECK(lane->port() <= last);
  }

  TEST_CASE("there is no lane when no port is free") {
    const auto context = net::Context::shared();
    const net::rig::TcpListener other;
    LanePorts ports(other.port, other.port, 1s, 0);
    CHECK_FALSE(LanePush::open(context, "127.0.0.1", ports, kStart));
    CHECK(ports.take(kStart) == other.port);  // it was not lost by the attempt
  }

  TEST_CASE("a lane's port is not used again before its quarantine is over") {
    const auto context = net::Context::shared();
    LanePorts ports(20'000, 20'999, 48s, 500);
    auto lane = LanePush::open(context, "127.0.0.1", ports, kStart);
    REQUIRE(lane);
    LanePorts only(lane->port(), lane->port(), 48s, 0);
    REQUIRE(only.take(kStart) == lane->port());
    only.give_back(lane->port(), kStart);
    lane.reset();
    CHECK_FALSE(LanePush::open(context, "127.0.0.1", only, kStart + 48s - 1ns));
    // A closed port is free a moment later, when libzmq's I/O thread comes to it.
    CHECK(net::rig::wait_until(
        {}, [&] { return LanePush::open(context, "127.0.0.1", only, kStart + 48s).has_value(); }));
  }

  TEST_CASE("a worker gets what was sent after it came, and nothing is taken before") {
    const auto context = net::Context::shared();
    LanePorts ports(20'000, 20'999, 1s, 100);
    auto lane = LanePush::open(context, "127.0.0.1", ports, kStart);
    REQUIRE(lane);
    CHECK(lane->send(core::as_bytes("nobody")) == SendResult::again);
    LanePull pull(context, at(lane->port()), kMaxFrame);
    REQUIRE(net::rig::send_when_connected(*lane, "probe"));
    for (int i = 0; i < 5000; ++i) {  // far beyond any default HWM: credit is the limit
      REQUIRE(lane->send(core::as_bytes("task " + std::to_string(i))) == SendResult::sent);
    }
    auto got = net::rig::next_message(pull);
    REQUIRE(got);
    CHECK(core::as_text(*got) == "probe");
    for (int i = 0; i < 5000; ++i) {
      got = net::rig::next_message(pull);
      REQUIRE(got);
      REQUIRE(core::as_text(*got) == "task " + std::to_string(i));
    }
    CHECK_FALSE(pull.receive());
  }

  TEST_CASE("messages of several frames do not come out of a lane") {
    net::rig::Stranger push(zmq::socket_type::push);
    push.socket().bind("tcp://127.0.0.1:0");
    LanePull pull(net::Context::shared(),
                  Endpoint::parse(push.socket().get(zmq::sockopt::last_endpoint)), kMaxFrame);
    push.send_parts(2, "part");
    push.send_parts(1, "whole");
    const auto got = net::rig::next_message(pull);
    REQUIRE(got);
    CHECK(core::as_text(*got) == "whole");
    CHECK(pull.dropped_multipart() == 1);
  }
}
