// world.cpp: turns, ends and beginnings of processes, and the two halves of a run.
// SPDX-License-Identifier: MIT
#include "sim/world.hpp"

#include <algorithm>
#include <utility>

#include <sluice/error.hpp>

#include "net/clock.hpp"
#include "sim/client.hpp"
#include "sim/clock.hpp"
#include "sim/sink.hpp"
#include "sim/ventilator.hpp"
#include "sim/worker.hpp"

namespace sluice::sim {
namespace {

using namespace std::chrono_literals;

// Everything that waits for something has given up or tried again within that time: resends
// double up to a minute, refused peers wait a minute, tasks have ttl and delays below one.
constexpr Duration kMostHealing = 20min;
constexpr Duration kAfterFailure = 2s;

}  // namespace

World::World(const Plan& its_plan, bool wants_lines)
    : plan(its_plan),
      trace(wants_lines),
      network(timeline, its_plan.seed * 3 + 2, [this](Host host) { wake(host); }),
      truth(plan),
      random_(its_plan.seed * 5 + 3),
      machines_(plan.hosts()) {
  for (Host host = 0; host < machines_.size(); ++host) {
    machines_[host].disk = std::make_unique<Disk>(random_.next());
    machines_[host].offset = plan.wide_clocks ? random_.between(1s, 10h) : Duration(1s);
    if (host < plan.sink(0) && plan.keeping != Keeping::memory) add_journal(host);
    machines_[host].disk->before_write = [this, host] { point(host); };
    machines_[host].disk->after_sync = [this, host](const std::string& path) {
      truth.on_disk(host, machines_[host].disk->durable(path));
    };
  }
  network.on_delivery = [this](Host from, Host to, std::string_view frame) {
    trace.note(timeline.now(), frame);
    if (!trace.wants_lines()) return;
    static core::EntryPool pool;
    wire::Limits widest;
    widest.max_frame = wire::kHardMaxFrame;
    const core::Envelope in = decode_or_break(wire::Codec(wire::Role::any, widest),
                                              std::string(frame), pool);
    trace.line(timeline.now(), host_name(plan, from) + " > " + host_name(plan, to) + "  " +
                                   describe(in));
  };
  network.on_loss = [this](Host from, Host to, std::string_view frame) {
    trace.note(timeline.now(), frame);
    if (trace.wants_lines() && !frame.empty())
      trace.line(timeline.now(),
                 host_name(plan, from) + " > " + host_name(plan, to) + "  a message is lost");
  };
}

World::~World() {
  for (Machine& machine : machines_) machine.process.reset();
}

// --- processes --------------------------------------------------------------------

Time World::at_clock(Host host, Time local) const { return local - machines_[host].offset; }

void World::set_clock(Host host) const {
  clock_of_turn() = clock(host);
  wall_ahead_of_turn() = machines_[host].wall_ahead;
}

core::WallMs World::wall_ms(Host host) const {
  set_clock(host);
  return net::Clock::wall_us() / 1000;
}

void World::add_journal(Host host) {
  Machine& machine = machines_[host];
  machine.journal_disk = std::make_unique<JournalDisk>(plan.seed * 7 + host);
  machine.journal = std::make_unique<JournalModel>(plan);
  machine.journal_disk->dies_here = [this, host] { return dies_at(host); };
  machine.journal_disk->after_sync = [this, host] { machines_[host].journal->synced(); };
  machine.journal_disk->after_failed_sync = [this, host] {
    machines_[host].journal->may_have_lost();
  };
}

void World::make_process(Life life) {
  const Host host = life.host;
  std::unique_ptr<Process>& process = machines_[host].process;
  if (host < plan.sink(0))
    process = std::make_unique<VentilatorProcess>(*this, life);
  else if (host < plan.worker(0))
    process = std::make_unique<SinkProcess>(*this, life);
  else if (host < plan.client(0))
    process = std::make_unique<WorkerProcess>(*this, life);
  else
    process = std::make_unique<ClientProcess>(*this, life);
}

void World::start(Host host) {
  Machine& machine = machines_[host];
  if (machine.process != nullptr) return;
  const Life life{host, ++machine.lives};
  set_clock(host);
  machine.crash_in = 0;
  if (machine.journal_disk) {
    machine.journal_disk->reconnect();
    machine.journal->begins();
  }
  if (machine.doomed_starts > 0 && !healed_) {
    --machine.doomed_starts;
    machine.crash_in = 1 + random_.below(80);
    machine.crash_takes_power = random_.below(3) == 0;
    machine.crash_wait = random_.between(1ms, 500ms);
  }
  const auto again = [&](Duration wait) {
    if (machine.journal_disk) machine.journal_disk->cut_off();
    timeline.after(wait, [this, host] { start(host); });
  };
  try {
    make_process(life);
  } catch (const Crash&) {
    return crashed(host);
  } catch (const Error& error) {
    if (machine.journal_disk && machine.journal_disk->is_cut_off()) return crashed(host);
    // Whoever looks after it starts it again; in the end it must be there.
    event(host_name(plan, host) + " cannot start: " + error.what());
    return again(kAfterFailure);
  }
  wake(host);
}

// In the middle of whatever it did.
void World::crashed(Host host) {
  Machine& machine = machines_[host];
  const bool was_there = machine.process != nullptr;
  event(host_name(plan, host) + (machine.crash_takes_power ? " loses power" : " crashes") +
        (was_there ? " in the middle of its turn" : " as it starts"));
  if (machine.journal_disk) machine.journal_disk->cut_off();
  if (was_there)
    die(host, machine.crash_wait);
  else
    timeline.after(machine.crash_wait, [this, host] { start(host); });
  if (std::exchange(machine.crash_takes_power, false)) forget_unsynced(host);
}

void World::wake(Host host, Duration at_least) {
  Machine& machine = machines_[host];
  if (machine.process == nullptr) return;
  const Time when = timeline.now() + at_least + random_.between(1us, 60us);
  if (machine.turn_at <= when) return;
  machine.turn_at = when;
  timeline.at(when, [this, host, stamp = ++machine.turn_stamp] { turn(host, stamp); });
}

void World::turn(Host host, std::uint64_t stamp) {
  Machine& machine = machines_[host];
  if (machine.process == nullptr || machine.turn_stamp != stamp) return;
  machine.turn_at = Time::max();
  if (machine.paused > 0) return;
  ++turns_;
  const Time now = clock(host);
  set_clock(host);
  try {
    machine.process->turn(now);
  } catch (const Crash&) {
    return crashed(host);
  } catch (const Error& error) {
    if (machine.journal_disk && machine.journal_disk->is_cut_off()) return crashed(host);
    event(host_name(plan, host) + " ends: " + error.what());
    return die(host, kAfterFailure);
  }
  if (const auto back = machine.process->ended()) {
    event(host_name(plan, host) + " has ended");
    return die(host, *back);
  }
  const auto deadline = machine.process->deadline();
  if (!deadline) return;
  if (*deadline <= now) broken(host_name(plan, host) + " wants a turn that is over");
  const Time when = at_clock(host, *deadline);
  if (machine.turn_at <= when) return;
  machine.turn_at = when;
  timeline.at(when, [this, host, next = ++machine.turn_stamp] { turn(host, next); });
}

void World::die(Host host, Duration wait) {
  Machine& machine = machines_[host];
  if (machine.process == nullptr) return;
  machine.process->died();
  machine.process.reset();
  machine.turn_at = Time::max();
  ++machine.turn_stamp;
  machine.crash_in = 0;
  machine.when_awake.clear();
  if (machine.paused > 0) {
    machine.paused = 0;
    network.pause(host, false);
  }
  timeline.after(healed_ ? std::min<Duration>(wait, 5s) : wait, [this, host] { start(host); });
}

void World::kill(Host host, Duration wait) {
  timeline.after(Duration(0), [this, life = life_at(host), wait] {
    if (is_alive(life)) die(life.host, wait);
  });
}

void World::point(Host host) {
  if (dies_at(host)) throw Crash{};
}

bool World::dies_at(Host host) {
  Machine& machine = machines_[host];
  return machine.crash_in > 0 && --machine.crash_in == 0;
}

void World::later(Life life, Duration wait, std::function<void()> call) {
  timeline.after(wait, [this, life, call = std::move(call)] {
    if (!is_alive(life)) return;
    if (machines_[life.host].paused > 0)
      machines_[life.host].when_awake.push_back(call);
    else
      call();
  });
}

void World::pause(Host host, Duration span) {
  Machine& machine = machines_[host];
  if (machine.process == nullptr) return;
  if (machine.paused++ == 0) network.pause(host, true);
  timeline.after(span, [this, life = life_at(host)] {
    if (is_alive(life)) resume(life.host);
  });
}

void World::resume(Host host) {
  Machine& machine = machines_[host];
  if (machine.paused == 0 || --machine.paused > 0) return;
  network.pause(host, false);
  set_clock(host);
  machine.process->resumed();
  for (auto& call : std::exchange(machine.when_awake, {})) call();
  wake(host);
}

// --- the two halves ----------------------------------------------------------------

void World::start_all() {
  for (Host host = 0; host < machines_.size(); ++host) start(host);
}

void World::run_until(Time when) {
  while (timeline.next() <= when) timeline.step();
  timeline.at(when, [] {});
  while (timeline.next() <= when) timeline.step();
}

bool World::run_until(const std::function<bool()>& happens, Duration at_most) {
  const Time until = timeline.now() + at_most;
  while (!happens()) {
    if (timeline.next() > until) return false;
    timeline.step();
  }
  return true;
}

void World::heal() {
  if (healed_) return;
  event("all is healed");
  healed_ = true;
  network.heal();
  handler_says_later = false;
  for (Host host = 0; host < machines_.size(); ++host) {
    Machine& machine = machines_[host];
    machine.disk->set_full(false);
    if (machine.journal_disk) machine.journal_disk->set_full(false);
    machine.crash_in = machine.doomed_starts = 0;
    while (machine.paused > 0) resume(host);
    if (machine.process == nullptr) start(host);
  }
}

bool World::is_quiet() const {
  return std::all_of(machines_.begin(), machines_.end(), [](const Machine& machine) {
    return machine.process != nullptr && machine.process->is_quiet();
  });
}

void World::require_quiet(Duration at_most) {
  const Time until = timeline.now() + at_most;
  while (!is_quiet()) {
    if (timeline.now() >= until) {
      std::string who = "not all has come to its end in time:";
      for (Host host = 0; host < machines_.size(); ++host) {
        const Process* process = machines_[host].process.get();
        if (process == nullptr)
          who += "\n  " + host_name(plan, host) + " is not there";
        else if (!process->is_quiet())
          who += "\n  " + host_name(plan, host) + ": " + process->state();
      }
      broken(who);
    }
    run_for(500ms);
  }
}

void World::finish() {
  run_for(plan.heartbeat * 3);  // the last words: ACKED, STATE, floors
  require_quiet(1min);
  truth.finish();
  for (const Machine& machine : machines_) machine.process->finish();
}

Verdict World::run() {
  Verdict verdict;
  try {
    event(describe(plan));
    for (const Fault& fault : plan.faults)
      timeline.at(fault.at, [this, &fault] { inject(fault); });
    start_all();
    run_until(Time(plan.rages));
    heal();
    require_quiet(kMostHealing);
    finish();
  } catch (const Broken& rule) {
    verdict.broken = rule.what();
    trace.line(timeline.now(), "BROKEN: " + verdict.broken);
  }
  verdict.at = timeline.now();
  verdict.trace = trace.number();
  verdict.delivered = network.delivered();
  verdict.stored = truth.stored_count();
  verdict.executions = truth.executions();
  verdict.lost_with_log = truth.lost_with_log();
  verdict.turns = turns_;
  verdict.lines = trace.lines();
  return verdict;
}

}  // namespace sluice::sim

// A broken invariant of the product ends a run, not the program that runs thousands of them.
namespace sluice::core {

void assertion_failed(const char* expression, const char* file, int line) {
  sim::broken(std::string("assertion ") + expression + " at " + file + ":" +
              std::to_string(line));
}

}  // namespace sluice::core
