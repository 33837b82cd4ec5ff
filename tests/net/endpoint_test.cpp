// endpoint_test.cpp: what is an endpoint, and what is said about what is none.
// SPDX-License-Identifier: MIT
#include "net/endpoint.hpp"

#include <doctest/doctest.h>

#include "sluice/error.hpp"

using namespace sluice;
using net::Endpoint;
using Transport = net::Endpoint::Transport;

namespace {

std::string refusal(std::string_view text) {
  try {
    static_cast<void>(Endpoint::parse(text));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool says(const std::string& message, std::string_view part) {
  return message.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("endpoint") {
  TEST_CASE("a tcp endpoint has a host and a port") {
    const Endpoint e = Endpoint::parse("tcp://head.example:5570");
    CHECK(e.transport == Transport::tcp);
    CHECK(e.host == "head.example");
    CHECK(e.port == 5570);
    CHECK(e.text() == "tcp://head.example:5570");
  }

  TEST_CASE("host and port without a scheme are tcp") {
    CHECK(Endpoint::parse("head:5570") == Endpoint::parse("tcp://head:5570"));
    CHECK(Endpoint::parse("[::1]:5570") == Endpoint::parse("tcp://[::1]:5570"));
  }

  TEST_CASE("port 0 and * both mean any free port") {
    CHECK(Endpoint::parse("tcp://*:0").port == 0);
    CHECK(Endpoint::parse("tcp://*:*") == Endpoint::parse("tcp://*:0"));
  }

  TEST_CASE("an IPv6 address stands in brackets and has one spelling") {
    const Endpoint e = Endpoint::parse("tcp://[2001:DB8:0:0::0001]:65535");
    CHECK(e.host == "2001:db8::1");
    CHECK(e.text() == "tcp://[2001:db8::1]:65535");
    CHECK(e.is_ipv6());
    CHECK(e.is_literal());
    CHECK(Endpoint::parse("tcp://[fe80::1%eth0]:1").text() == "tcp://[fe80::1%eth0]:1");
    CHECK(says(refusal("tcp://::1:5570"), "brackets"));
    CHECK(says(refusal("tcp://[::1;]:5570"), "no IPv6 address"));
    CHECK(says(refusal("tcp://[::1%a;b]:5570"), "no IPv6 address"));
  }

  TEST_CASE("an IPv4 address mapped into IPv6 becomes IPv4") {
    CHECK(Endpoint::parse("tcp://[::ffff:10.0.0.7]:5570").text() == "tcp://10.0.0.7:5570");
  }

  TEST_CASE("what is missing or wrong in a tcp endpoint is named") {
    CHECK(says(refusal("tcp://head"), "no port"));
    CHECK(says(refusal("head"), "no port"));
    CHECK(says(refusal("tcp://[::1]"), "no port"));
    CHECK(says(refusal(""), "no port"));
    CHECK(says(refusal(":5570"), "names no host"));
    CHECK(says(refusal("tcp://head:"), "65535"));
    CHECK(says(refusal("tcp://head:65536"), "65535"));
    CHECK(says(refusal("tcp://head:55x"), "65535"));
    CHECK(says(refusal("tcp://head:-1"), "65535"));
    CHECK(says(refusal("tcp://a;b:1"), "a host is"));  // ZeroMQ would read a source address here
    CHECK(says(refusal("tcp://he ad:1"), "a host is"));
    CHECK(says(refusal("tcp://" + std::string(254, 'a') + ":1"), "a host is"));
  }

  TEST_CASE("other schemes are refused with the ones there are") {
    for (const char* text : {"udp://head:1", "ws://head:1", "pgm://x;239.0.0.1:1", "TCP://head:1",
                             "://head:1", "http://head:80"}) {
      CAPTURE(text);
      CHECK(says(refusal(text), "use tcp://HOST:PORT, ipc://PATH or inproc://NAME"));
    }
  }

  TEST_CASE("an ipc path has at most 107 bytes") {
    const std::string longest(107, 'p');
    CHECK(Endpoint::parse("ipc://" + longest).path == longest);
    CHECK(says(refusal("ipc://" + longest + "p"), "107"));
    CHECK(says(refusal("ipc://"), "no path"));
    CHECK(says(refusal("ipc://*"), "name a path"));
    CHECK(says(refusal(std::string_view("ipc://a\0b", 9)), "NUL"));
  }

  TEST_CASE("inproc names and ipc paths come back as they were") {
    CHECK(Endpoint::parse("inproc://pool-1").text() == "inproc://pool-1");
    CHECK(Endpoint::parse("ipc:///run/sluice.sock").text() == "ipc:///run/sluice.sock");
    CHECK(Endpoint::parse("ipc://@abstract").transport == Transport::ipc);
  }

  TEST_CASE("loopback is what no other machine can reach") {
    for (const char* text : {"tcp://127.0.0.1:1", "tcp://127.255.0.9:1", "tcp://localhost:1",
                             "tcp://[::1]:1", "ipc://x", "inproc://x"}) {
      CAPTURE(text);
      CHECK(Endpoint::parse(text).is_loopback());
    }
    for (const char* text : {"tcp://*:1", "tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://10.0.0.1:1",
                             "tcp://127.example.com:1", "tcp://lo:1", "tcp://[2001:db8::1]:1"}) {
      CAPTURE(text);
      CHECK_FALSE(Endpoint::parse(text).is_loopback());
    }
  }

  TEST_CASE("a name must be looked up, an address must not") {
    CHECK(Endpoint::parse("10.0.0.1:1").is_literal());
    CHECK(Endpoint::parse("ipc://x").is_literal());
    CHECK_FALSE(Endpoint::parse("localhost:1").is_literal());
    CHECK_FALSE(Endpoint::parse("10.0.0.256:1").is_literal());
  }

  TEST_CASE("another host can be told to others") {
    const Endpoint any = Endpoint::parse("tcp://*:5570");
    CHECK(any.with_host("head").text() == "tcp://head:5570");
    CHECK(any.with_host("[2001:db8::7]").text() == "tcp://[2001:db8::7]:5570");
    CHECK(any.with_host("2001:db8::7").text() == "tcp://[2001:db8::7]:5570");
    CHECK(Endpoint::parse("ipc://x").with_host("head").text() == "ipc://x");
    CHECK_THROWS_AS(static_cast<void>(any.with_host("a b")), Error);
    CHECK_THROWS_AS(static_cast<void>(any.with_host("")), Error);
  }

  TEST_CASE("one connects to a machine and a port, not to all or any") {
    CHECK_NOTHROW(Endpoint::parse("tcp://10.0.0.1:1").require_connectable());
    CHECK_NOTHROW(Endpoint::parse("inproc://x").require_connectable());
    for (const char* text : {"tcp://*:1", "tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://10.0.0.1:0"}) {
      CAPTURE(text);
      CHECK_THROWS_AS(Endpoint::parse(text).require_connectable(), Error);
    }
  }
}
