// dispatcher_effects.hpp: what a ventilator's machine wants done at the end of a turn.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/journal_record.hpp"
#include "core/message.hpp"

namespace sluice::core {

/// To be done in the order of the members. Each entry is a message or a batch,
/// never a single task.
struct DispatcherEffects {
  struct ToPeer {
    PeerId peer{};
    Envelope envelope;
  };
  struct ToLane {
    Sid sid{};
    Envelope envelope;
  };
  struct ToSink {
    std::size_t sink = 0;
    Envelope envelope;
  };
  struct OpenLane {  ///< answered by lane_opened or lane_failed
    Sid sid{};
    PeerId peer{};
  };
  struct Question {  ///< answered by the shell with a Reply to the peer
    PeerId peer{};
    Sid sid{};
    std::uint64_t n = 0;
    Query query;
  };
  JournalTurn journal;                   ///< first of all: the rest stands on it (rule 3)
  std::vector<std::size_t> close_sinks;  ///< sockets to close ...
  std::vector<std::size_t> open_sinks;   ///< ... and to open anew
  std::vector<ToPeer> to_peers;
  std::vector<ToLane> to_lanes;
  std::vector<ToSink> to_sinks;
  std::vector<OpenLane> open_lanes;
  std::vector<Sid> close_lanes;
  std::vector<Question> questions;
  /// A worker knows a later life of this log than ours (rule 11): look whether we are superseded.
  bool later_life_heard = false;
};

}  // namespace sluice::core
