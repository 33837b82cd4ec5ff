// plan.cpp: dice for a run.
// SPDX-License-Identifier: MIT
#include "sim/plan.hpp"

#include <algorithm>

#include "core/random.hpp"
#include "sim/trace.hpp"

namespace sluice::sim {
namespace {

using namespace std::chrono_literals;
using core::Random;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }
  std::uint64_t below(std::uint64_t n) { return random_.below(n); }
  template <typename T>
  T of(std::initializer_list<T> choices) {
    return choices.begin()[random_.below(choices.size())];
  }
  Duration between(Duration least, Duration most) { return random_.between(least, most); }
  std::uint32_t u32(std::uint64_t least, std::uint64_t most) {
    return static_cast<std::uint32_t>(least + random_.below(most - least + 1));
  }

 private:
  Random random_;
};

Conduct conduct(Dice& dice, const Plan& plan) {
  const std::uint64_t at = dice.below(100);
  if (at < 74) return Conduct::succeed;
  if (at < 82) return Conduct::fail_first;
  if (at < 86) return Conduct::retry;
  if (at < 89) return Conduct::fatal;
  if (at < 92) return Conduct::timeout;
  if (at < 94) return Conduct::undecodable;
  if (at < 95) return Conduct::too_large;
  if (at < 97) return plan.sink_has_handler ? Conduct::rejected : Conduct::succeed;
  return at < 98 ? Conduct::poison : Conduct::succeed;
}

Duration run_time(Dice& dice) {
  switch (dice.below(10)) {
    case 0: return dice.between(5s, 40s);
    case 1:
    case 2: return dice.between(200ms, 3s);
    case 3:
    case 4: return dice.between(1ms, 5ms);
    default: return dice.between(10ms, 200ms);
  }
}

