// outcome_index.hpp: which stretches of an outcome file may hold a task.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "core/ids.hpp"

namespace sluice::store {

/// For each stretch of some MiB the lowest and the highest number of each log in it. Tasks end
/// nearly in the order of their numbers, so that a task is looked for in a stretch or two and not
/// in the whole file. Costs some ten bytes for a MiB. Belongs to one thread.
class OutcomeIndex {
 public:
  static constexpr std::uint64_t kStretchBytes = std::uint64_t{4} << 20;
  /// A stretch with more logs than that may hold any task.
  static constexpr std::size_t kMostLogs = 64;

  struct Range {
    core::Log log{};
    std::uint64_t least = 0, most = 0;
    friend bool operator==(const Range&, const Range&) = default;
  };
  /// Ends where the next one begins. `any`: it was not noted what is in it.
  struct Stretch {
    std::uint64_t from = 0;
    bool any = false;
    std::vector<Range> ranges;
    friend bool operator==(const Stretch&, const Stretch&) = default;
  };

  /// A line that add_group() will place.
  void note(const core::Log& log, std::uint64_t seq);
  /// The lines noted stand in the file from there on. Groups come in the order of the file.
  void add_group(std::uint64_t from);
  /// They do not.
  void forget_group() { group_ = {}; }

  [[nodiscard]] const std::vector<Stretch>& stretches() const { return stretches_; }
  /// Of an earlier start; what stands behind `end` is dropped, and added again as it is read.
  void restore(std::vector<Stretch> stretches, std::uint64_t end);

  struct Part {
    std::uint64_t from = 0, to = 0;
  };
  /// The parts, in order, of the file's first `size` bytes in which the tasks may stand.
  [[nodiscard]] std::vector<Part> parts(const std::set<core::TaskKey>& tasks,
                                        std::uint64_t size) const;

 private:
  static void widen(Stretch& stretch, const core::Log& log, std::uint64_t least,
                    std::uint64_t most);

  std::vector<Stretch> stretches_;
  Stretch group_;
};

}  // namespace sluice::store
