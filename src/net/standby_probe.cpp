// standby_probe.cpp: one OPEN, and what comes back.
// SPDX-License-Identifier: MIT
#include "net/standby_probe.hpp"

#include <variant>

#include "net/clock.hpp"
#include "net/context.hpp"
#include "net/entropy.hpp"
#include "net/identity.hpp"
#include "net/outgoing_link.hpp"
#include "wire/limits.hpp"

namespace sluice::net {

std::optional<StandbyAnswer> ask_standby(const std::string& endpoint,
                                         std::chrono::milliseconds timeout) {
  OutgoingLink link(Context::shared(), Endpoint::parse(endpoint), wire::Role::client,
                    wire::widest_limits(), FramePool::make());
  core::ClientOpen open;
  open.boot = random_id<core::Boot>();
  open.name = default_name();
  link.open();
  link.send({core::Sid{}, 1, std::move(open)});
  const core::Time until = Clock::now() + timeout;
  PollSet poll;
  core::EntryPool pool;
  std::optional<StandbyAnswer> out;
  for (bool done = false; !done && Clock::now() < until;) {
    poll.clear();
    link.watch(poll);
    poll.wait(until);
    const auto heard = link.hear(pool, 1, [&](const core::Envelope& envelope) {
      done = true;
      const auto* const error = std::get_if<core::ErrorMessage>(&envelope.message);
      if (error != nullptr && error->code == core::Code::not_primary)
        out = StandbyAnswer{error->text, error->endpoint.value_or("")};
    });
    done = done || heard.cut;
  }
  return out;
}

}  // namespace sluice::net
