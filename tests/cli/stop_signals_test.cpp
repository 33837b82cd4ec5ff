// stop_signals_test.cpp: signals are counted, and do not interrupt.
// SPDX-License-Identifier: MIT
#include "cli/stop_signals.hpp"

#include <doctest/doctest.h>
#include <pthread.h>

#include <csignal>

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;

TEST_SUITE("stop_signals") {
  TEST_CASE("each signal counts, and the last one has a name") {
    StopSignals signals;
    CHECK_FALSE(signals.wait(milliseconds(0)));
    CHECK(signals.count() == 0);
    REQUIRE(::pthread_kill(::pthread_self(), SIGTERM) == 0);
    CHECK(signals.wait(milliseconds(5000)));
    CHECK(signals.count() == 1);
    CHECK(signals.name() == "SIGTERM");
    REQUIRE(::pthread_kill(::pthread_self(), SIGINT) == 0);
    CHECK(signals.wait(milliseconds(5000)));
    CHECK(signals.count() == 2);
    CHECK(signals.name() == "SIGINT");
  }

  TEST_CASE("a hangup counts unless it was to be ignored") {
    {
      StopSignals signals;
      REQUIRE(::pthread_kill(::pthread_self(), SIGHUP) == 0);
      CHECK(signals.wait(milliseconds(5000)));
    }
    sigset_t hangup;
    ::sigemptyset(&hangup);
    ::sigaddset(&hangup, SIGHUP);
    REQUIRE(::pthread_sigmask(SIG_UNBLOCK, &hangup, nullptr) == 0);
    const auto before = ::signal(SIGHUP, SIG_IGN);
    StopSignals signals;
    REQUIRE(::pthread_kill(::pthread_self(), SIGHUP) == 0);
    CHECK_FALSE(signals.wait(milliseconds(0)));
    ::signal(SIGHUP, before);
  }
}

}  // namespace
}  // namespace sluice::cli
