// machine.hpp: one machine of ours between a hostile peer, and then an honest one.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "core/message.hpp"
#include "core/time.hpp"
#include "fuzz/fuzz.hpp"

namespace sluice::fuzz {

/// A clock that has run for some minutes, or for more than a year.
inline core::Time start_of_time(Choices& choices) {
  using namespace std::chrono_literals;
  return choices.one_in(4) ? core::Time(400h * 24) : core::Time(1000s);
}

/// Lets the time pass from deadline to deadline, with a turn at each.
template <typename Machine, typename Turn>
void pass(core::Time& now, core::Duration by, const Machine& machine, const Turn& turn) {
  const core::Time end = now + by;
  for (int i = 0; now < end && i < 5000; ++i) {
    now = std::min(end, std::max(machine.next_deadline().value_or(end),
                                 now + std::chrono::milliseconds(1)));
    turn();
  }
}

/// Hostile steps as long as the input lasts, then the half that heals.
template <typename World>
void rage_and_heal(Input input) {
  Choices choices(input);
  World world(choices);
  for (int i = 0; choices.more() && i < 2000; ++i) world.step();
  world.heal();
}

/// What an honest sink with much room answers a producer of outcomes, in the session `sid`.
inline std::optional<core::Envelope> honest_sink(const core::Envelope& in, core::Sid sid) {
  if (std::holds_alternative<core::SinkOpen>(in.message)) {
    core::SinkOpened opened;
    opened.heartbeat_ms = 2000;
    opened.dead_ms = 8000;
    opened.max_frame = 4 << 20;
    opened.outcomes_limit = opened.bytes_limit = 100'000;
    return core::Envelope{sid, in.n, opened};
  }
  if (std::holds_alternative<core::SinkBeat>(in.message))
    return core::Envelope{in.sid, in.n, core::SinkBeaten{}};
  if (const auto* batch = std::get_if<core::Outcomes>(&in.message)) {
    core::SinkConfirm confirm;
    confirm.outcomes_limit = confirm.bytes_limit = 100'000;
    for (const core::OutcomeEntry& entry : batch->entries)
      confirm.stored.push_back({entry.rsn, entry.rsn});
    return core::Envelope{in.sid, 1, std::move(confirm)};
  }
  return std::nullopt;
}

}  // namespace sluice::fuzz
