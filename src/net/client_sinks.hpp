// client_sinks.hpp: a client's links to the sinks, and who waits for which outcome.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sluice/outcome.hpp>

#include "core/submitter.hpp"
#include "core/watcher.hpp"
#include "net/frame_buffer.hpp"
#include "net/outgoing_link.hpp"
#include "net/poll_set.hpp"

namespace sluice::net {

/// Carries messages between Watchers, one for each sink, and their sockets; and calls those who
/// wait, exactly once each. Belongs to the client's thread, on which the calls happen.
class ClientSinks {
 public:
  using OnOutcome = std::function<void(const Outcome&)>;

  /// `told` is called before each callback: one awaits less.
  ClientSinks(std::string name, std::shared_ptr<FramePool> frames, std::function<void()> told);

  /// Somebody waits for the outcome of the task with this ticket.
  void expect(std::uint64_t ticket, OnOutcome on_outcome);
  /// The ventilator's answer to a task; of a ticket that nobody waits on it changes nothing.
  void answered(const core::SubmitAnswer& answer, const core::Log& log, const std::string& why,
                core::Time now);
  /// Nobody waits on that ticket any more; its callback is not called.
  void forget(std::uint64_t ticket);
  /// A session with a ventilator has begun. Of another one's tasks what does not arrive
  /// within `patience` is given up.
  void ventilator_is(const core::ClientOpened& opened, core::Time now);
  /// Calls all who wait: nothing will come any more.
  void close(const std::string& why);

  // The parts of a turn, in this order.
  void watch(PollSet& poll);
  [[nodiscard]] std::optional<core::Time> next_deadline() const;
  void receive(core::Time now);
  void advance(core::Time now);
  void perform(core::Time now);

 private:
  struct Sink {
    Sink(core::Watcher watcher, OutgoingLink to) : core(std::move(watcher)), link(std::move(to)) {}
    core::Watcher core;
    OutgoingLink link;
  };
  struct Waiter {
    OnOutcome on_outcome;
    Sink* sink = nullptr;  // once its task is confirmed
    core::TaskKey task;
  };
  Sink& sink_at(const std::string& endpoint);
  void tell(std::uint64_t ticket, const Outcome& outcome);
  void tell_arrivals();

  const std::string name_;
  const core::Boot boot_;
  std::shared_ptr<FramePool> frames_;
  const std::function<void()> told_;
  std::map<std::string, std::unique_ptr<Sink>> sinks_;  // by endpoint
  std::vector<std::string> in_order_;                   // as the ventilator lists them
  core::Log log_{};
  std::unordered_map<std::uint64_t, Waiter> waiters_;  // by ticket
  std::vector<core::Arrival> arrivals_;
  core::EntryPool pool_;
};

}  // namespace sluice::net
