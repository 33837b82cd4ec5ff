// dispatcher_status.hpp: what a ventilator can say of itself, as plain numbers.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/message.hpp"
#include "core/time.hpp"

namespace sluice::core {

/// Events since the start; they only grow.
struct DispatcherCounters {
  std::uint64_t submitted = 0, duplicates = 0, conflicts = 0, refused = 0;
  std::array<std::uint64_t, 4> settled{};  ///< by Status
  std::uint64_t dispatched = 0;            ///< leases given
  std::uint64_t nacked = 0, returned = 0, gaps = 0;
  std::uint64_t redelivered = 0;  ///< leases taken back: worker lost, cut or lane gap
  std::uint64_t losses = 0;       ///< of those, tasks that seem to have been running: blamed for it
  std::uint64_t workers_lost = 0, workers_joined = 0;
  std::uint64_t inline_sessions = 0;  ///< sessions that got no lane of their own
  std::uint64_t lane_failures = 0;    ///< lanes a worker could not reach
  std::uint64_t unknown_session = 0;  ///< messages of sessions that are no more
  std::uint64_t wrong_message = 0;    ///< messages that are not a ventilator's to take
  std::uint64_t credit_exceeded = 0;
  std::array<std::uint64_t, 5>
      bad_frames{};  ///< by Code: ok (unused), bad_frame, bad_version, bad_type, too_large
  std::uint64_t ignored_peers = 0;  ///< times a peer was sent away for misbehaving
};

struct TypeStatus {
  std::string name;
  std::uint64_t ready = 0;
  std::uint32_t workers = 0;  ///< sessions that serve it
};

/// What the handler of a running task says of it.
struct TaskProgressStatus {
  Seq seq{};
  std::uint32_t attempt = 1;
  Duration since{};  ///< the text came so long ago
  std::string text;
};

struct WorkerStatus {
  std::string name, agent;
  Sid sid{};
  std::string phase;  ///< opening, reconcile, probing, active, suspect
  bool push_lane = false;
  std::uint32_t slots = 0;
  std::uint64_t held = 0, credit = 0, queued = 0, running = 0, retained = 0;
  std::uint64_t done = 0, other = 0, nacked = 0, returned = 0;
  Duration quiet{};  ///< since it was last heard
  Duration up{};     ///< since its session began
  std::vector<std::string> types;
  std::vector<TaskProgressStatus> progress;  ///< of the first tasks that have one
};

struct SinkStatus {
  std::string endpoint;
  bool connected = false;
  std::uint64_t retained = 0;  ///< the ventilator's own outcomes that it has not confirmed
};

struct DispatcherStatus {
  Log log{};
  Epoch epoch{};
  bool draining = false;
  bool recovering = false;  ///< after a restart, workers of the last life are waited for
  std::uint64_t ready = 0, delayed = 0, leased = 0, settling = 0;
  std::uint64_t tasks = 0, bytes = 0, max_tasks = 0, max_bytes = 0;  ///< bytes: in memory
  std::uint64_t spilled = 0, spilled_bytes = 0;  ///< tasks whose bytes only the journal has
  Seq floor{}, next{};
  std::uint64_t clients = 0;
  DispatcherCounters counters;
  std::vector<TypeStatus> types;
  std::vector<WorkerStatus> workers;
  std::vector<SinkStatus> sinks;
};

}  // namespace sluice::core
