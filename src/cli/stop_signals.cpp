// stop_signals.cpp: counts signals.
// SPDX-License-Identifier: MIT
#include "cli/stop_signals.hpp"

#include <poll.h>

#include <csignal>
#include <cstring>

namespace sluice::cli {
namespace {

// A blocked signal is delivered to a signalfd even where its action is to ignore it, so
// nohup would be defeated.

}  // namespace

net::SignalReader read_stop_signals() {
  struct sigaction hangup {};
  const bool ignored = ::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler == SIG_IGN;
  if (ignored) return net::SignalReader({SIGINT, SIGTERM});
  return net::SignalReader({SIGINT, SIGTERM, SIGHUP});
}

StopSignals::StopSignals() : reader_(read_stop_signals()) {}

bool StopSignals::wait(std::chrono::milliseconds timeout) {
  pollfd watched{reader_.fd(), POLLIN, 0};
  if (::poll(&watched, 1, static_cast<int>(timeout.count())) <= 0) return false;
  bool came = false;
  while (const auto signal = reader_.next()) {
    came = true;
    ++count_;
    last_ = *signal;
  }
  return came;
}

std::string StopSignals::name() const {
  const char* const short_name = ::sigabbrev_np(last_);
  return short_name == nullptr ? "no signal" : std::string("SIG") + short_name;
}

}  // namespace sluice::cli
