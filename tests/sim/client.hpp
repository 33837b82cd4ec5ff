// client.hpp: a Submitter and its Watchers at work.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/submitter.hpp"
#include "core/watcher.hpp"
#include "sim/process.hpp"

namespace sluice::sim {

/// Submits its part of the plan. A process that starts later begins with what is due then: of
/// what came before, nobody waits for the answer any more.
class ClientProcess final : public Process {
 public:
  ClientProcess(World& world, Life life);

  void turn(Time now) override;
  [[nodiscard]] std::optional<Time> deadline() const override;
  [[nodiscard]] bool is_quiet() const override;
  [[nodiscard]] std::string state() const override;
  void died() override;

  /// Submits now, whatever the plan has.
  void submit(std::uint32_t token);
  /// Asks for the end of a task that was confirmed.
  void cancel(std::uint32_t token);
  [[nodiscard]] const core::Submitter& core() const { return core_; }
  [[nodiscard]] std::size_t waiting() const { return waiters_.size(); }

 private:
  struct Sink {
    Sink(core::Watcher watcher, std::unique_ptr<Link> to)
        : core(std::move(watcher)), link(std::move(to)) {}
    core::Watcher core;
    std::unique_ptr<Link> link;
  };
  void submit_due(Time now);
  void perform(Time now);
  void answered(const core::SubmitAnswer& answer, const core::Log& log, Time now);
  void new_session(Time now);
  Sink& sink_at(const std::string& endpoint);
  void watch_sinks(Time now);
  void tell_arrivals();
  void ask(Time now);

  core::Submitter core_;
  Link link_;
  const core::Boot watch_boot_;
  std::map<std::string, Sink> sinks_;
  std::vector<std::string> in_order_;
  core::Log log_{};
  std::vector<std::uint32_t> mine_;  // tokens by time, and the next of them
  std::size_t next_ = 0;
  std::set<std::uint32_t> waiters_;  // tokens whose outcome has not come
  std::map<std::uint32_t, core::TaskKey> confirmed_;
  std::vector<core::Arrival> arrivals_;
  core::EntryPool pool_;
  std::uint64_t sessions_ = 0;
  std::set<std::uint64_t> questions_;  // cookies that are not answered
  std::uint64_t last_cookie_ = 0;
  Time asked_{};
};

}  // namespace sluice::sim
