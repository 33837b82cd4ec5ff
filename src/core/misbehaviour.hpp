// misbehaviour.hpp: which peers are not listened to, and how often one is told off.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>

#include "core/ids.hpp"
#include "core/time.hpp"

namespace sluice::core {

/// Counts the bad frames of each peer (PROTOCOL rule 12).
///
/// Three within 10 s, and the peer is ignored for 60 s. Remembers a bounded
/// number of peers; the one that came first is forgotten for a new one, so
/// inventing peers costs memory neither here nor there.
class Misbehaviour {
 public:
  static constexpr int kMostBadFrames = 3;
  static constexpr Duration kWithin = std::chrono::seconds(10);
  static constexpr Duration kIgnoredFor = std::chrono::seconds(60);
  static constexpr std::size_t kMostPeers = 4096;

  /// Notes one bad frame. True if it is the one too many: say BYE, and ignore the peer from now on.
  [[nodiscard]] bool offend(PeerId peer, Time now);
  /// True while what the peer says counts for nothing. Cheap while nobody is ignored.
  [[nodiscard]] bool ignored(PeerId peer, Time now);
  [[nodiscard]] std::size_t peers() const { return records_.size(); }

 private:
  struct Record {
    std::array<Time, kMostBadFrames> at{};  // the last bad frames, oldest first
    int count = 0;
    Time ignored_until{};
  };
  std::map<PeerId, Record> records_;
  std::deque<PeerId> arrival_;  // the order in which records_ came
  Time none_ignored_after_{};
};

/// Lets one error answer a second through to each peer (PROTOCOL rule 6), so that
/// stale traffic is not answered frame by frame.
class ErrorLimiter {
 public:
  static constexpr Duration kInterval = std::chrono::seconds(1);
  static constexpr std::size_t kMostPeers = 4096;

  /// True if the peer may be answered now; that answer is then counted.
  [[nodiscard]] bool allow(PeerId peer, Time now);
  [[nodiscard]] std::size_t peers() const { return last_.size(); }

 private:
  std::map<PeerId, Time> last_;
  std::deque<PeerId> arrival_;
};

}  // namespace sluice::core
