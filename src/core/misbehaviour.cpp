// misbehaviour.cpp: the two bounded tables of peers that went wrong.
// SPDX-License-Identifier: MIT
#include "core/misbehaviour.hpp"

#include <algorithm>

namespace sluice::core {

bool Misbehaviour::offend(PeerId peer, Time now) {
  auto at = records_.find(peer);
  if (at == records_.end()) {
    if (records_.size() >= kMostPeers) {
      records_.erase(arrival_.front());
      arrival_.pop_front();
    }
    at = records_.emplace(peer, Record{}).first;
    arrival_.push_back(peer);
  }
  Record& record = at->second;
  if (record.count == kMostBadFrames) {
    std::copy(record.at.begin() + 1, record.at.end(), record.at.begin());
    --record.count;
  }
  record.at[static_cast<std::size_t>(record.count++)] = now;
  if (record.count < kMostBadFrames || now - record.at.front() > kWithin) return false;
  record.count = 0;
  record.ignored_until = now + kIgnoredFor;
  none_ignored_after_ = std::max(none_ignored_after_, record.ignored_until);
  return true;
}

bool Misbehaviour::ignored(PeerId peer, Time now) {
  if (now >= none_ignored_after_) return false;
  const auto at = records_.find(peer);
  return at != records_.end() && now < at->second.ignored_until;
}

bool ErrorLimiter::allow(PeerId peer, Time now) {
  const auto at = last_.find(peer);
  if (at != last_.end()) {
    if (now - at->second < kInterval) return false;
    at->second = now;
    return true;
  }
  if (last_.size() >= kMostPeers) {
    last_.erase(arrival_.front());
    arrival_.pop_front();
  }
  last_.emplace(peer, now);
  arrival_.push_back(peer);
  return true;
}

}  // namespace sluice::core
