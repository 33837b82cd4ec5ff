// scene.hpp: a small world for one named scenario, stopped where the story needs it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "sim/client.hpp"
#include "sim/sink.hpp"
#include "sim/ventilator.hpp"
#include "sim/worker.hpp"
#include "sim/world.hpp"

namespace sluice::sim {

using namespace std::chrono_literals;

/// One ventilator, one sink, two workers of one slot each, one client; no faults, and tasks that
/// take a while and succeed.
inline Plan calm_plan(std::uint32_t tasks, Duration run = 1s) {
  Plan plan;
  plan.seed = 1;
  plan.workers = 2;
  plan.heartbeat = 2s;
  plan.slots = plan.prefetch = 1;
  plan.max_tasks = 1000;
  plan.client_window = 1000;
  plan.sink_window = 1000;
  plan.shelf_bytes = 1'000'000;
  plan.tasks.resize(tasks);
  for (TaskPlan& task : plan.tasks) {
    task.at = Time(500ms);
    task.run = run;
    task.wanted = true;
  }
  return plan;
}

/// A world that a test drives by itself. Rules are checked throughout; what breaks one throws.
class Scene {
 public:
  explicit Scene(const Plan& plan, bool starts = true) : world(plan) {
    world.network.on_send = [this](Host from, Host to, std::string_view frame) {
      look(from, to, frame, false);
    };
    world.network.on_delivery = [this](Host from, Host to, std::string_view frame) {
      look(from, to, frame, true);
    };
    if (starts) world.start_all();
  }

  /// Runs until a message of that kind has left (or arrived) and `fits`.
  template <typename Kind>
  bool until(bool arrived, const std::function<bool(const Kind&)>& fits = {},
             Duration at_most = 10min) {
    bool seen = false;
    on_message_ = [&](Host from, Host to, const core::Envelope& in, bool has_arrived) {
      const auto* message = std::get_if<Kind>(&in.message);
      if (message == nullptr || has_arrived != arrived || (fits && !fits(*message))) return;
      seen = true;
      from_ = from;
      to_ = to;
      frame_ = encode(in);
    };
    const bool in_time = world.run_until([&] { return seen; }, at_most);
    on_message_ = {};
    return in_time;
  }
  template <typename Kind>
  bool until_sent(const std::function<bool(const Kind&)>& fits = {}, Duration at_most = 10min) {
    return until<Kind>(false, fits, at_most);
  }
  template <typename Kind>
  bool until_delivered(const std::function<bool(const Kind&)>& fits = {},
                       Duration at_most = 10min) {
    return until<Kind>(true, fits, at_most);
  }
  bool until(const std::function<bool()>& happens, Duration at_most = 10min) {
    return world.run_until(happens, at_most);
  }
  bool until_started(std::uint32_t token, std::uint32_t times = 1) {
    return until([&] { return world.truth.times_started(token) >= times; });
  }
  /// Heals all, waits for everything, and holds everybody's word against the truth.
  void end(Duration at_most = 20min) {
    world.heal();
    world.require_quiet(at_most);
    world.finish();
  }
  /// Counts the messages of a kind from now on.
  template <typename Kind>
  std::function<std::uint64_t()> count(const std::function<bool(const Kind&)>& fits = {}) {
    auto seen = std::make_shared<std::uint64_t>(0);
    counters_.push_back([seen, fits](const core::Envelope& in, bool arrived) {
      const auto* message = std::get_if<Kind>(&in.message);
      if (message != nullptr && arrived && (!fits || fits(*message))) ++*seen;
    });
    return [seen] { return *seen; };
  }

  [[nodiscard]] Host ventilator() const { return world.plan.ventilator(0); }
  [[nodiscard]] Host sink(std::uint32_t i = 0) const { return world.plan.sink(i); }
  [[nodiscard]] Host worker(std::uint32_t i = 0) const { return world.plan.worker(i); }
  [[nodiscard]] Host client() const { return world.plan.client(0); }
  [[nodiscard]] Host from() const { return from_; }  ///< who sent what was waited for
  [[nodiscard]] Host to() const { return to_; }
  void crash(Host host, Duration wait = 1s) {
    world.inject({world.timeline.now(), FaultKind::crash, host, 0, wait, 0});
  }
  void pause(Host host, Duration span) {
    world.inject({world.timeline.now(), FaultKind::pause, host, 0, span, 0});
  }
  [[nodiscard]] const core::DispatcherCounters& counters() {
    return world.as<VentilatorProcess>(ventilator()).core().counters();
  }
  [[nodiscard]] std::uint64_t duplicates(std::uint32_t i = 0) {
    return world.as<SinkProcess>(sink(i)).core().stats().duplicates;
  }
  [[nodiscard]] std::optional<core::Status> stored(std::uint32_t token) const {
    return world.truth.stored(token);
  }
  [[nodiscard]] std::uint32_t started(std::uint32_t token) const {
    return world.truth.times_started(token);
  }

  World world;

 private:
  using OnMessage = std::function<void(Host, Host, const core::Envelope&, bool)>;
  void look(Host from, Host to, std::string_view frame, bool arrived) {
    wire::Limits widest;
    widest.max_frame = wire::kHardMaxFrame;
    const std::string copy(frame);
    const core::Envelope in =
        decode_or_break(wire::Codec(wire::Role::any, widest), copy, pool_);
    if (on_message_) on_message_(from, to, in, arrived);
    for (const auto& counter : counters_) counter(in, arrived);
  }

  core::EntryPool pool_;
  OnMessage on_message_;
  std::vector<std::function<void(const core::Envelope&, bool)>> counters_;
  Host from_ = 0, to_ = 0;
  std::string frame_;
};

}  // namespace sluice::sim
