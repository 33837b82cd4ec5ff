// store_entry.hpp: one outcome as a sink's store sees it.
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "core/ids.hpp"
#include "core/message.hpp"

namespace sluice::core {

/// What the shell is to store. The views point into the frame it came in (and into the
/// collector): the shell keeps the frames of a turn until stored() has been told.
struct StoreEntry {
  Log log{};
  OutcomeEntry outcome;
  std::string_view type;
  std::string_view producer;  ///< the name the sender gave itself
  /// The last word on a task: its handler is told, but has no say (PROTOCOL rule 4).
  [[nodiscard]] bool terminal() const { return (outcome.flags & kTerminal) != 0; }
};

}  // namespace sluice::core
