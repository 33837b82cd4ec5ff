// lane_ports.hpp: which port the next lane tries.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "core/time.hpp"

namespace sluice::net {

/// Walks round a range of ports and keeps freed ones out of use for a while: a worker that
/// lost its session unknowingly reconnects to its old port and would eat another's
/// tasks. The range lies outside the kernel's ephemeral ports, where a socket that connects to
/// itself is possible. Belongs to one thread.
class LanePorts {
 public:
  static constexpr std::uint16_t kFirst = 20000;
  static constexpr std::uint16_t kLast = 20999;

  /// `quarantine` is twice the time to reclaim (2R). The walk starts at a place that `seed`
  /// says, so that ventilators on one machine seldom meet.
  LanePorts(std::uint16_t first, std::uint16_t last, core::Duration quarantine,
            std::uint64_t seed);

  /// The next port to try; nullopt if all are in use or in quarantine.
  [[nodiscard]] std::optional<std::uint16_t> take(core::Time now);
  /// A lane was closed: its port rests.
  void give_back(std::uint16_t port, core::Time now);
  /// Somebody else has it; it may be tried again when its turn comes.
  void skip(std::uint16_t port);

  [[nodiscard]] std::size_t size() const { return busy_.size(); }

 private:
  struct Resting {
    std::uint16_t port;
    core::Time until;
  };
  std::uint16_t first_;
  core::Duration quarantine_;
  std::size_t next_ = 0;
  std::vector<bool> busy_;  // by offset: in use or resting
  std::deque<Resting> resting_;
};

}  // namespace sluice::net
