// outcome_index.cpp: ranges that widen, and what they cannot hold.
// SPDX-License-Identifier: MIT
#include "store/outcome_index.hpp"

#include <algorithm>
#include <utility>

namespace sluice::store {

void OutcomeIndex::note(const core::Log& log, std::uint64_t seq) { widen(group_, log, seq, seq); }

void OutcomeIndex::widen(Stretch& stretch, const core::Log& log, std::uint64_t least,
                         std::uint64_t most) {
  if (stretch.any) return;
  // Nearly always the last one: a message speaks of one log.
  const auto at = std::find_if(stretch.ranges.rbegin(), stretch.ranges.rend(),
                               [&log](const Range& range) { return range.log == log; });
  if (at != stretch.ranges.rend()) {
    at->least = std::min(at->least, least);
    at->most = std::max(at->most, most);
  } else if (stretch.ranges.size() < kMostLogs) {
    stretch.ranges.push_back({log, least, most});
  } else {
    stretch.any = true;
    stretch.ranges = {};
  }
}

void OutcomeIndex::add_group(std::uint64_t from) {
  if (stretches_.empty() || from - stretches_.back().from >= kStretchBytes) {
    stretches_.emplace_back().from = from;
    stretches_.back().ranges.reserve(1);
  }
  Stretch& last = stretches_.back();
  for (const Range& range : group_.ranges) widen(last, range.log, range.least, range.most);
  if (group_.any) {
    last.any = true;
    last.ranges = {};
  }
  group_.any = false;
  group_.ranges.clear();
}

void OutcomeIndex::restore(std::vector<Stretch> stretches, std::uint64_t end) {
  stretches_ = std::move(stretches);
  while (!stretches_.empty() && stretches_.back().from >= end) stretches_.pop_back();
}

std::vector<OutcomeIndex::Part> OutcomeIndex::parts(const std::set<core::TaskKey>& tasks,
                                                    std::uint64_t size) const {
  std::vector<Part> out;
  const auto holds = [&tasks](const Range& range) {
    const auto at = tasks.lower_bound({range.log, static_cast<core::Seq>(range.least)});
    return at != tasks.end() && at->log == range.log && core::raw(at->seq) <= range.most;
  };
  for (std::size_t i = 0; i < stretches_.size() && stretches_[i].from < size; ++i) {
    const Stretch& stretch = stretches_[i];
    if (!stretch.any && std::none_of(stretch.ranges.begin(), stretch.ranges.end(), holds)) continue;
    const std::uint64_t to =
        i + 1 < stretches_.size() ? std::min(stretches_[i + 1].from, size) : size;
    if (!out.empty() && out.back().to == stretch.from)
      out.back().to = to;
    else
      out.push_back({stretch.from, to});
  }
  return out;
}

}  // namespace sluice::store
