// interval_set.hpp: a set of numbers that mostly come in order, kept as intervals.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <utility>

namespace sluice::core {

/// Numbers 0..2^64-1 as disjoint intervals, with a floor below which all are members.
///
/// A number next to the one inserted last costs a comparison; any other costs
/// O(log intervals). 1..1,000,000 in order is one interval; every second number
/// of them is 500,000, so whoever inserts what a peer chose watches intervals().
class IntervalSet {
 public:
  IntervalSet() = default;
  IntervalSet(const IntervalSet&) = delete;  // the hint points into the map
  IntervalSet& operator=(const IntervalSet&) = delete;

  /// True if `value` is new.
  bool insert(std::uint64_t value);
  [[nodiscard]] bool contains(std::uint64_t value) const;

  /// Makes every number below `floor` a member and forgets the detail. It never falls.
  void raise_floor(std::uint64_t floor);
  [[nodiscard]] std::uint64_t floor() const { return floor_; }

  /// Members that insert() said were new; the floor changes nothing about it.
  [[nodiscard]] std::uint64_t inserted() const { return inserted_; }
  /// Intervals kept: what the set costs in memory.
  [[nodiscard]] std::size_t intervals() const { return intervals_.size(); }
  /// The first interval kept that ends at `value` or behind it: its first and last member.
  [[nodiscard]] std::optional<std::pair<std::uint64_t, std::uint64_t>> interval_from(
      std::uint64_t value) const;

 private:
  using Map = std::map<std::uint64_t, std::uint64_t>;  // first -> last, both members
  bool insert_slowly(std::uint64_t value);
  void remember(Map::iterator touched);

  static constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  Map intervals_;
  std::uint64_t floor_ = 0;
  std::uint64_t inserted_ = 0;
  // The interval touched last, and the first number behind it that is not free.
  Map::iterator hint_ = intervals_.end();
  std::uint64_t hint_room_ = 0;
};

inline bool IntervalSet::insert(std::uint64_t value) {
  // The usual case: the next number in order, not touching the interval behind it.
  if (hint_ != intervals_.end() && hint_->second != kMost && value == hint_->second + 1 &&
      value < hint_room_ && hint_room_ - value > 1) {
    hint_->second = value;
    ++inserted_;
    return true;
  }
  return insert_slowly(value);
}

}  // namespace sluice::core
