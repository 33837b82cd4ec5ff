// plan.hpp: all that chance decides about a run beforehand: who is there, the tasks, the faults.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/options.hpp"
#include "sim/timeline.hpp"

namespace sluice::sim {

/// What a handler does with a task.
enum class Conduct : std::uint8_t {
  succeed,
  fail_first,  ///< fails `times` times, then succeeds
  retry,       ///< the same, and says when it wants to be tried again
  fatal,       ///< fails, and says that no further attempt can help
  timeout,     ///< as fail_first, by timing out
  undecodable,
  too_large,   ///< its result is larger than the ventilator takes
  poison,      ///< kills its worker, each time
  rejected,    ///< the sink's handler refuses its result for good
};

/// A task as the plan has it. Its number in the plan travels in its payload.
struct TaskPlan {
  Time at{};  ///< when its client submits it
  std::uint32_t client = 0;
  std::uint32_t type = 0;  ///< into kTypes
  Conduct conduct = Conduct::succeed;
  std::uint32_t times = 0;
  Duration run{};
  std::uint32_t size = 0;  ///< bytes of its payload, beside the number
  std::string key;
  std::uint32_t twin = 0;  ///< the task whose key and payload it repeats, + 1; 0: none
  bool conflicts = false;  ///< it has the key of its twin, but not the payload
  bool wanted = false;
  std::uint32_t priority = 0, max_attempts = 0;
  std::uint64_t delay_ms = 0, ttl_ms = 0;
  Duration cancel_after{};  ///< 0: it is not cancelled
  bool left_out = false;    ///< of a plan that was shrunk
};
inline constexpr const char* kTypes[] = {"resize", "index", "mail"};
inline constexpr std::uint32_t kTypeCount = 3;

enum class FaultKind : std::uint8_t {
  crash,           ///< of the process at `host`, back after `lasts`
  crash_at_send,   ///< the same, in the middle of a turn: at its `amount`-th send or write
  crash_at_start,  ///< the same, and up to three of its next lives end as they begin
  power_loss,      ///< of the machine `host`: what was not synced may be gone
  power_loss_at_send,  ///< the same, at its `amount`-th send or write
  pause,           ///< SIGSTOP at `host`, SIGCONT after `lasts`
  partition,       ///< between `host` and `other`
  one_way,         ///< only from `host` to `other`
  isolate,         ///< `host` from everybody
  slow,            ///< the path between `host` and `other`, `amount` ms each way
  cut,             ///< breaks the connections between `host` and `other`
  cut_lane,        ///< breaks the lanes between `host` and `other`
  clock_jump,      ///< the clock of `host` jumps forward by `lasts`
  disk_full,       ///< at `host`
  fsync_fails,     ///< at `host`
  handler_later,   ///< the handler of the sink at `host` says "later"
  drain,           ///< the worker at `host` drains, mode `amount`, and comes back after `lasts`
  end_ventilator,  ///< says BYE and ends; another starts after `lasts`
  hide_departures, ///< departures are not seen for a while
};

/// Where a ventilator keeps its tasks, and when that is safe from a power failure.
enum class Keeping : std::uint8_t { memory, always, interval, never };

struct Fault {
  Time at{};
  FaultKind kind{};
  std::uint32_t host = 0, other = 0;
  Duration lasts{};
  std::uint64_t amount = 0;
};

/// Hosts are numbered: ventilators, then sinks, then workers, then clients.
struct Plan {
  std::uint64_t seed = 0;
  Duration rages{};  ///< how long tasks come and faults happen; then all is healed
  std::uint32_t ventilators = 1, sinks = 1, workers = 5, clients = 1;
  Duration heartbeat{};
  std::uint32_t slots = 2, prefetch = 2;  ///< of each worker
  std::uint64_t max_tasks = 100;          ///< of the ventilator
  std::uint64_t client_window = 40;
  std::uint64_t sink_window = 16;         ///< outcomes
  std::uint64_t shelf_bytes = 4096;
  std::uint32_t lane_ports = 12;
  bool sink_has_handler = false;
  Keeping keeping = Keeping::memory;
  Duration sync_every{};  ///< of Keeping::interval
  std::uint32_t checkpoint_pages = 400, page_bytes = 4096;  ///< of the journal
  bool wide_clocks = false;  ///< the hosts' clocks lie hours apart
  core::RetryPolicy retry;
  std::vector<TaskPlan> tasks;
  std::vector<Fault> faults;

  [[nodiscard]] std::uint32_t ventilator(std::uint32_t i) const { return i; }
  [[nodiscard]] std::uint32_t sink(std::uint32_t i) const { return ventilators + i; }
  [[nodiscard]] std::uint32_t worker(std::uint32_t i) const { return ventilators + sinks + i; }
  [[nodiscard]] std::uint32_t client(std::uint32_t i) const {
    return ventilators + sinks + workers + i;
  }
  [[nodiscard]] std::uint32_t hosts() const { return client(clients); }
};

/// A run of ten virtual minutes: at least 200 tasks, 5 workers and 20 faults.
[[nodiscard]] Plan plan_of(std::uint64_t seed);
/// A run of the same kind that takes a tenth of the time.
[[nodiscard]] Plan short_plan_of(std::uint64_t seed);

[[nodiscard]] std::string host_name(const Plan& plan, std::uint32_t host);
[[nodiscard]] std::string describe(const Plan& plan, const Fault& fault);
[[nodiscard]] std::string describe(const Plan& plan);

}  // namespace sluice::sim
