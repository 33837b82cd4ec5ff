// timer_heap.hpp: what is due, and when; stale entries are told by their number.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "core/time.hpp"

namespace sluice::core {

/// A binary heap of alarms. An alarm is never taken back one by one: its owner compares
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

  void set(const Alarm& alarm) {
    alarms_.push_back(alarm);
    std::push_heap(alarms_.begin(), alarms_.end(), Later{});
  }
  [[nodiscard]] std::optional<Time> next() const {
    if (alarms_.empty()) return std::nullopt;
    return alarms_.front().at;
  }
  /// The next alarm that is due, taken off the heap.
  [[nodiscard]] std::optional<Alarm> take_due(Time now) {
    if (alarms_.empty() || alarms_.front().at > now) return std::nullopt;
    const Alarm alarm = alarms_.front();
    std::pop_heap(alarms_.begin(), alarms_.end(), Later{});
    alarms_.pop_back();
    return alarm;
  }
  [[nodiscard]] std::size_t count() const { return alarms_.size(); }

  /// Drops the stale ones, if there are many more alarms than the `most` that can be
  /// live: a distant alarm of a task long settled must not take room until it rings.
  template <typename IsStale>
  void prune(std::size_t most, const IsStale& is_stale) {
    if (alarms_.size() < kFewAlarms || alarms_.size() < most * 2) return;
    std::erase_if(alarms_, is_stale);
    std::make_heap(alarms_.begin(), alarms_.end(), Later{});
  }

 private:
  static constexpr std::size_t kFewAlarms = 4096;
  struct Later {
    bool operator()(const Alarm& a, const Alarm& b) const {
      return std::tie(a.at, a.kind, a.who, a.stamp) > std::tie(b.at, b.kind, b.who, b.stamp);
    }
  };
  std::vector<Alarm> alarms_;
};

}  // namespace sluice::core
