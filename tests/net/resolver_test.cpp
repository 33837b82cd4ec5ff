// resolver_test.cpp: names become addresses, in a thread that nobody waits for.
// SPDX-License-Identifier: MIT
#include "net/resolver.hpp"

#include <doctest/doctest.h>

#include "net/clock.hpp"
#include "net/poll_set.hpp"

using namespace sluice;
using net::Endpoint;

namespace {

std::optional<net::Resolution> wait_for(net::Resolver& resolver) {
  net::PollSet poll;
  poll.watch_fd(resolver.fd());
  poll.wait(net::Clock::now() + std::chrono::seconds(30));
  return resolver.take();
}

// No name server is asked: a label has at most 63 letters.
const std::string kNoName = std::string(70, 'x') + ":5570";

}  // namespace

TEST_SUITE("resolver") {
  TEST_CASE("an address is its own answer, at once") {
    net::Resolver resolver;
    resolver.start(Endpoint::parse("tcp://[::1]:5570"));
    const auto answer = resolver.take();
    REQUIRE(answer);
    REQUIRE(answer->endpoints.size() == 1);
    CHECK(answer->endpoints[0].text() == "tcp://[::1]:5570");
    CHECK_FALSE(resolver.busy());
  }

  TEST_CASE("localhost is 127.0.0.1 first, for that is where a name listens") {
    net::Resolver resolver;
    CHECK_FALSE(resolver.busy());
    resolver.start(Endpoint::parse("localhost:5570"));
    CHECK(resolver.busy());
    const auto answer = wait_for(resolver);
    REQUIRE(answer);
    REQUIRE_FALSE(answer->endpoints.empty());
    CHECK(answer->endpoints[0].text() == "tcp://127.0.0.1:5570");
    CHECK_FALSE(resolver.busy());
    CHECK_FALSE(resolver.take());
  }

  TEST_CASE("a name that nobody knows is an answer that says so") {
    net::Resolver resolver;
    resolver.start(Endpoint::parse(kNoName));
    const auto answer = wait_for(resolver);
    REQUIRE(answer);
    CHECK(answer->endpoints.empty());
    CHECK(answer->error.find("cannot find the address of xxx") != std::string::npos);
    CHECK(answer->error.find("getent hosts") != std::string::npos);
  }

  TEST_CASE("a newer question replaces an older one") {
    net::Resolver resolver;
    resolver.start(Endpoint::parse(kNoName));
    resolver.start(Endpoint::parse("10.0.0.1:5570"));
    const auto answer = resolver.take();
    REQUIRE(answer);
    CHECK(answer->endpoints[0].host == "10.0.0.1");
  }

  TEST_CASE("a resolver can go while its lookup runs") {
    for (int i = 0; i < 20; ++i) {
      net::Resolver resolver;
      resolver.start(Endpoint::parse("localhost:1"));
      CHECK(resolver.busy());
    }
  }

  TEST_CASE("all addresses of a name take their turn") {
    net::Resolution two;
    two.endpoints = {Endpoint::parse("10.0.0.1:1"), Endpoint::parse("10.0.0.2:1")};
    CHECK(two.pick(0).host == "10.0.0.1");
    CHECK(two.pick(1).host == "10.0.0.2");
    CHECK(two.pick(2).host == "10.0.0.1");
  }
}
