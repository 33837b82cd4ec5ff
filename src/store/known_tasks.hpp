// known_tasks.hpp: a set of tasks, in as little memory as their numbers follow each other.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include <sluice/outcome.hpp>

#include "core/interval_set.hpp"

namespace sluice::store {

/// Tasks by log and number. One thread at a time.
class KnownTasks {
 public:
  void insert(const TaskId& id) { logs_[id.log].insert(id.seq); }
  [[nodiscard]] bool contains(const TaskId& id) const {
    const auto log = logs_.find(id.log);
    return log != logs_.end() && log->second.contains(id.seq);
  }

 private:
  std::map<std::array<std::uint8_t, 16>, core::IntervalSet> logs_;
};

}  // namespace sluice::store
