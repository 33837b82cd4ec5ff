// dealer_test.cpp: a connection comes, goes, and is refused.
// SPDX-License-Identifier: MIT
#include "net/dealer.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "net/rig.hpp"
#include "net/router.hpp"
#include "sluice/error.hpp"

using namespace sluice;
using net::Dealer;
using net::Endpoint;
using net::LinkEvent;
using net::Router;
using net::SendResult;
using net::rig::kMaxFrame;
using net::rig::wait_until;

namespace {

std::optional<LinkEvent> wait_for_event(Dealer& dealer) {
  std::optional<LinkEvent> event;
  wait_until({dealer.events()}, [&] {
    event = dealer.next_event();
    return event.has_value();
  });
  return event;
}

}  // namespace

TEST_SUITE("dealer") {
  TEST_CASE("nothing is taken before there is a connection, and all after") {
    const auto context = net::Context::shared();
    Endpoint where;
    {
      const net::rig::TcpListener nobody;
      where = net::rig::any_port().with_port(nobody.port);
    }
    Dealer dealer(context, where, kMaxFrame);
    CHECK(dealer.send(core::as_bytes("early")) == SendResult::again);
    Router router(context, where, kMaxFrame);
    CHECK(wait_for_event(dealer) == LinkEvent::connected);
    CHECK(net::rig::send_when_connected(dealer, "now"));
    const auto got = net::rig::next_message(router);
    REQUIRE(got);
    CHECK(core::as_text(got->frame) == "now");
  }

  TEST_CASE("a peer that goes is told of, and its return too") {
    const auto context = net::Context::shared();
    std::optional<Router> router(std::in_place, context, net::rig::any_port(), kMaxFrame);
    const Endpoint where = router->endpoint();
    Dealer dealer(context, where, kMaxFrame);
    CHECK(wait_for_event(dealer) == LinkEvent::connected);
    router.reset();
    CHECK(wait_for_event(dealer) == LinkEvent::disconnected);
    router.emplace(context, where, kMaxFrame);
    CHECK(wait_for_event(dealer) == LinkEvent::connected);
  }

  TEST_CASE("a peer that breaks off the handshake refuses") {
    const net::rig::TcpListener listener;
    Dealer dealer(net::Context::shared(), net::rig::any_port().with_port(listener.port), kMaxFrame);
    const exec::UniqueFd peer(::accept(listener.fd.get(), nullptr, nullptr));
    REQUIRE(peer);
    // A ZMTP 3.0 greeting (NULL mechanism), then a command that has no place there.
    std::string greeting("\xff\0\0\0\0\0\0\0\x01\x7f\x03\x00NULL", 16);
    greeting.resize(64);
    const std::string bytes = greeting + std::string("\x04\x06\x05" "BOGUS", 8);
    REQUIRE(::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
    CHECK(wait_for_event(dealer) == LinkEvent::refused);
  }

  TEST_CASE("messages of several frames are dropped and counted") {
    net::rig::Stranger peer(zmq::socket_type::dealer);
    peer.socket().bind("tcp://127.0.0.1:0");
    const Endpoint where = Endpoint::parse(peer.socket().get(zmq::sockopt::last_endpoint));
    Dealer dealer(net::Context::shared(), where, kMaxFrame);
    for (int i = 0; i < 20; ++i) peer.send_parts(3, "part");
    peer.send_parts(1, "whole");
    const auto got = net::rig::next_message(dealer);
    REQUIRE(got);
    CHECK(core::as_text(*got) == "whole");
    CHECK(dealer.dropped_multipart() == 20);
  }

  TEST_CASE("a name or an address that is none to connect to is refused") {
    const auto context = net::Context::shared();
    CHECK_THROWS_AS(Dealer(context, Endpoint::parse("localhost:1"), kMaxFrame), Error);
    CHECK_THROWS_AS(Dealer(context, Endpoint::parse("tcp://*:1"), kMaxFrame), Error);
  }
}
