// poll_set_test.cpp: what ends a wait, and what does not.
// SPDX-License-Identifier: MIT
#include "net/poll_set.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <thread>

#include "net/dealer.hpp"
#include "net/rig.hpp"
#include "net/router.hpp"

using namespace sluice;
using namespace std::chrono_literals;
using net::Clock;
using net::PollSet;

namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{-1, -1};
    REQUIRE(::pipe(ends.data()) == 0);
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
  void fill() const { REQUIRE(::write(in.get(), "x", 1) == 1); }
  exec::UniqueFd out, in;
};

}  // namespace

TEST_SUITE("poll_set") {
  TEST_CASE("a wait ends at its deadline, however near, and not before") {
    PollSet poll;
    for (const core::Duration far : {0ns, 300'000ns, 3'000'000ns}) {
      const core::Time deadline = Clock::now() + far;
      poll.wait(deadline);
      CHECK(Clock::now() >= deadline);
    }
    poll.wait(Clock::now() - 1h);
  }

  TEST_CASE("a descriptor ends a wait that has no deadline") {
    const Pipe pipe, other;
    PollSet poll;
    const auto quiet = poll.watch_fd(other.out.get());
    const auto filled = poll.watch_fd(pipe.out.get());
    pipe.fill();
    poll.wait(std::nullopt);
    CHECK(poll.readable(filled));
    CHECK_FALSE(poll.readable(quiet));
  }

  TEST_CASE("sockets and descriptors are told of in the same wait") {
    net::Router router(net::Context::shared(), net::rig::any_port(), net::rig::kMaxFrame);
    net::Dealer dealer(net::Context::shared(), router.endpoint(), net::rig::kMaxFrame);
    REQUIRE(net::rig::send_when_connected(dealer, "hello"));
    PollSet poll;
    auto slot = poll.watch(router.pollable());
    poll.wait(Clock::now() + 10s);
    REQUIRE(poll.readable(slot));

    const Pipe pipe;
    pipe.fill();
    poll.clear();
    slot = poll.watch(router.pollable());
    const auto fd = poll.watch_fd(pipe.out.get());
    poll.wait(std::nullopt);
    CHECK(poll.readable(slot));
    CHECK(poll.readable(fd));
    CHECK_FALSE(poll.writable(slot));
  }

  // libzmq's descriptor tells of changes only; what lies in a socket since long must still count.
  TEST_CASE("messages left in a socket end every wait until they are read") {
    net::Router router(net::Context::shared(), net::rig::any_port(), net::rig::kMaxFrame);
    net::Dealer dealer(net::Context::shared(), router.endpoint(), net::rig::kMaxFrame);
    REQUIRE(net::rig::send_when_connected(dealer, "one"));
    REQUIRE(net::rig::send_when_connected(dealer, "two"));
    REQUIRE(net::rig::next_message(router));
    PollSet poll;
    const auto slot = poll.watch(router.pollable());
    for (int i = 0; i < 3; ++i) {
      poll.wait(Clock::now() + 10s);
      CHECK(poll.readable(slot));
    }
    CHECK(router.receive());
    poll.wait(Clock::now());
    CHECK_FALSE(poll.readable(slot));
  }

  // A socket that was found empty is not asked again, for its descriptor will tell; but sending
  // takes in what the descriptor had to tell.
  TEST_CASE("a message whose arrival a send has hidden ends the next wait") {
    net::Router router(net::Context::shared(), net::rig::any_port(), net::rig::kMaxFrame);
    net::Dealer dealer(net::Context::shared(), router.endpoint(), net::rig::kMaxFrame);
    REQUIRE(net::rig::send_when_connected(dealer, "hello"));
    const auto hello = net::rig::next_message(router);
    REQUIRE(hello);
    PollSet poll;
    const auto slot = poll.watch(dealer.pollable());
    REQUIRE_FALSE(dealer.receive());
    poll.wait(Clock::now());
    REQUIRE_FALSE(poll.readable(slot));

    REQUIRE(router.send(hello->from, core::as_bytes("news")) == net::SendResult::sent);
    const auto stirred = [&](int ms) {
      pollfd fd{dealer.pollable().fd, POLLIN, 0};
      return ::poll(&fd, 1, ms) > 0;
    };
    REQUIRE(stirred(10'000));
    const core::Time until = Clock::now() + 10s;
    while (stirred(0) && Clock::now() < until) {
      static_cast<void>(dealer.send(core::as_bytes("busy")));
      while (router.receive()) continue;
    }
    REQUIRE_FALSE(stirred(0));
    poll.wait(until);
    CHECK(poll.readable(slot));
    CHECK(dealer.receive());
    poll.wait(Clock::now());
    CHECK_FALSE(poll.readable(slot));
  }

  TEST_CASE("a connection that comes up makes its socket writable") {
    net::Router router(net::Context::shared(), net::rig::any_port(), net::rig::kMaxFrame);
    net::Dealer dealer(net::Context::shared(), router.endpoint(), net::rig::kMaxFrame);
    PollSet poll;
    const auto slot = poll.watch(dealer.pollable(), PollSet::Want::read_and_write);
    poll.wait(Clock::now() + 10s);
    CHECK(poll.writable(slot));
    CHECK_FALSE(poll.readable(slot));
  }

  TEST_CASE("a signal does not end a wait") {
    struct sigaction nothing {};
    struct sigaction before {};
    nothing.sa_handler = [](int) {};
    REQUIRE(::sigaction(SIGUSR2, &nothing, &before) == 0);
    const pthread_t waiter = ::pthread_self();
    std::thread other([waiter] { ::pthread_kill(waiter, SIGUSR2); });
    const core::Time deadline = Clock::now() + 20ms;
    PollSet poll;
    poll.wait(deadline);
    CHECK(Clock::now() >= deadline);
    other.join();
    ::sigaction(SIGUSR2, &before, nullptr);
  }
}
