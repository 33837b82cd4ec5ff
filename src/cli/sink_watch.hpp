// sink_watch.hpp: tells the operator when a sink that runs elsewhere cannot be reached.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

namespace sluice::cli {

/// Turns what a ventilator's status says of its sinks into lines for a log: one when a sink has
/// been away for two seconds, one when it is back. One thread.
class SinkWatch {
 public:
  using Clock = std::chrono::steady_clock;
  using Say = std::function<void(const std::string&)>;
  static constexpr auto kPatience = std::chrono::seconds(2);

  SinkWatch(Say warn, Say info) : warn_(std::move(warn)), info_(std::move(info)) {}

  /// `status` is Ventilator::status_json().
  void look(const std::string& status, Clock::time_point now);

 private:
  struct Sink {
    Clock::time_point away_since;
    bool away = false, told = false;
  };

  Say warn_, info_;
  std::map<std::string, Sink> sinks_;  // by endpoint
};

}  // namespace sluice::cli
