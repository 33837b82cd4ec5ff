// standby.cpp: silence is believed only when it was listened to without a break.
// SPDX-License-Identifier: MIT
#include "core/standby.hpp"

#include <algorithm>

namespace sluice::core {

StandbyRule::Decision StandbyRule::look(const OwnerSight& sight, Time now) {
  using Owner = OwnerSight::Owner;
  const Duration patience = std::max(failover_after_, sight.failover_after);
  // Whoever could not look, or was paused itself, has not heard silence.
  const bool missed = looked_ && now - *looked_ > patience / 2;
  looked_ = now;
  if (sight.owner == Owner::unreadable) {
    silent_since_.reset();
    return Decision::wait;
  }
  const bool news = sight.generation != generation_ || sight.announcement != announcement_;
  generation_ = sight.generation;
  announcement_ = sight.announcement;
  if (news || missed || !silent_since_) silent_since_ = now;
  if (sight.owner != Owner::owned) {
    // Who has the lock although nobody owns the journal is just about to, or keeps no record.
    return sight.has_lock ? Decision::take : Decision::wait;
  }
  if (sight.has_lock && lock_tells_death_) return Decision::take;
  return now - *silent_since_ >= patience ? Decision::take_fenced : Decision::wait;
}

}  // namespace sluice::core
