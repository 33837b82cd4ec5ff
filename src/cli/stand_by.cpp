// stand_by.cpp: waiting for a turn, and watching those who do.
// SPDX-License-Identifier: MIT
#include "cli/stand_by.hpp"

#include <utility>

#include "net/standby.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

constexpr auto kTick = std::chrono::milliseconds(100);
constexpr auto kWatchTick = std::chrono::milliseconds(900);

}  // namespace

std::optional<VentilatorOptions> stand_by(const VentilatorOptions& options, StopSignals& signals,
                                          const RoleLog& log) {
  net::Standby standby(options);
  for (const std::string& warning : standby.warnings()) log.warn(warning);
  bool told = false;
  std::string trouble;
  while (!standby.wait(kTick)) {
    if (!std::exchange(told, true))
      log.info(standby.text() + "; listening on " + standby.endpoint());
    if (standby.trouble() != trouble && !standby.trouble().empty()) log.warn(standby.trouble());
    trouble = standby.trouble();
    signals.wait(std::chrono::milliseconds(0));
    if (signals.count() == 0) continue;
    log.info(signals.name() + ": ended while standing by");
    return std::nullopt;
  }
  log.info(told ? "taking over" : "nobody is active: this one is");
  return standby.take_options();
}

void StandbyWatch::look(const Ventilator& ventilator, net::PublishedAccess& access) {
  const auto now = std::chrono::steady_clock::now();
  if (now - seen_ < kWatchTick) return;
  seen_ = now;
  std::vector<std::string> standbys = ventilator.standbys();
  try {
    access.keep(standbys);
    trouble_.clear();
  } catch (const Error& error) {
    if (trouble_ != error.what()) log_.warn(error.what());
    trouble_ = error.what();
  }
  if (standbys == standbys_) return;
  standbys_ = std::move(standbys);
  std::string all;
  for (const std::string& one : standbys_) all += " " + one;
  log_.info(all.empty() ? "nobody stands by any more" : "standing by:" + all);
}

}  // namespace sluice::cli
