// world.hpp: many roles in one thread, under one clock that nobody has to wait for.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/dispatcher.hpp"
#include "core/random.hpp"
#include "sim/disk.hpp"
#include "sim/journal_disk.hpp"
#include "sim/journal_model.hpp"
#include "sim/network.hpp"
#include "sim/plan.hpp"
#include "sim/process.hpp"
#include "sim/timeline.hpp"
#include "sim/trace.hpp"
#include "sim/truth.hpp"

namespace sluice::sim {

struct Verdict {
  std::string broken;  ///< empty: no rule was
  Time at{};           ///< when the run ended
  std::uint64_t trace = 0;
  std::uint64_t delivered = 0, stored = 0, executions = 0, lost_with_log = 0, turns = 0;
  std::vector<std::string> lines;  ///< if they were wanted
  [[nodiscard]] bool ok() const { return broken.empty(); }
};

/// A run in two halves. While faults rage only safety is asked for: each fact is held against
/// those known before, after every event. Then all is healed, and everything must come to its end
/// in bounded time.
class World {
 public:
  explicit World(const Plan& plan, bool wants_lines = false);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// The whole run. What breaks ends it.
  Verdict run();

  // For scenarios that make their faults themselves: the parts of run(). What breaks throws Broken.
  void start_all();
  void start_at(Host host) { start(host); }
  void run_until(Time when);
  void run_for(Duration span) { run_until(timeline.now() + span); }
  /// False if it does not happen within that time.
  bool run_until(const std::function<bool()>& happens, Duration at_most);
  void inject(const Fault& fault);
  void heal();
  /// Everything is settled, told and idle.
  [[nodiscard]] bool is_quiet() const;
  void require_quiet(Duration at_most);
  void finish();

  // What processes need of the world.
  void wake(Host host, Duration at_least = Duration(0));
  /// The local clock of a host.
  [[nodiscard]] Time clock(Host host) const { return timeline.now() + machines_[host].offset; }
  [[nodiscard]] Time at_clock(Host host, Time local) const;
  /// What net::Clock says from now on.
  void set_clock(Host host) const;
  /// The time of day of a host, as milliseconds.
  [[nodiscard]] core::WallMs wall_ms(Host host) const;
  /// Between two steps of a process: where it may die.
  void point(Host host);
  /// The same for those who cannot throw: true if it dies there.
  [[nodiscard]] bool dies_at(Host host);
  /// The process at `host` ends; another starts there after `wait`.
  void kill(Host host, Duration wait);
  [[nodiscard]] bool is_paused(Host host) const { return machines_[host].paused > 0; }
  /// Calls it unless that process has ended by then; a process that stands still hears of it
  /// when it goes on.
  void later(Life life, Duration wait, std::function<void()> call);
  [[nodiscard]] bool is_alive(Life life) const {
    return machines_[life.host].process != nullptr && machines_[life.host].lives == life.number;
  }
  [[nodiscard]] Life life_at(Host host) const { return {host, machines_[host].lives}; }
  [[nodiscard]] Process* process(Host host) { return machines_[host].process.get(); }
  template <typename Kind>
  [[nodiscard]] Kind& as(Host host) {
    return dynamic_cast<Kind&>(*machines_[host].process);
  }
  [[nodiscard]] Disk& disk(Host host) { return *machines_[host].disk; }
  /// Of a ventilator with a journal.
  [[nodiscard]] JournalDisk& journal_disk(Host host) { return *machines_[host].journal_disk; }
  [[nodiscard]] JournalModel& journal(Host host) { return *machines_[host].journal; }
  [[nodiscard]] bool raging() const { return !healed_; }
  void event(const std::string& words) { trace.event(timeline.now(), words); }
  [[nodiscard]] std::uint64_t roll() { return random_.next(); }

  const Plan plan;
  Timeline timeline;
  Trace trace;
  Network network;
  Truth truth;
  bool handler_says_later = false;
  /// How many of the sinks a ventilator that starts is told of; 0: all.
  std::uint32_t sinks_listed = 0;
  /// The identity of a ventilator that starts, if it is not to be a new one.
  std::function<std::optional<core::Dispatcher::Identity>()> identity;

 private:
  struct Machine {
    std::unique_ptr<Process> process;
    std::unique_ptr<Disk> disk;
    std::unique_ptr<JournalDisk> journal_disk;
    std::unique_ptr<JournalModel> journal;
    Duration offset{};
    Duration wall_ahead{};
    int paused = 0;
    std::uint32_t lives = 0;
    Time turn_at = Time::max();
    std::uint64_t turn_stamp = 0;
    std::uint64_t crash_in = 0;  // points
    Duration crash_wait{};
    bool crash_takes_power = false;
    std::uint64_t doomed_starts = 0;
    std::vector<std::function<void()>> when_awake;
  };
  void start(Host host);
  void turn(Host host, std::uint64_t stamp);
  void die(Host host, Duration wait);
  void crashed(Host host);
  void make_process(Life life);
  void pause(Host host, Duration span);
  void resume(Host host);
  void part(Host a, Host b, bool both_ways, Duration span);
  void lose_power(Host host, Duration wait);
  void forget_unsynced(Host host);
  void add_journal(Host host);
  void set_full(Host host, bool full);
  void cut_lane(const Fault& fault);

  core::Random random_;
  std::vector<Machine> machines_;
  bool healed_ = false;
  std::uint64_t turns_ = 0;
};

}  // namespace sluice::sim
