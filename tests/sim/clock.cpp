// clock.cpp: the clock of the shell's parts that are used here: that of whoever has its turn.
// SPDX-License-Identifier: MIT
#include "net/clock.hpp"

#include "sim/clock.hpp"

namespace sluice::sim {

Time& clock_of_turn() {
  static Time now;
  return now;
}

Duration& wall_ahead_of_turn() {
  static Duration ahead;
  return ahead;
}

}  // namespace sluice::sim

namespace sluice::net {

core::Time Clock::now() { return sim::clock_of_turn(); }

std::uint64_t Clock::wall_us() {
  constexpr std::uint64_t kStart = 1'700'000'000'000'000;
  const core::Duration now = sim::clock_of_turn().time_since_epoch() + sim::wall_ahead_of_turn();
  return kStart + static_cast<std::uint64_t>(now.count() / 1000);
}

}  // namespace sluice::net
