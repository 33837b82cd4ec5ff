// stand_by.hpp: a ventilator's time before it is active, and its eye on those that wait for it.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cli/role_log.hpp"
#include "cli/stop_signals.hpp"
#include "net/published_access.hpp"
#include "sluice/ventilator.hpp"

namespace sluice::cli {

/// Waits until nobody owns the journal. Returns the options of the ventilator that is to be;
/// nothing if a signal came before. Throws sluice::Error as net::Standby does.
[[nodiscard]] std::optional<VentilatorOptions> stand_by(const VentilatorOptions& options,
                                                        StopSignals& signals, const RoleLog& log);

/// Tells who stands by, and keeps the access file as it should be.
class StandbyWatch {
 public:
  explicit StandbyWatch(const RoleLog& log) : log_(log) {}
  /// About once a second. Throws Superseded if another one has taken over.
  void look(const Ventilator& ventilator, net::PublishedAccess& access);

 private:
  const RoleLog& log_;
  std::vector<std::string> standbys_;
  std::string trouble_;
  std::chrono::steady_clock::time_point seen_{};
};

}  // namespace sluice::cli
