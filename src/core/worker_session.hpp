// worker_session.hpp: what a ventilator knows of one worker's session.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/message.hpp"
#include "core/task_table.hpp"
#include "core/time.hpp"

namespace sluice::core {

/// docs/PROTOCOL.md, "Ventilator, per session". A suspect session keeps its phase.
enum class SessionPhase : std::uint8_t {
  opening,    ///< its lane is being bound; WELCOME not sent yet
  reconcile,  ///< WELCOME sent, its inventory is awaited
  probing,    ///< an empty TASKS is on the lane; the worker has not seen it yet
  active,
  leaving,  ///< told to come back without a lane
};

/// Where a session stands among those that may get work (placement.hpp).
enum class Standing : std::uint8_t { closed, open, idle };

struct WorkerSession {
  // Who it is.
  std::uint32_t index = 0;  ///< in the dispatcher's table
  Sid sid{};                ///< 0: the entry is free
  PeerId peer{};
  Boot boot{};
  std::string name, agent;
  std::vector<std::uint32_t> types;  ///< sorted
  std::uint32_t slots = 1;
  std::uint64_t hello_try = 0;

  // Its state.
  SessionPhase phase = SessionPhase::opening;
  bool suspect = false;
  bool cut = false;    ///< its connection was seen to go: what had not started went elsewhere
  bool trial = false;  ///< runs one suspect task alone; gets nothing else
  bool push_lane = false;
  bool same_log = false;  ///< what it said it holds is of this log ...
  bool same_epoch = false;  ///< ... and of this start of its ventilator
  LaneAddress lane;
  Welcome welcome;  ///< repeated when the same HELLO comes again
  Time last_heard{}, last_sent{};
  Time busy_until{};  ///< it said it would be silent that long
  Time probe_sent{};

  // Credit (rule 1) and numbering.
  std::uint64_t tasks_limit = 0, bytes_limit = 0;
  std::uint64_t tasks_sent = 0, bytes_sent = 0;
  std::uint64_t state_count = 0;  ///< n of the newest STATE
  std::uint64_t lane_n = 0;       ///< n of the last TASKS
  std::uint64_t lane_rx = 0;      ///< what the worker says has come
  Time lane_asked_at{};           ///< by PING, what its lane has brought
  Time lane_short_since{};        ///< since when lane_rx lags without moving
  std::uint64_t void_n = 0;
  std::uint64_t last_ano = 0;
  bool acked_due = false;

  TaskList held;  ///< its leases in lane order: the first `slots` may be running
  std::vector<VerdictEntry> verdicts;  ///< found while the inventory comes in

  // For placement.
  std::uint32_t group = 0;
  Standing standing = Standing::closed;
  std::uint32_t list_prev = kNoSession, list_next = kNoSession;

  // For status.
  State last_state;
  std::uint64_t acked_done = 0, acked_other = 0, nacked = 0, returned = 0;
  Time since{};

  [[nodiscard]] std::uint64_t free_tasks() const {
    return tasks_limit > tasks_sent ? tasks_limit - tasks_sent : 0;
  }
  [[nodiscard]] std::uint64_t free_bytes() const {
    return bytes_limit > bytes_sent ? bytes_limit - bytes_sent : 0;
  }
  /// The instant its silence counts from.
  [[nodiscard]] Time quiet_since() const { return std::max(last_heard, busy_until); }
};

}  // namespace sluice::core
