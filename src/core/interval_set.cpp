// interval_set.cpp: how intervals grow, meet and fall below the floor.
// SPDX-License-Identifier: MIT
#include "core/interval_set.hpp"

#include <iterator>

namespace sluice::core {

void IntervalSet::remember(Map::iterator touched) {
  hint_ = touched;
  const auto behind = std::next(touched);
  hint_room_ = behind == intervals_.end() ? kMost : behind->first;
}

bool IntervalSet::insert_slowly(std::uint64_t value) {
  if (value < floor_) return false;
  const auto after = intervals_.upper_bound(value);  // the first interval that starts behind it
  const bool has_before = after != intervals_.begin();
  auto before = has_before ? std::prev(after) : intervals_.end();
  if (has_before && before->second >= value) {
    remember(before);
    return false;
  }
  const bool joins_before = has_before && before->second + 1 == value;
  const bool joins_after = after != intervals_.end() && value + 1 == after->first;
  ++inserted_;
  if (joins_before) {
    before->second = joins_after ? after->second : value;
    if (joins_after) intervals_.erase(after);
    remember(before);
  } else if (joins_after) {
    auto node = intervals_.extract(after);
    node.key() = value;
    remember(intervals_.insert(std::move(node)).position);
  } else {
    remember(intervals_.emplace(value, value).first);
  }
  return true;
}

bool IntervalSet::contains(std::uint64_t value) const {
  if (value < floor_) return true;
  const auto after = intervals_.upper_bound(value);
  return after != intervals_.begin() && std::prev(after)->second >= value;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> IntervalSet::interval_from(
    std::uint64_t value) const {
  auto at = intervals_.upper_bound(value);
  if (at != intervals_.begin() && std::prev(at)->second >= value) --at;
  if (at == intervals_.end()) return std::nullopt;
  return *at;
}

void IntervalSet::raise_floor(std::uint64_t floor) {
  if (floor <= floor_) return;
  floor_ = floor;
  hint_ = intervals_.end();
  while (!intervals_.empty() && intervals_.begin()->first < floor) {
    const std::uint64_t last = intervals_.begin()->second;
    intervals_.erase(intervals_.begin());
    if (last >= floor) intervals_.emplace(floor, last);
  }
}

}  // namespace sluice::core
