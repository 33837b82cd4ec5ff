// options.hpp: the limit of every queue and the length of every wait, in one place.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/time.hpp"

namespace sluice::core {

using namespace std::chrono_literals;  // durations only

/// Waits of the protocol (docs/PROTOCOL.md, "Timers"). All follow from the heartbeat.
struct Timers {
  Duration heartbeat = 2s;  ///< H: sent only if nothing else was
  [[nodiscard]] Duration dead() const { return heartbeat * 4; }  ///< D: a silent peer is suspect
  [[nodiscard]] Duration fence() const {
    return heartbeat * 8;
  }  ///< F: a worker starts nothing more
  [[nodiscard]] Duration reclaim() const { return heartbeat * 12; }  ///< R: a silent worker is lost
  static constexpr Duration kLeastHeartbeat = 250ms;
  static constexpr Duration kMostHeartbeat = 30s;
};

/// What the side that connects keeps to, as the other side said it, brought into sane bounds.
/// Tests go below what a configuration may have.
struct PeerTimers {
  Duration heartbeat;
  Duration dead;

  PeerTimers(std::uint64_t heartbeat_ms, std::uint64_t dead_ms)
      : heartbeat(std::clamp<Duration>(from_ms(heartbeat_ms), 10ms, Timers::kMostHeartbeat)),
        dead(std::clamp<Duration>(from_ms(dead_ms), heartbeat * 2, Timers::kMostHeartbeat * 20)) {}
};

/// Limits of what one frame may hold (docs/PROTOCOL.md, "Limits").
struct FrameLimits {
  std::uint64_t max_frame = 4ULL << 20;  ///< bytes; MAXMSGSIZE follows from it
  std::uint64_t max_entries = 4096;
  [[nodiscard]] std::uint64_t max_payload() const { return max_frame - (64ULL << 10); }
};

/// Tasks that one WATCH may name (rule 20).
inline constexpr std::uint64_t kMostWatched = 65'536;

/// A message carries what is ready, up to this much; nothing waits to fill it.
inline constexpr std::size_t kBatchBytes = 64 * 1024;

/// How many times an execution may fail, and how long to wait in between.
struct RetryPolicy {
  std::uint32_t max_attempts = 3;
  std::uint32_t max_losses = 3;  ///< workers that may die running it
  Duration backoff = 1s;         ///< before the second attempt; doubles, with full jitter
  Duration backoff_most = 5min;
};

struct DispatcherOptions {
  std::string name = "ventilator";
  bool journal = false;            ///< each turn's effects begin with what its journal must have
  std::uint64_t wall_at_zero = 0;  ///< ms since 1970 at Time{}: instants in the journal
  Timers timers;
  FrameLimits frame;
  RetryPolicy retry;
  std::vector<std::string> sinks;        ///< endpoints, in their fixed order
  std::uint64_t max_tasks = 1'000'000;   ///< unsettled tasks held at once
  std::uint64_t max_bytes = 1ULL << 30;  ///< of their payloads and keys, in memory
  /// Ready tasks of one type and priority that have slots, and bytes of all that have: those
  /// behind wait in the backlog, packed ...
  std::uint64_t near_tasks = 32'768;
  std::uint64_t near_bytes = 64ULL << 20;
  /// ... and beyond so many bytes only in the journal, if there is one.
  std::size_t backlog_bytes = 64ULL << 20;
  std::uint32_t backlog_run = 1024;  ///< tasks that come from there at once
  std::size_t max_workers = 16'384;  ///< sessions
  std::size_t max_lanes = 500;       ///< beyond, sessions are inline
  std::size_t max_clients = 4'096;
  std::uint64_t client_window_tasks = 65'536;  ///< credit a client gets at most
  std::uint64_t client_window_bytes = 64ULL << 20;
  Duration dedup_window = 10min;  ///< how long a key or a (boot, cno) is remembered
  std::size_t dedup_entries = 1'000'000;
  Duration grace_least = 5ms, grace_most = 1s;  ///< after a seen disconnect, for running tasks
  Duration ack_window = 50ms;  ///< from a task's end to its ack, as a rule: outcome, store, confirm
  std::size_t max_types = 4'096;      ///< names of types ever heard
  std::size_t max_progress = 10'000;  ///< leased tasks whose progress is kept
};

struct RunnerOptions {
  std::string name = "worker";
  std::string agent = "sluice";
  std::vector<std::string> types;  ///< what this worker can run, 1..256
  std::uint32_t slots = 1;
  std::uint32_t executors = 0;  ///< tasks that can be started at once; 0: as many as slots
  std::uint32_t prefetch = 0;   ///< tasks held per slot, the running one included; 0: tunes itself
  bool push_lane = true;        ///< false: inline from the start
  bool silent_while_busy = false;
  std::size_t max_prefetch = 16'384;  ///< tasks queued beyond the slots
  Duration prefetch_target = 1ms;     ///< work kept queued, per slot
  Duration return_after = 50ms;       ///< a task that waited longer behind busy slots goes back
  std::uint64_t max_queued_bytes = 64ULL << 20;
  std::uint64_t max_retained_bytes = 64ULL << 20;
  std::uint64_t max_retained = 65'536;  ///< outcomes no sink has confirmed; acks not acknowledged
  Duration progress_every = 200ms;      ///< between two PROGRESS messages
  Duration reconnect_least = 50ms, reconnect_most = 5s;
};

struct CollectorOptions {
  std::string name = "sink";
  Timers timers;
  FrameLimits frame;
  std::uint64_t window_outcomes = 65'536;  ///< credit of one producer
  std::uint64_t window_bytes = 64ULL << 20;
  std::size_t max_producers = 20'000;
  std::size_t max_logs = 1'024;
  std::uint64_t shelf_bytes = 64ULL << 20;           ///< outcomes kept for those who wait for them
  std::size_t max_awaited = 1'048'576;               ///< (watcher, task) pairs, of all watchers ...
  std::size_t max_awaited_each = 131'072;            ///< ... and of one
  std::uint64_t watched_window_bytes = 16ULL << 20;  ///< sent to one watcher, not acknowledged
};

struct WatcherOptions {
  std::string name = "client";
  std::string agent = "sluice";
  std::uint64_t max_entries = FrameLimits{}.max_entries;  ///< ranges in one WATCH
  std::uint64_t unseen_bytes = 1ULL << 20;  ///< taken in before the sink is told so, at most
  std::size_t unseen_outcomes = 1'024;
  Duration reconnect_least = 50ms, reconnect_most = 5s;
};

struct SubmitterOptions {
  std::string name = "client";
  std::string agent = "sluice";
  std::uint64_t max_unconfirmed = 65'536;  ///< tasks kept until CONFIRM
  std::uint64_t max_unconfirmed_bytes = 64ULL << 20;
  Duration resend_least = 10s, resend_most = 60s;
  Duration reconnect_least = 50ms, reconnect_most = 5s;
};

}  // namespace sluice::core
