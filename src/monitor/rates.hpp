// rates.hpp: how many events a second, lately.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>

#include "core/time.hpp"

namespace sluice::monitor {

/// The growth of a counter over the last ten seconds, from samples a second apart.
class Rate {
 public:
  /// Cheap: keeps a sample only if the last one is a second old.
  void sample(std::uint64_t total, core::Time now);
  /// Per second; 0 until there are two samples.
  [[nodiscard]] double per_second(std::uint64_t total, core::Time now) const;

 private:
  struct Sample {
    core::Time at{};
    std::uint64_t total = 0;
  };
  std::deque<Sample> samples_;
};

}  // namespace sluice::monitor
