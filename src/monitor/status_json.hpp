// status_json.hpp: a ventilator's status as the JSON that `sluice status` and programs read.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/dispatcher_status.hpp"

namespace sluice::monitor {

/// What only the shell knows.
struct ShellStatus {
  std::string name, endpoint;
  double up_s = 0;
  double settled_per_s = 0, submitted_per_s = 0;
  std::uint64_t multipart_dropped = 0;    ///< messages with more than one frame
  std::uint64_t foreign_ids_dropped = 0;  ///< messages under a routing id the peer chose
  std::uint64_t sends_retried = 0;
  struct Journal {
    std::string folder, sync, trouble;
    std::uint64_t bytes = 0, turns = 0, syncs = 0;
  };
  std::vector<std::string> standbys;  ///< where those listen that stand by
  std::optional<Journal> journal;     ///< none: tasks are kept in memory
};

/// One JSON object; docs/PROTOCOL.md, "Queries", lists its fields.
std::string status_json(const core::DispatcherStatus& status, const ShellStatus& shell);

}  // namespace sluice::monitor
