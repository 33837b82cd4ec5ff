// signals_test.cpp: masks and the reader; each case in a thread of its own, to keep its mask there.
// SPDX-License-Identifier: MIT
#include "net/signals.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <thread>

using namespace sluice;

namespace {

bool is_blocked(int signal) {
  sigset_t now;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
  return ::sigismember(&now, signal) == 1;
}

template <typename Body>
void in_a_thread(Body body) {
  std::thread(body).join();
}

}  // namespace

TEST_SUITE("signals") {
  TEST_CASE("a thread of a shell blocks what is not its own fault") {
    in_a_thread([] {
      net::block_signals_in_this_thread();
      CHECK(is_blocked(SIGTERM));
      CHECK(is_blocked(SIGCHLD));
      CHECK_FALSE(is_blocked(SIGSEGV));
      CHECK_FALSE(is_blocked(SIGABRT));
    });
  }

  TEST_CASE("a thread made under the guard starts blocked, and its maker goes on as before") {
    in_a_thread([] {
      {
        const net::SignalsBlocked guard;
        std::thread([] { CHECK(is_blocked(SIGINT)); }).join();
      }
      CHECK_FALSE(is_blocked(SIGINT));
    });
  }

  TEST_CASE("a signal is read instead of delivered") {
    in_a_thread([] {
      net::SignalReader reader({SIGUSR1, SIGHUP});
      CHECK_FALSE(reader.next());
      ::pthread_kill(::pthread_self(), SIGHUP);
      pollfd fd{reader.fd(), POLLIN, 0};
      CHECK(::poll(&fd, 1, 10'000) == 1);
      CHECK(reader.next() == SIGHUP);
      CHECK_FALSE(reader.next());
    });
  }

  TEST_CASE("a reader of signals has SIGPIPE ignored") {
    in_a_thread([] {
      ::signal(SIGPIPE, SIG_DFL);
      const net::SignalReader reader({SIGUSR1});
      const bool was_ignored = ::signal(SIGPIPE, SIG_IGN) == SIG_IGN;
      CHECK(was_ignored);
    });
  }
}
