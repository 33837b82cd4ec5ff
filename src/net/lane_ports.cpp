// lane_ports.cpp: walking and resting.
// SPDX-License-Identifier: MIT
#include "net/lane_ports.hpp"

#include <string>

#include "core/assert.hpp"
#include "sluice/error.hpp"

namespace sluice::net {

LanePorts::LanePorts(std::uint16_t first, std::uint16_t last, core::Duration quarantine,
                     std::uint64_t seed)
    : first_(first), quarantine_(quarantine) {
  if (first == 0 || last < first) {
    throw Error("the lane ports " + std::to_string(first) + "-" + std::to_string(last) +
                " are no range; give two ports, the lower one first");
  }
  busy_.resize(static_cast<std::size_t>(last - first) + 1);
  next_ = seed % busy_.size();
}

std::optional<std::uint16_t> LanePorts::take(core::Time now) {
  while (!resting_.empty() && resting_.front().until <= now) {
    skip(resting_.front().port);
    resting_.pop_front();
  }
  for (std::size_t step = 0; step < busy_.size(); ++step) {
    const std::size_t at = (next_ + step) % busy_.size();
    if (busy_[at]) continue;
    busy_[at] = true;
    next_ = (at + 1) % busy_.size();
    return static_cast<std::uint16_t>(first_ + at);
  }
  return std::nullopt;
}

void LanePorts::give_back(std::uint16_t port, core::Time now) {
  SLUICE_ASSERT(port >= first_ && port - first_ < static_cast<int>(busy_.size()));
  resting_.push_back({port, now + quarantine_});
}

void LanePorts::skip(std::uint16_t port) {
  SLUICE_ASSERT(port >= first_ && port - first_ < static_cast<int>(busy_.size()));
  busy_[static_cast<std::size_t>(port - first_)] = false;
}

}  // namespace sluice::net
