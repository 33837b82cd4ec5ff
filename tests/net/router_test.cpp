// router_test.cpp: what peers can do to a ROUTER, and what it knows of them.
// SPDX-License-Identifier: MIT
#include "net/router.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <set>
#include <string>

#include "net/dealer.hpp"
#include "net/rig.hpp"
#include "sluice/error.hpp"
#include "support/temp_folder.hpp"

using namespace sluice;
using net::Dealer;
using net::Endpoint;
using net::Router;
using net::SendResult;
using net::rig::kMaxFrame;
using net::rig::next_message;
using net::rig::send_when_connected;
using net::rig::Stranger;
using net::rig::wait_until;

namespace {

Router make(const Endpoint& where = net::rig::any_port()) {
  return {net::Context::shared(), where, kMaxFrame};
}
Dealer connect(const Router& router) {
  return {net::Context::shared(), router.endpoint(), kMaxFrame};
}

std::optional<core::PeerId> wait_for_departed(Router& router) {
  std::optional<core::PeerId> gone;
  wait_until({router.departures()}, [&] {
    gone = router.next_departed();
    return gone.has_value();
  });
  return gone;
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("a message comes with its peer, and an answer finds it") {
    Router router = make();
    Dealer ann = connect(router);
    Dealer bob = connect(router);
    REQUIRE(send_when_connected(ann, "I am ann"));
    const auto first = next_message(router);
    REQUIRE(first);
    CHECK(core::as_text(first->frame) == "I am ann");
    const core::PeerId ann_id = first->from;
    REQUIRE(send_when_connected(bob, "I am bob"));
    const auto second = next_message(router);
    REQUIRE(second);
    CHECK(second->from != ann_id);
    CHECK(router.send(ann_id, core::as_bytes("hello ann")) == SendResult::sent);
    CHECK(router.send(second->from, core::as_bytes("hello bob")) == SendResult::sent);
    const auto to_ann = next_message(ann);
    REQUIRE(to_ann);
    CHECK(core::as_text(*to_ann) == "hello ann");
    const auto to_bob = next_message(bob);
    REQUIRE(to_bob);
    CHECK(core::as_text(*to_bob) == "hello bob");
    CHECK(router.peer_address(ann_id) == "127.0.0.1");
  }

  // PROTOCOL, "Links": a message with more frames is dropped, counted, and answered BAD_FRAME.
  TEST_CASE("a message of a thousand frames is dropped and reported, and the peer lives on") {
    Router router = make();
    Stranger peer(zmq::socket_type::dealer);
    peer.connect(router.endpoint());
    peer.send_parts(1000, "part");
    peer.send_parts(1, "whole");
    const auto first = next_message(router);
    REQUIRE(first);
    CHECK(first->extra_frames == 999);
    CHECK(first->frame.empty());
    const auto second = next_message(router);
    REQUIRE(second);
    CHECK(second->from == first->from);
    CHECK(second->extra_frames == 0);
    CHECK(core::as_text(second->frame) == "whole");
    CHECK(router.counters().multipart == 1);
    CHECK(router.send(first->from, core::as_bytes("one frame, please")) == SendResult::sent);
  }

  TEST_CASE("a peer that chose its own routing id is dropped and counted") {
    Router router = make();
    Stranger stranger(zmq::socket_type::dealer);
    stranger.socket().set(zmq::sockopt::routing_id, "fixed");
    stranger.connect(router.endpoint());
    for (int i = 0; i < 40; ++i) stranger.send_parts(1, "let me in");
    CHECK(wait_until({router.pollable()}, [&] {
      CHECK_FALSE(router.receive());
      return router.counters().foreign_ids == 40;
    }));
    Dealer ann = connect(router);
    REQUIRE(send_when_connected(ann, "still served"));
    const auto got = next_message(router);
    REQUIRE(got);
    CHECK(core::as_text(got->frame) == "still served");
  }

  TEST_CASE("an oversized frame cuts its sender off, and nobody else") {
    Router router = make();
    Dealer ann = connect(router);
    REQUIRE(send_when_connected(ann, "hello"));
    const auto hello = next_message(router);
    REQUIRE(hello);
    const core::PeerId ann_id = hello->from;

    Stranger stranger(zmq::socket_type::dealer);
    stranger.connect(router.endpoint());
    stranger.send_parts(1, "small");
    const auto small = next_message(router);
    REQUIRE(small);
    const core::PeerId stranger_id = small->from;
    stranger.send_parts(1, std::string(kMaxFrame + 34, 'x'));
    CHECK(wait_for_departed(router) == stranger_id);

    REQUIRE(send_when_connected(ann, std::string(kMaxFrame, 'y')));
    const auto largest = next_message(router);
    REQUIRE(largest);
    CHECK(largest->from == ann_id);
    CHECK(largest->frame.size() == kMaxFrame);
  }

  TEST_CASE("a peer that never was is unreachable") {
    Router router = make();
    CHECK(router.send(core::PeerId{12'345}, core::as_bytes("x")) == SendResult::unreachable);
    net::OutFrame frame(net::FramePool::make());
    frame.buffer().append(core::as_bytes(std::string(50'000, 'x')));
    CHECK(router.send(core::PeerId{12'345}, frame) == SendResult::unreachable);
    CHECK(frame.bytes().size() == 50'000);
    CHECK(router.counters().unreachable == 2);
  }

  TEST_CASE("a socket that closes is told of, by its number, and is unreachable then") {
    Router router = make();
    std::optional<Dealer> ann(connect(router));
    Dealer bob = connect(router);
    REQUIRE(send_when_connected(*ann, "ann"));
    const auto from_ann = next_message(router);
    REQUIRE(from_ann);
    const core::PeerId ann_id = from_ann->from;
    REQUIRE(send_when_connected(bob, "bob"));
    REQUIRE(next_message(router));
    ann.reset();
    CHECK(wait_for_departed(router) == ann_id);
    CHECK_FALSE(router.next_departed());
    CHECK(router.peer_address(ann_id).empty());
    // libzmq takes the dead pipe down a moment after its event.
    CHECK(wait_until({}, [&] {
      return router.send(ann_id, core::as_bytes("x")) == SendResult::unreachable;
    }));
  }

  TEST_CASE("of several peers the one whose process was killed is told of") {
    Router router = make();
    Dealer bob = connect(router);
    REQUIRE(send_when_connected(bob, "bob"));
    REQUIRE(next_message(router));
    const std::string where = router.endpoint().text();
    const pid_t child = ::fork();
    if (child == 0) {
      // A context of its own: nothing of its parent's ZeroMQ works in here.
      void* const socket = ::zmq_socket(::zmq_ctx_new(), ZMQ_DEALER);
      ::zmq_connect(socket, where.c_str());
      ::zmq_send(socket, "child", 5, 0);
      ::zmq_recv(socket, nullptr, 0, 0);
      ::_exit(1);
    }
    REQUIRE(child > 0);
    const auto hello = next_message(router);
    ::kill(child, SIGKILL);
    CHECK(::waitpid(child, nullptr, 0) == child);
    REQUIRE(hello);
    CHECK(core::as_text(hello->frame) == "child");
    CHECK(wait_for_departed(router) == hello->from);
    CHECK_FALSE(router.next_departed());
  }

  // Descriptors are used again at once, so the word about an old peer must not hit a new one.
  TEST_CASE("each peer that goes is told of once, however late one asks, and no other") {
    constexpr std::size_t kPeers = 100;
    Router router = make();
    std::set<core::PeerId> came;
    for (std::size_t i = 0; i < kPeers; ++i) {
      Dealer peer = connect(router);
      REQUIRE(send_when_connected(peer, "hello"));
      const auto hello = next_message(router);
      REQUIRE(hello);
      CHECK(came.insert(hello->from).second);
    }
    Dealer alive = connect(router);
    REQUIRE(send_when_connected(alive, "hello"));
    const auto hello = next_message(router);
    REQUIRE(hello);
    const core::PeerId alive_id = hello->from;
    std::set<core::PeerId> went;
    CHECK(wait_until({router.departures()}, [&] {
      while (const auto gone = router.next_departed()) CHECK(went.insert(*gone).second);
      return went.size() == kPeers;
    }));
    CHECK(went == came);
    CHECK(router.send(alive_id, core::as_bytes("still there")) == SendResult::sent);
  }

  TEST_CASE("plain HTTP and other garbage do no harm") {
    Router router = make();
    Dealer ann = connect(router);
    REQUIRE(send_when_connected(ann, "before"));
    REQUIRE(next_message(router));
    for (const std::string& garbage :
         {std::string("GET / HTTP/1.1\r\nHost: sluice\r\n\r\n"), std::string(5000, '\xff'),
          std::string(100, '\0'), std::string("\xff\0\0\0\0\0\0\0\x01\x7f", 10)}) {
      const auto visitor = net::rig::tcp_connect(router.endpoint().port);
      REQUIRE(visitor);
      CHECK(::send(visitor.get(), garbage.data(), garbage.size(), MSG_NOSIGNAL) > 0);
    }
    REQUIRE(send_when_connected(ann, "after"));
    const auto got = next_message(router);
    REQUIRE(got);
    CHECK(core::as_text(got->frame) == "after");
    CHECK_FALSE(router.next_departed());
  }

  // What it reports is `again`, which is the caller's to repeat: never a drop.
  TEST_CASE("a peer that does not read fills its own queue, and later gets all of it") {
    Router router = make();
    Stranger slow(zmq::socket_type::dealer);
    slow.socket().set(zmq::sockopt::rcvhwm, 1);
    slow.socket().set(zmq::sockopt::rcvbuf, 4096);
    slow.socket().set(zmq::sockopt::rcvtimeo, 10'000);
    slow.connect(router.endpoint());
    slow.send_parts(1, "hello");
    const auto hello = next_message(router);
    REQUIRE(hello);
    const core::PeerId peer = hello->from;
    const std::string text(10'000, 'z');
    std::size_t taken = 0;
    SendResult last = SendResult::sent;
    while (taken < 100'000 && last == SendResult::sent) {
      last = router.send(peer, core::as_bytes(text));
      if (last == SendResult::sent) ++taken;
    }
    CHECK(last == SendResult::again);
    CHECK(taken >= 2000);
    CHECK(router.counters().refused_sends == 1);
    zmq::message_t got;
    std::size_t arrived = 0;
    while (arrived < taken && slow.socket().recv(got)) ++arrived;
    CHECK(arrived == taken);
    CHECK(wait_until({}, [&] {
      return router.send(peer, core::as_bytes("go on")) == SendResult::sent;
    }));
  }

  TEST_CASE("a port is free as soon as its router is gone") {
    Endpoint where = net::rig::any_port();
    for (int i = 0; i < 20; ++i) {
      Router router = make(where);
      where = router.endpoint();
      Dealer ann = connect(router);
      REQUIRE(send_when_connected(ann, "hello"));
      REQUIRE(next_message(router));
    }
  }

  TEST_CASE("an ipc path has one router at a time, and is free when that is gone") {
    const TempFolder dir;
    const Endpoint where = Endpoint::parse("ipc://" + dir.file("s"));
    for (int i = 0; i < 5; ++i) {
      Router router = make(where);
      CHECK_THROWS_AS(make(where), Error);
      Dealer ann = connect(router);
      REQUIRE(send_when_connected(ann, "hello"));
      const auto got = next_message(router);
      REQUIRE(got);
      CHECK(core::as_text(got->frame) == "hello");
    }
    CHECK(::access(dir.file("s").c_str(), F_OK) != 0);
  }

  TEST_CASE("peers inside the process are served too") {
    Router router = make(Endpoint::parse("inproc://router-test"));
    Dealer ann = connect(router);
    REQUIRE(send_when_connected(ann, "hello"));
    const auto got = next_message(router);
    REQUIRE(got);
    CHECK(core::as_text(got->frame) == "hello");
    CHECK(router.send(got->from, core::as_bytes("hi")) == SendResult::sent);
  }

  TEST_CASE("a router that listens on all interfaces is reached by IPv4 and by IPv6") {
    Router router = make(Endpoint::parse("tcp://*:0"));
    Dealer four(net::Context::shared(), router.endpoint().with_host("127.0.0.1"), kMaxFrame);
    CHECK(send_when_connected(four, "4"));
    const exec::UniqueFd has_ipv6(::socket(AF_INET6, SOCK_STREAM, 0));
    sockaddr_in6 loopback{};
    loopback.sin6_family = AF_INET6;
    loopback.sin6_addr = in6addr_loopback;
    if (!has_ipv6 || ::bind(has_ipv6.get(), reinterpret_cast<const sockaddr*>(&loopback),
                            sizeof loopback) != 0) {
      MESSAGE("no IPv6 here: only half was tested");
      return;
    }
    Dealer six(net::Context::shared(), router.endpoint().with_host("::1"), kMaxFrame);
    CHECK(send_when_connected(six, "6"));
  }
}
