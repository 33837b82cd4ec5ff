// clock.cpp: reading the clocks.
// SPDX-License-Identifier: MIT
#include "net/clock.hpp"

#include <ctime>

#include "core/assert.hpp"

namespace sluice::net {
namespace {

timespec read(clockid_t id) {
  timespec t{};
  SLUICE_ASSERT(::clock_gettime(id, &t) == 0);
  return t;
}

}  // namespace

core::Time Clock::now() {
  const timespec t = read(CLOCK_BOOTTIME);
  return core::Time(std::chrono::seconds(t.tv_sec) + core::Duration(t.tv_nsec));
}

std::uint64_t Clock::wall_us() {
  const timespec t = read(CLOCK_REALTIME);
  if (t.tv_sec < 0) return 0;
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000U +
         static_cast<std::uint64_t>(t.tv_nsec) / 1'000U;
}

}  // namespace sluice::net
