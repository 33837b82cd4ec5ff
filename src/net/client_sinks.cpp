// client_sinks.cpp: watching, and calling those who wait.
// SPDX-License-Identifier: MIT
#include "net/client_sinks.hpp"

#include <algorithm>

#include <sluice/error.hpp>

#include "net/context.hpp"
#include "net/entropy.hpp"
#include "net/sink_store.hpp"
#include "wire/limits.hpp"

namespace sluice::net {
namespace {

constexpr int kMaxMessagesPerTurn = 256;

Outcome unknown(const core::TaskKey& task, std::string why) {
  Outcome outcome;
  outcome.id = {task.log, core::raw(task.seq)};
  outcome.status = Status::unknown;
  outcome.error = std::move(why);
  return outcome;
}

Outcome outcome_of(const core::Arrival& arrival) {
  if (arrival.outcome == nullptr)
    return unknown({arrival.log, core::Seq{}},
                   "the ventilator that had the task has ended, and no outcome came");
  core::StoreEntry entry;
  entry.log = arrival.log;
  entry.outcome = *arrival.outcome;
  entry.type = arrival.type;
  entry.producer = arrival.worker;
  Outcome outcome(view_of(entry));
  if ((entry.outcome.flags & core::kContentGone) == 0) return outcome;
  if ((entry.outcome.flags & core::kStatusGone) != 0) outcome.status = Status::unknown;
  outcome.error =
      "the task is settled, but its sink no longer has the outcome: give the sink a "
      "file, or wait for outcomes as they come";
  return outcome;
}

}  // namespace

ClientSinks::ClientSinks(std::string name, std::shared_ptr<FramePool> frames,
                         std::function<void()> told)
    : name_(std::move(name)),
      boot_(random_id<core::Boot>()),
      frames_(std::move(frames)),
      told_(std::move(told)) {}

ClientSinks::Sink& ClientSinks::sink_at(const std::string& endpoint) {
  const auto known = sinks_.find(endpoint);
  if (known != sinks_.end()) return *known->second;
  core::WatcherOptions options;
  options.name = name_;
  OutgoingLink link(Context::shared(), Endpoint::parse(endpoint), wire::Role::producer,
                    wire::widest_limits(), frames_);
  auto sink = std::make_unique<Sink>(core::Watcher(std::move(options), boot_, random_u64()),
                                     std::move(link));
  return *sinks_.emplace(endpoint, std::move(sink)).first->second;
}

void ClientSinks::expect(std::uint64_t ticket, OnOutcome on_outcome) {
  waiters_[ticket].on_outcome = std::move(on_outcome);
}

void ClientSinks::answered(const core::SubmitAnswer& answer, const core::Log& log,
                           const std::string& why, core::Time now) {
  const auto at = waiters_.find(answer.cookie);
  if (at == waiters_.end()) return;
  Waiter& waiter = at->second;
  if (answer.code != core::Code::ok && answer.code != core::Code::duplicate) {
    Outcome outcome;
    outcome.status = Status::refused;
    outcome.error = why;
    return tell(answer.cookie, outcome);
  }
  waiter.task = {log, answer.seq};
  if (in_order_.empty())
    return tell(answer.cookie, unknown(waiter.task, "the ventilator names no sink"));
  try {
    waiter.sink = &sink_at(in_order_[core::raw(answer.seq) % in_order_.size()]);
  } catch (const Error& error) {  // no address one can connect to from here
    return tell(answer.cookie, unknown(waiter.task, error.what()));
  }
  waiter.sink->core.watch(waiter.task, answer.cookie, now);
}

void ClientSinks::forget(std::uint64_t ticket) {
  const auto at = waiters_.find(ticket);
  if (at == waiters_.end()) return;
  if (at->second.sink != nullptr) at->second.sink->core.forget(at->second.task, ticket);
  waiters_.erase(at);
  told_();
}

void ClientSinks::ventilator_is(const core::ClientOpened& opened, core::Time now) {
  in_order_ = opened.sinks;
  if (opened.log == log_) return;
  log_ = opened.log;
  for (auto& [endpoint, sink] : sinks_)
    sink->core.give_up_others(log_, now + core::from_ms(opened.dead_ms));
}

void ClientSinks::tell(std::uint64_t ticket, const Outcome& outcome) {
  const auto at = waiters_.find(ticket);
  if (at == waiters_.end()) return;
  const OnOutcome on_outcome = std::move(at->second.on_outcome);
  waiters_.erase(at);
  told_();
  if (on_outcome) on_outcome(outcome);
}

void ClientSinks::tell_arrivals() {
  for (const core::Arrival& arrival : arrivals_) {
    const auto at = waiters_.find(arrival.cookie);
    if (at == waiters_.end()) continue;
    Outcome outcome = outcome_of(arrival);
    outcome.id.seq = core::raw(at->second.task.seq);
    tell(arrival.cookie, outcome);
  }
  arrivals_.clear();
}

void ClientSinks::close(const std::string& why) {
  std::vector<std::uint64_t> tickets;
  for (const auto& [ticket, waiter] : waiters_) tickets.push_back(ticket);
  std::sort(tickets.begin(), tickets.end());
  for (const std::uint64_t ticket : tickets) {
    const auto at = waiters_.find(ticket);
    if (at != waiters_.end()) tell(ticket, unknown(at->second.task, why));
  }
  for (auto& [endpoint, sink] : sinks_) sink->link.close();
}

void ClientSinks::watch(PollSet& poll) {
  for (auto& [endpoint, sink] : sinks_) sink->link.watch(poll);
}

std::optional<core::Time> ClientSinks::next_deadline() const {
  std::optional<core::Time> earliest;
  for (const auto& [endpoint, sink] : sinks_) {
    const auto at = sink->core.next_deadline();
    if (at && (!earliest || *at < *earliest)) earliest = at;
  }
  return earliest;
}

// Each message is told at once, while its frame is there.
void ClientSinks::receive(core::Time now) {
  for (auto& each : sinks_) {
    Sink* const sink = each.second.get();
    const auto heard =
        sink->link.hear(pool_, kMaxMessagesPerTurn, [&](const core::Envelope& envelope) {
          sink->core.receive(envelope, now, arrivals_);
          tell_arrivals();
        });
    if (heard.cut) sink->core.link_lost(now);
  }
}

void ClientSinks::advance(core::Time now) {
  for (auto& [endpoint, sink] : sinks_) sink->core.advance(now, arrivals_);
  tell_arrivals();
}

void ClientSinks::perform(core::Time now) {
  for (auto& [endpoint, sink] : sinks_) {
    const core::Watcher::Effects effects = sink->core.take_effects(now);
    if (effects.link == core::Watcher::Link::close) sink->link.close();
    if (effects.link == core::Watcher::Link::open) sink->link.open();
    for (const core::Envelope& envelope : effects.sends) sink->link.send(envelope);
  }
}

}  // namespace sluice::net
