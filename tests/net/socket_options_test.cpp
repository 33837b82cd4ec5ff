// socket_options_test.cpp: the sheet, read back from the sockets.
// SPDX-License-Identifier: MIT
#include "net/socket_options.hpp"

#include <doctest/doctest.h>

#include "net/sockets.hpp"

using namespace sluice;

namespace {

struct Made {
  explicit Made(zmq::socket_type type) : socket(net::Context::shared(), type) {}
  net::Socket socket;
  template <typename Option>
  int get(Option option) const {
    return static_cast<int>(socket.ref().get(option));
  }
};

}  // namespace

TEST_SUITE("socket_options") {
  // A heartbeat on a bound socket that receives lets a peer abort the process.
  TEST_CASE("a bound socket has no heartbeat, and limits for those who keep to no credit") {
    const Made router(zmq::socket_type::router);
    net::set_router_options(router.socket.ref(), 100'000);
    CHECK(router.get(zmq::sockopt::heartbeat_ivl) == 0);
    CHECK(router.get(zmq::sockopt::rcvhwm) == 2000);
    CHECK(router.get(zmq::sockopt::sndhwm) == 2000);
    CHECK(router.get(zmq::sockopt::backlog) == 4096);
    CHECK(router.get(zmq::sockopt::maxmsgsize) == 100'033);
    CHECK(router.get(zmq::sockopt::linger) == 0);
  }

  // With a full queue its heartbeat would go unanswered and cut a healthy connection.
  TEST_CASE("a connecting socket has a heartbeat and no limit on what it receives") {
    const Made dealer(zmq::socket_type::dealer);
    net::set_dealer_options(dealer.socket.ref(), 100'000);
    CHECK(dealer.get(zmq::sockopt::heartbeat_ivl) == 2000);
    CHECK(dealer.get(zmq::sockopt::heartbeat_timeout) == 10'000);
    CHECK(dealer.get(zmq::sockopt::heartbeat_ttl) == 20'000);
    CHECK(dealer.get(zmq::sockopt::rcvhwm) == 0);
    CHECK(dealer.get(zmq::sockopt::immediate) == 1);
    CHECK(dealer.get(zmq::sockopt::reconnect_ivl) == 100);
    CHECK(dealer.get(zmq::sockopt::linger) == 0);
  }

  TEST_CASE("a lane is limited by credit alone") {
    const Made push(zmq::socket_type::push);
    net::set_lane_push_options(push.socket.ref());
    CHECK(push.get(zmq::sockopt::sndhwm) == 0);
    CHECK(push.get(zmq::sockopt::linger) == 0);
    const Made pull(zmq::socket_type::pull);
    net::set_lane_pull_options(pull.socket.ref(), 100'000);
    CHECK(pull.get(zmq::sockopt::rcvhwm) == 0);
    CHECK(pull.get(zmq::sockopt::maxmsgsize) == 100'033);
    CHECK(pull.get(zmq::sockopt::heartbeat_ttl) == 60'000);
  }

  TEST_CASE("the smallest frame limit still lets a handshake through") {
    const Made pull(zmq::socket_type::pull);
    net::set_lane_pull_options(pull.socket.ref(), 1);
    CHECK(pull.get(zmq::sockopt::maxmsgsize) == 1024 + 33);
  }
}
