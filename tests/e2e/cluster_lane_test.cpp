// cluster_lane_test.cpp: lanes that cannot be reached, and strangers on them.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <zmq.hpp>

#include "e2e/forwarder.hpp"
#include "e2e/handler_cluster.hpp"

namespace sluice::e2e {
namespace {

std::uint16_t port_of(const std::string& endpoint) {
  return static_cast<std::uint16_t>(std::stoul(endpoint.substr(endpoint.rfind(':') + 1)));
}

}  // namespace

TEST_SUITE("e2e: lanes") {
  // Rule 8.1. The control connection goes through 127.0.0.2; so the worker looks for its lane
  // there, where nobody listens.
  TEST_CASE("a worker that cannot reach its lane gets its tasks over the control connection") {
    HandlerCluster cluster({"--heartbeat", "250ms", "--no-sync"});
    const Forwarder forwarder("127.0.0.2", port_of(cluster.control));
    HandlerWorker far = cluster.handler_worker(2, forwarder.endpoint());
    cluster.hold(1000, [](int) { return 200; });
    REQUIRE(cluster.wait_settled());
    CHECK(flaws(cluster.outcomes(), 1000) == "");
    CHECK(cluster.worker_status(far.name()).at("lane") == "inline");
    CHECK(cluster.number("counters", "lane_failures") == 1);
    CHECK(cluster.number("counters", "redelivered") == 0);

    HandlerWorker near = cluster.handler_worker(2);  // that one's trouble is its own
    REQUIRE(cluster.wait_workers(2));
    REQUIRE(eventually([&] { return cluster.worker_status(near.name()).at("state") == "active"; }));
    CHECK(cluster.worker_status(near.name()).at("lane") == "push");
  }

  // A PUSH deals out to all who connect. What a stranger got is missed by its number and leased
  // anew (rules 7 and 8.2).
  TEST_CASE("tasks that a stranger takes off a lane are run all the same") {
    HandlerCluster cluster({"--heartbeat", "250ms", "--no-sync"});
    HandlerWorker worker = cluster.handler_worker(1);
    REQUIRE(cluster.wait_workers(1));
    zmq::context_t context;
    zmq::socket_t stranger(context, zmq::socket_type::pull);
    stranger.set(zmq::sockopt::linger, 0);
    for (const std::uint16_t port : listening_ports(cluster.ventilator->pid()))
      if (port >= 20000 && port <= 20999)
        stranger.connect("tcp://127.0.0.1:" + std::to_string(port));
    std::size_t stolen = 0;
    cluster.hold(200, [](int) { return 200; });
    REQUIRE(eventually([&] {
      zmq::message_t message;
      while (stranger.recv(message, zmq::recv_flags::dontwait)) ++stolen;
      return cluster.number("tasks", "unsettled") == 0;
    }, kHangs));
    CHECK(flaws(cluster.outcomes(), 200) == "");
    MESSAGE("the stranger took ", stolen, " messages");
  }
}

}  // namespace sluice::e2e
