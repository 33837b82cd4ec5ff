// timer_heap.hpp: what is due, and when; stale entries are told by their number.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <tuple>
#include <vector>

#include "core/time.hpp"

namespace sluice::core {

/// A binary heap of alarms. An alarm is never taken back: its owner compares
/// `stamp` with what it holds when it rings, and ignores a stale one.
class TimerHeap {
 public:
  enum class Kind : std::uint8_t { task_ready, task_expires, session_grace };
  struct Alarm {
    Time at{};
    Kind kind{};
    std::uint64_t who = 0;
    std::uint64_t stamp = 0;
  };

  void set(const Alarm& alarm) { alarms_.push(alarm); }
  [[nodiscard]] std::optional<Time> next() const {
    if (alarms_.empty()) return std::nullopt;
    return alarms_.top().at;
  }
  /// The next alarm that is due, taken off the heap.
  [[nodiscard]] std::optional<Alarm> take_due(Time now) {
    if (alarms_.empty() || alarms_.top().at > now) return std::nullopt;
    const Alarm alarm = alarms_.top();
    alarms_.pop();
    return alarm;
  }
  [[nodiscard]] std::size_t count() const { return alarms_.size(); }

 private:
  struct Later {
    bool operator()(const Alarm& a, const Alarm& b) const {
      return std::tie(a.at, a.kind, a.who, a.stamp) > std::tie(b.at, b.kind, b.who, b.stamp);
    }
  };
  std::priority_queue<Alarm, std::vector<Alarm>, Later> alarms_;
};

}  // namespace sluice::core
