// sockets_test.cpp: binding and connecting, and what is said when it fails.
// SPDX-License-Identifier: MIT
#include "net/sockets.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include "net/rig.hpp"
#include "sluice/error.hpp"

using namespace sluice;
using net::Endpoint;
using net::Socket;

namespace {

Socket make() { return {net::Context::shared(), zmq::socket_type::pull}; }

std::string bind_error(const Endpoint& where) {
  try {
    Socket socket = make();
    static_cast<void>(socket.bind(where));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_SUITE("sockets") {
  TEST_CASE("any free port becomes a real one, and the host stays as it was asked for") {
    Socket one = make();
    const Endpoint at = one.bind(Endpoint::parse("tcp://127.0.0.1:0"));
    CHECK(at.host == "127.0.0.1");
    CHECK(at.port != 0);
    Socket all = make();
    const Endpoint everywhere = all.bind(Endpoint::parse("tcp://*:0"));
    CHECK(everywhere.host == "*");
    CHECK(everywhere.port != 0);
    CHECK(net::rig::tcp_connect(everywhere.port));
  }

  TEST_CASE("a taken port is named together with the cure") {
    const net::rig::TcpListener other;
    REQUIRE(other.port != 0);
    const std::string port = std::to_string(other.port);
    const std::string text = bind_error(Endpoint::parse("tcp://127.0.0.1:" + port));
    CHECK(text.find("cannot listen on tcp://127.0.0.1:" + port) != std::string::npos);
    CHECK(text.find("ss -ltnp 'sport = :" + port + "'") != std::string::npos);
    CHECK(text.find("choose another port") != std::string::npos);
  }

  TEST_CASE("an address of another machine is named together with the cure") {
    const std::string text = bind_error(Endpoint::parse("tcp://192.0.2.1:5570"));
    CHECK(text.find("tcp://192.0.2.1:5570") != std::string::npos);
    CHECK(text.find("tcp://*:5570 listens on all") != std::string::npos);
  }

  TEST_CASE("a bind that failed may be followed by one that does not") {
    const net::rig::TcpListener other;
    Socket socket = make();
    CHECK(socket.try_bind(net::rig::any_port().with_port(other.port)) == EADDRINUSE);
    CHECK(socket.try_bind(net::rig::any_port()) == 0);
  }

  TEST_CASE("only addresses are connected to, never names") {
    Socket socket = make();
    CHECK_THROWS_AS(socket.connect(Endpoint::parse("tcp://localhost:5570")), Error);
    CHECK_THROWS_AS(socket.connect(Endpoint::parse("tcp://*:5570")), Error);
    CHECK_NOTHROW(socket.connect(Endpoint::parse("tcp://127.0.0.1:5570")));
    Socket other = make();
    CHECK_NOTHROW(other.connect(Endpoint::parse("tcp://[::1]:5570")));
  }

  TEST_CASE("a socket that was moved away is not open") {
    Socket first = make();
    const auto before = first.pollable();
    const Socket second = std::move(first);
    CHECK_FALSE(first.is_open());
    CHECK(second.is_open());
    CHECK(second.pollable().socket == before.socket);
  }
}
