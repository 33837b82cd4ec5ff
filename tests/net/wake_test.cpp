// wake_test.cpp: a sleeping loop wakes, a busy one costs nothing.
// SPDX-License-Identifier: MIT
#include "net/wake.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <thread>

#include "net/clock.hpp"
#include "net/poll_set.hpp"

using namespace sluice;

namespace {

bool is_readable(const net::Wake& wake) {
  pollfd fd{wake.fd(), POLLIN, 0};
  return ::poll(&fd, 1, 0) == 1;
}

}  // namespace

TEST_SUITE("wake") {
  TEST_CASE("a loop that is awake is not signalled") {
    net::Wake wake;
    wake.signal();
    CHECK_FALSE(is_readable(wake));
  }

  TEST_CASE("a loop that is about to sleep is woken, and quiet again afterwards") {
    net::Wake wake;
    wake.going_to_sleep();
    wake.signal();
    wake.signal();
    CHECK(is_readable(wake));
    wake.awake();
    CHECK_FALSE(is_readable(wake));
    wake.signal();
    CHECK_FALSE(is_readable(wake));
  }

  TEST_CASE("no item is left behind in an inbox that others fill while the loop comes and goes") {
    constexpr int kItems = 20'000;
    net::Wake wake;
    std::atomic<int> inbox{0};
    std::thread other([&] {
      for (int i = 0; i < kItems; ++i) {
        inbox.fetch_add(1);
        wake.signal();
      }
    });
    int seen = 0;
    const core::Time deadline = net::Clock::now() + std::chrono::seconds(30);
    net::PollSet poll;
    while (seen < kItems && net::Clock::now() < deadline) {
      wake.going_to_sleep();
      poll.clear();
      poll.watch_fd(wake.fd());
      poll.wait(inbox.load() > 0 ? net::Clock::now() : deadline);
      wake.awake();
      seen += inbox.exchange(0);
    }
    other.join();
    CHECK(seen == kItems);
    CHECK(net::Clock::now() < deadline);
    // Nor is a signal left that would keep the loop from ever sleeping again.
    wake.going_to_sleep();
    wake.awake();
    CHECK_FALSE(is_readable(wake));
  }
}
