// standby.hpp: who owns a journal, and when a standby may take it: rules without a clock.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/time.hpp"

namespace sluice::core {

/// How long an owner may write without having said anew that it lives. It is counted from the
/// moment before it said so: a standby cannot have heard it earlier.
///
/// It is half the time that a standby waits for, so that clocks may run at different speeds, and
/// that what was begun in time is over.
class Tenure {
 public:
  explicit Tenure(Duration failover_after) : failover_after_(failover_after) {}

  /// An announcement that began at `began` is where every standby can see it.
  void announced(Time began) { until_ = std::max(until_, began + lease(failover_after_)); }
  /// False: it must announce itself first, and learns thereby whether it still may.
  [[nodiscard]] bool holds(Time now) const { return now < until_; }
  [[nodiscard]] Time until() const { return until_; }

  [[nodiscard]] static Duration lease(Duration failover_after) { return failover_after / 2; }
  [[nodiscard]] static Duration announce_every(Duration failover_after) {
    return failover_after / 8;
  }

 private:
  Duration failover_after_;
  Time until_{};
};

/// What one look at a journal's folder has shown.
struct OwnerSight {
  enum class Owner : std::uint8_t {
    unreadable,  ///< the folder or the record in it could not be read
    nobody,      ///< no ventilator has ever had it
    ended,       ///< the last one has said so
    dead,        ///< its process was on this machine and is gone
    owned,       ///< somebody says that it lives, or nobody knows
  };
  Owner owner = Owner::unreadable;
  std::uint64_t generation = 0;    ///< of the record: each owner has its own
  std::uint64_t announcement = 0;  ///< another number whenever it has announced itself
  Duration failover_after{};       ///< the owner's own; it counts if it is the longer one
  bool has_lock = false;           ///< we hold the lock of the folder
};

/// Decides when a standby takes over. Time is the standby's own: of the owner it counts only that
/// what it says changes, never what its clock says.
class StandbyRule {
 public:
  /// `lock_tells_death`: on that file system a lock ends with its process and not before (a local
  /// one), so whoever has the lock knows that the owner is no more.
  StandbyRule(Duration failover_after, bool lock_tells_death)
      : failover_after_(failover_after), lock_tells_death_(lock_tells_death) {}

  enum class Decision : std::uint8_t {
    wait,
    take,         ///< nobody can write there any more
    take_fenced,  ///< somebody might wake up: the journal must lie in files that it does not know
  };
  [[nodiscard]] Decision look(const OwnerSight& sight, Time now);
  /// Since when the owner has said nothing new, as far as we have seen.
  [[nodiscard]] std::optional<Time> silent_since() const { return silent_since_; }
  /// To be looked so often.
  [[nodiscard]] Duration look_every() const { return failover_after_ / 16; }
  /// Whether it is worth while to try the lock.
  [[nodiscard]] bool wants_lock(OwnerSight::Owner owner) const {
    return owner == OwnerSight::Owner::owned ? lock_tells_death_
                                             : owner != OwnerSight::Owner::unreadable;
  }

 private:
  Duration failover_after_;
  bool lock_tells_death_;
  std::optional<Time> silent_since_, looked_;
  std::uint64_t generation_ = 0, announcement_ = 0;
};

}  // namespace sluice::core
