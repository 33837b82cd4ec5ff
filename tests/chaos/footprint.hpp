// footprint.hpp: what a process holds, and whether that grows without end.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::chaos {

struct Footprint {
  std::size_t descriptors = 0, threads = 0;
  std::uint64_t memory_kb = 0;  ///< resident
};

/// All zero if there is no such process.
[[nodiscard]] Footprint footprint(pid_t pid);
[[nodiscard]] std::string shown(const Footprint& footprint);

/// What one process held in quiet moments between rounds of equal work.
class Growth {
 public:
  explicit Growth(std::string name) : name_(std::move(name)) {}
  void sample(pid_t pid) { samples_.push_back(footprint(pid)); }
  /// Empty if the rounds of the second half needed no more than those of the first half: memory
  /// within `spare_kb`, for what allocators keep. A leak in each round shows as their difference.
  [[nodiscard]] std::string complaint(std::uint64_t spare_kb) const;
  /// All samples.
  [[nodiscard]] std::string text() const;

 private:
  std::string name_;
  std::vector<Footprint> samples_;
};

}  // namespace sluice::chaos
