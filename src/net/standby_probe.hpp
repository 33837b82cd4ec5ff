// standby_probe.hpp: asking an address whether a standby listens there.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace sluice::net {

struct StandbyAnswer {
  std::string text;    ///< of whom, since when: for people
  std::string active;  ///< where the active ventilator is; empty: it does not know
};

/// What a standby at `endpoint` says. Nothing: a ventilator that is active answers there, or
/// nobody within `timeout`. Throws Error if it is no address.
[[nodiscard]] std::optional<StandbyAnswer> ask_standby(const std::string& endpoint,
                                                       std::chrono::milliseconds timeout);

}  // namespace sluice::net
