// timeline.hpp: virtual time: what happens next, and nothing in between.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "core/time.hpp"

namespace sluice::sim {

using core::Duration;
using core::Time;

/// Events in the order of their times; those of one instant in the order they were set.
class Timeline {
 public:
  using Event = std::function<void()>;

  [[nodiscard]] Time now() const { return now_; }
  void at(Time when, Event event) {
    heap_.push_back({std::max(when, now_), ++count_, std::move(event)});
    std::push_heap(heap_.begin(), heap_.end(), Later{});
  }
  void after(Duration wait, Event event) { at(now_ + wait, std::move(event)); }

  /// The time of the next event; Time::max() if there is none.
  [[nodiscard]] Time next() const { return heap_.empty() ? Time::max() : heap_.front().when; }
  void step() {
    std::pop_heap(heap_.begin(), heap_.end(), Later{});
    Entry entry = std::move(heap_.back());
    heap_.pop_back();
    now_ = entry.when;
    entry.event();
  }

 private:
  struct Entry {
    Time when{};
    std::uint64_t order = 0;
    Event event;
  };
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.when != b.when ? a.when > b.when : a.order > b.order;
    }
  };
  Time now_{};
  std::uint64_t count_ = 0;
  std::vector<Entry> heap_;
};

}  // namespace sluice::sim
