// monitor_test.cpp: libzmq tells what was asked for.
// SPDX-License-Identifier: MIT
#include "net/monitor.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "net/rig.hpp"

using namespace sluice;
using net::Monitor;
using net::Socket;

TEST_SUITE("monitor") {
  TEST_CASE("only the events that were asked for are told, each with its descriptor") {
    const auto context = net::Context::shared();
    Socket pull(context, zmq::socket_type::pull);
    Monitor monitor(context, pull, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
    const auto where = pull.bind(net::rig::any_port());
    CHECK_FALSE(monitor.next());
    {
      const auto visitor = net::rig::tcp_connect(where.port);
      REQUIRE(visitor);
    }
    std::vector<net::MonitorEvent> events;
    CHECK(net::rig::wait_until({monitor.pollable()}, [&] {
      while (const auto event = monitor.next()) events.push_back(*event);
      return events.size() >= 2;
    }));
    REQUIRE(events.size() == 2);
    CHECK(events[0].what == ZMQ_EVENT_ACCEPTED);
    CHECK(events[1].what == ZMQ_EVENT_DISCONNECTED);
    CHECK(events[0].value == events[1].value);
  }

  TEST_CASE("a monitor that nobody reads does not stop the socket, and ends all the same") {
    const auto context = net::Context::shared();
    Socket pull(context, zmq::socket_type::pull);
    const Monitor monitor(context, pull, ZMQ_EVENT_ALL);
    pull.ref().set(zmq::sockopt::backlog, 4096);
    const auto where = pull.bind(net::rig::any_port());
    // Several events each, and libzmq's own limits on such a queue add up to 2000.
    for (int i = 0; i < 1500; ++i) REQUIRE(net::rig::tcp_connect(where.port));
    // The I/O thread still works: somebody can still connect and be read.
    net::rig::Stranger push(zmq::socket_type::push);
    push.connect(where);
    push.send_parts(1, "still here");
    zmq::message_t got;
    CHECK(net::rig::wait_until({pull.pollable()}, [&] {
      return ::zmq_msg_recv(got.handle(), pull.ref().handle(), ZMQ_DONTWAIT) >= 0;
    }));
    CHECK(got.to_string_view() == "still here");
  }

  TEST_CASE("a monitor can be moved") {
    const auto context = net::Context::shared();
    Socket pull(context, zmq::socket_type::pull);
    Monitor first(context, pull, ZMQ_EVENT_LISTENING);
    Monitor second = std::move(first);
    static_cast<void>(pull.bind(net::rig::any_port()));
    std::optional<net::MonitorEvent> event;
    CHECK(net::rig::wait_until({second.pollable()}, [&] {
      event = second.next();
      return event.has_value();
    }));
    REQUIRE(event);
    CHECK(event->what == ZMQ_EVENT_LISTENING);
  }
}