TaskPlan a_task(Dice& dice, const Plan& plan, Time at, std::uint32_t client) {
  TaskPlan task;
  task.at = at;
  task.client = client;
  task.type = dice.u32(0, kTypeCount - 1);
  task.conduct = conduct(dice, plan);
  task.times = dice.u32(1, 4);
  task.run = run_time(dice);
  task.size = dice.one_in(20) ? dice.u32(2000, 6000) : dice.u32(0, 100);
  task.wanted = dice.one_in(3);
  if (dice.one_in(5)) task.priority = dice.u32(1, 2);
  if (dice.one_in(6)) task.max_attempts = dice.u32(1, 5);
  if (dice.one_in(12)) task.delay_ms = dice.u32(10, 20'000);
  if (dice.one_in(12)) task.ttl_ms = dice.u32(50, 60'000);
  if (dice.one_in(15)) task.cancel_after = dice.between(1ms, 5s);
  return task;
}

// Half of the faults meet workers that have more than they can run, or the rules of what waits
// would hardly be tried: one batch of tasks after the other, of seconds each.
void add_rush(Dice& dice, Plan& plan, Time at, std::uint32_t count) {
  const std::uint32_t client = dice.u32(0, plan.clients - 1);
  for (; count > 0; --count) {
    TaskPlan task = a_task(dice, plan, at + dice.between(0s, 5s), client);
    task.run = dice.between(300ms, 3s);
    plan.tasks.push_back(std::move(task));
  }
}

void add_tasks(Dice& dice, Plan& plan, std::uint32_t count) {
  while (plan.tasks.size() < count) {
    const Time at = Time(dice.between(0s, plan.rages * 9 / 10));
    const std::uint32_t client = dice.u32(0, plan.clients - 1);
    std::uint32_t burst = dice.of<std::uint32_t>({1, 1, 1, 2, 5, 12});
    if (dice.one_in(40)) burst = 60;  // a storm: more than the client's credit
    for (; burst > 0; --burst) {
      TaskPlan task = a_task(dice, plan, at, client);
      if (dice.one_in(6)) task.key = "key-" + std::to_string(plan.tasks.size());
      if (!plan.tasks.empty() && dice.one_in(12)) {
        const std::uint32_t twin = dice.u32(0, plan.tasks.size() - 1);
        if (!plan.tasks[twin].key.empty() && plan.tasks[twin].twin == 0) {
          task = plan.tasks[twin];
          task.at = at;
          task.client = client;
          task.twin = twin + 1;
          task.conflicts = dice.one_in(3);
          task.wanted = dice.one_in(2);
        }
      }
      plan.tasks.push_back(std::move(task));
    }
  }
}

FaultKind fault_kind(Dice& dice) {
  using enum FaultKind;
  return dice.of({crash,     crash,     crash,         crash_at_send, crash_at_send, power_loss,
                  pause,     pause,     pause,         partition,     partition,     one_way,
                  one_way,   isolate,   slow,          slow,          cut,           cut,
                  cut,       cut_lane,  cut_lane,      clock_jump,    disk_full,     fsync_fails,
                  handler_later, drain, drain,         end_ventilator, hide_departures});
}

std::uint32_t victim(Dice& dice, const Plan& plan) {
  // A ventilator that ends takes its log along: seldom, or nothing else would be seen.
  if (dice.one_in(12)) return plan.ventilator(dice.u32(0, plan.ventilators - 1));
  switch (dice.below(5)) {
    case 0: return plan.sink(dice.u32(0, plan.sinks - 1));
    case 1: return plan.client(dice.u32(0, plan.clients - 1));
    default: return plan.worker(dice.u32(0, plan.workers - 1));
  }
}

Fault a_fault(Dice& dice, const Plan& plan, const std::vector<Time>& rushes) {
  using enum FaultKind;
  Fault fault;
  fault.at = Time(dice.between(plan.rages / 100, plan.rages * 95 / 100));
  if (dice.one_in(2)) fault.at = rushes[dice.below(rushes.size())] + dice.between(0s, 9s);
  fault.kind = fault_kind(dice);
  fault.host = victim(dice, plan);
  const Duration beat = plan.heartbeat;
  fault.lasts = dice.one_in(2) ? dice.between(10ms, beat * 3) : dice.between(beat, beat * 30);
  fault.amount = dice.u32(0, 40);
  // The other side of a path: whom the victim talks to.
  const bool is_ventilator = fault.host < plan.ventilators;
  fault.other = is_ventilator || dice.one_in(2)
                    ? plan.sink(dice.u32(0, plan.sinks - 1))
                    : plan.ventilator(dice.u32(0, plan.ventilators - 1));
  if (fault.host >= plan.sink(0) && fault.host < plan.worker(0))
    fault.other = plan.worker(dice.u32(0, plan.workers - 1));
  if (fault.kind == one_way && dice.one_in(2)) std::swap(fault.host, fault.other);
  switch (fault.kind) {
    case pause:
    case partition:
    case one_way:
    case isolate:
      if (dice.one_in(3)) fault.lasts = dice.between(beat * 3, beat * 16);  // around D, F and R
      break;
    case slow: fault.amount = dice.u32(5, 3000); break;
    case cut_lane:
      fault.host = plan.worker(dice.u32(0, plan.workers - 1));
      fault.other = plan.ventilator(dice.u32(0, plan.ventilators - 1));
      break;
    case disk_full:
    case fsync_fails:
    case power_loss:
    case handler_later: fault.host = plan.sink(dice.u32(0, plan.sinks - 1)); break;
    case drain:
      fault.host = plan.worker(dice.u32(0, plan.workers - 1));
      fault.amount = dice.below(3);
      break;
    case end_ventilator:
      fault.host = plan.ventilator(dice.u32(0, plan.ventilators - 1));
      break;
    default: break;
  }
  return fault;
}

// What a journal is for: its ventilator ends in all ways, again and again.
Fault a_fault_of_journal(Dice& dice, const Plan& plan, Fault fault) {
  using enum FaultKind;
  fault.host = plan.ventilator(dice.u32(0, plan.ventilators - 1));
  fault.kind = dice.of({crash, crash, crash_at_send, crash_at_send, crash_at_send, crash_at_start,
                        power_loss, power_loss_at_send, power_loss_at_send, disk_full, disk_full,
                        fsync_fails, end_ventilator});
  // Mostly it is back before its workers are given up.
  if (!dice.one_in(4)) fault.lasts = dice.between(10ms, plan.heartbeat * 3);
  fault.amount = dice.u32(0, dice.one_in(2) ? 30 : 300);
  return fault;
}

void add_journal(Dice& dice, Plan& plan) {
  plan.keeping = dice.of({Keeping::always, Keeping::always, Keeping::always, Keeping::interval,
                          Keeping::never});
  plan.sync_every = dice.of<Duration>({1ms, 20ms, 500ms});
  plan.checkpoint_pages = dice.of<std::uint32_t>({20, 100, 400});
  plan.page_bytes = dice.of<std::uint32_t>({1024, 4096});
}

Plan rolled(std::uint64_t seed, Duration rages, std::uint32_t tasks, std::uint32_t faults) {
  Dice dice(seed * 2 + 1);
  Plan plan;
  plan.seed = seed;
  plan.rages = rages;
  plan.ventilators = dice.one_in(4) ? 2 : 1;
  plan.sinks = dice.u32(1, 3);
  plan.workers = dice.u32(5, 8);
  plan.clients = dice.u32(1, 3);
  plan.heartbeat = dice.of<Duration>({500ms, 1s, 2s, 2s});
  plan.slots = dice.u32(1, 4);
  plan.prefetch = dice.u32(0, 4);
  plan.max_tasks = dice.of<std::uint64_t>({30, 100, 1000});
  plan.client_window = dice.of<std::uint64_t>({8, 40, 65536});
  plan.sink_window = dice.of<std::uint64_t>({4, 16, 65536});
  plan.shelf_bytes = dice.of<std::uint64_t>({2000, 20'000, 1'000'000});
  plan.lane_ports = dice.of<std::uint32_t>({3, 12, 100});
  plan.sink_has_handler = dice.one_in(3);
  plan.wide_clocks = dice.one_in(2);
  plan.retry.max_attempts = dice.u32(1, 4);
  plan.retry.max_losses = dice.u32(1, 4);
  plan.retry.backoff = dice.between(20ms, 2s);
  plan.retry.backoff_most = dice.between(1s, 30s);
  std::vector<Time> rushes;
  for (std::uint32_t i = 0; i < (tasks + 99) / 100; ++i) {
    rushes.push_back(Time(dice.between(plan.rages / 50, plan.rages * 4 / 5)));
    add_rush(dice, plan, rushes.back(), tasks / 5);
  }
  add_tasks(dice, plan, tasks);
  if (dice.one_in(2)) add_journal(dice, plan);
  for (std::uint32_t i = 0; i < faults; ++i) {
    plan.faults.push_back(a_fault(dice, plan, rushes));
    if (plan.keeping != Keeping::memory && dice.one_in(3))
      plan.faults.back() = a_fault_of_journal(dice, plan, plan.faults.back());
  }
  std::stable_sort(plan.faults.begin(), plan.faults.end(),
                   [](const Fault& a, const Fault& b) { return a.at < b.at; });
  return plan;
}

std::string_view name_of(Keeping keeping) {
  constexpr std::string_view kNames[] = {"no journal", "a journal (--sync always)",
                                         "a journal (--sync ms)", "a journal (--sync never)"};
  return kNames[static_cast<std::size_t>(keeping)];
}

std::string ms(Duration d) { return std::to_string(d.count() / 1'000'000) + " ms"; }

}  // namespace

Plan plan_of(std::uint64_t seed) {
  Dice dice(seed);
  return rolled(seed, 10min, dice.u32(200, 300), dice.u32(20, 35));
}

Plan short_plan_of(std::uint64_t seed) {
  Dice dice(seed);
  return rolled(seed, 1min, dice.u32(40, 80), dice.u32(5, 10));
}

std::string host_name(const Plan& plan, std::uint32_t host) {
  if (host < plan.sink(0)) return "ventilator-" + std::to_string(host);
  if (host < plan.worker(0)) return "sink-" + std::to_string(host - plan.sink(0));
  if (host < plan.client(0)) return "worker-" + std::to_string(host - plan.worker(0));
  return "client-" + std::to_string(host - plan.client(0));
}

std::string describe(const Plan& plan, const Fault& fault) {
  const std::string host = host_name(plan, fault.host), other = host_name(plan, fault.other);
  const std::string lasts = " for " + ms(fault.lasts);
  switch (fault.kind) {
    case FaultKind::crash: return host + " crashes, back after " + ms(fault.lasts);
    case FaultKind::crash_at_send:
      return host + " crashes at its send or write number " + std::to_string(fault.amount) +
             " from now, back after " + ms(fault.lasts);
    case FaultKind::crash_at_start:
      return host + " crashes, and again as it starts, " + std::to_string(1 + fault.amount % 3) +
             " times";
    case FaultKind::power_loss_at_send:
      return host + " loses power at its send or write number " + std::to_string(fault.amount) +
             " from now, back after " + ms(fault.lasts);
    case FaultKind::power_loss: return host + " loses power, back after " + ms(fault.lasts);
    case FaultKind::pause: return host + " stands still" + lasts;
    case FaultKind::partition: return host + " and " + other + " are parted" + lasts;
    case FaultKind::one_way: return host + " does not reach " + other + lasts;
    case FaultKind::isolate: return host + " is parted from everybody" + lasts;
    case FaultKind::slow:
      return host + " and " + other + " are " + std::to_string(fault.amount) + " ms apart" + lasts;
    case FaultKind::cut: return "connections of " + host + " and " + other + " break";
    case FaultKind::cut_lane:
      return "the lane of " + host + " and " + other + " is slow, and breaks after " +
             std::to_string(fault.amount * 10) + " ms";
    case FaultKind::clock_jump: return "the clock of " + host + " jumps by " + ms(fault.lasts);
    case FaultKind::disk_full: return "the disk of " + host + " is full" + lasts;
    case FaultKind::fsync_fails:
      return "the next fsync at " + host + " fails; it starts again after " + ms(fault.lasts);
    case FaultKind::handler_later: return "the handler at " + host + " says later" + lasts;
    case FaultKind::drain:
      return host + " drains, mode " + std::to_string(fault.amount) + ", and is back " +
             ms(fault.lasts) + " after its end";
    case FaultKind::end_ventilator:
      return host + " says BYE and ends, another starts after " + ms(fault.lasts);
    case FaultKind::hide_departures: return "departures are seen by chance only" + lasts;
  }
  return "?";
}

std::string describe(const Plan& plan) {
  return std::string(name_of(plan.keeping)) + ", " + std::to_string(plan.tasks.size()) +
         " tasks of " + std::to_string(plan.clients) +
         " clients, " + std::to_string(plan.ventilators) + " ventilators, " +
         std::to_string(plan.workers) + " workers of " + std::to_string(plan.slots) +
         " slots, " + std::to_string(plan.sinks) + " sinks, " +
         std::to_string(plan.faults.size()) + " faults in " + ms(plan.rages);
}

}  // namespace sluice::sim
