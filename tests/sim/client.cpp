// client.cpp: the order of a client's turn, and those who wait for outcomes.
// SPDX-License-Identifier: MIT
#include "sim/client.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/ventilator.hpp"
#include "sim/world.hpp"

namespace sluice::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kAskEvery = 20s;
constexpr Duration kPatience = 15s;

core::SubmitterOptions options(const Plan& plan, Host host) {
  core::SubmitterOptions out;
  out.name = host_name(plan, host);
  out.max_unconfirmed = std::numeric_limits<std::uint64_t>::max();
  out.max_unconfirmed_bytes = std::numeric_limits<std::uint64_t>::max();
  return out;
}

wire::Limits limits() {
  wire::Limits limits;
  limits.max_frame = wire::kHardMaxFrame;
  return limits;
}

core::Boot new_boot(World& world, Life life) {
  const auto boot = id_of<core::Boot>(world.roll());
  world.truth.born(boot, life);
  return boot;
}

}  // namespace

ClientProcess::ClientProcess(World& world, Life life)
    : Process(world, life),
      core_(options(world.plan, life.host), new_boot(world, life), world.roll()),
      link_(world, life.host, wire::Role::client, limits()),
      watch_boot_(new_boot(world, life)) {
  const std::uint32_t number = life.host - world.plan.client(0);
  for (std::uint32_t i = 0; i < world.plan.tasks.size(); ++i)
    if (world.plan.tasks[i].client == number && !world.plan.tasks[i].left_out &&
        world.plan.tasks[i].at >= world.timeline.now())
      mine_.push_back(i);
  std::stable_sort(mine_.begin(), mine_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return world.plan.tasks[a].at < world.plan.tasks[b].at;
  });
  core_.start(world.clock(life.host));
  asked_ = world.clock(life.host);
}

void ClientProcess::died() { world_.truth.client_died(life_); }

void ClientProcess::turn(Time now) {
  const bool cut = link_.was_cut();
  link_.flush();
  link_.receive(pool_, [&](const core::Envelope& envelope) { core_.receive(envelope, now); });
  if (cut) core_.link_lost(now);
  new_session(now);
  watch_sinks(now);
  ask(now);
  submit_due(now);
  core_.advance(now);
  perform(now);
  for (auto& [endpoint, sink] : sinks_) sink.core.advance(now, arrivals_);
  tell_arrivals();
  for (auto& [endpoint, sink] : sinks_) {
    const core::Watcher::Effects effects = sink.core.take_effects(now);
    if (effects.link == core::Watcher::Link::close) sink.link->close();
    if (effects.link == core::Watcher::Link::open) sink.link->open(endpoint);
    for (const core::Envelope& envelope : effects.sends) sink.link->send(envelope);
  }
}

// As net::ClientSinks::ventilator_is.
void ClientProcess::new_session(Time now) {
  if (core_.stats().sessions == sessions_) return;
  sessions_ = core_.stats().sessions;
  const core::ClientOpened& opened = core_.opened();
  in_order_ = opened.sinks;
  if (opened.log == log_) return;
  log_ = opened.log;
  for (auto& [endpoint, sink] : sinks_)
    sink.core.give_up_others(log_, now + core::from_ms(opened.dead_ms));
}

void ClientProcess::submit_due(Time now) {
  static_cast<void>(now);
  while (next_ < mine_.size() && world_.plan.tasks[mine_[next_]].at <= world_.timeline.now())
    submit(mine_[next_++]);
}

void ClientProcess::submit(std::uint32_t token) {
  const TaskPlan& plan = world_.plan.tasks[token];
  const std::string payload = payload_of(world_.plan, token);
  core::NewTask task;
  task.cookie = token;
  task.type = kTypes[plan.type];
  task.key = plan.key;
  task.payload = core::as_bytes(payload);
  task.priority = plan.priority;
  task.max_attempts = plan.max_attempts;
  task.delay_ms = plan.delay_ms;
  task.ttl_ms = plan.ttl_ms;
  task.wanted = plan.wanted;
  if (plan.wanted) waiters_.insert(token);
  world_.truth.submitted(token, life_);
  const auto taken = core_.submit(task, world_.clock(life_.host));
  if (taken != core::Submitter::Taken::yes) broken(name_of(token) + " was not taken by its client");
  world_.wake(life_.host);
}

void ClientProcess::cancel(std::uint32_t token) {
  const auto at = confirmed_.find(token);
  if (at == confirmed_.end() || at->second.log != log_) return;
  const std::uint64_t cookie = ++last_cookie_;
  questions_.insert(cookie);
  const Time now = world_.clock(life_.host);
  core_.cancel(cookie, {at->second.seq}, now + kPatience, now);
  world_.wake(life_.host);
}

void ClientProcess::ask(Time now) {
  if (now < asked_ + kAskEvery || !world_.raging()) return;
  asked_ = now;
  const std::uint64_t cookie = ++last_cookie_;
  questions_.insert(cookie);
  core::Query query;
  query.verb = "status";
  core_.query(cookie, std::move(query), now + kPatience, now);
}

void ClientProcess::perform(Time now) {
  core::Submitter::Effects effects = core_.take_effects();
  const std::uint32_t number = life_.host - world_.plan.client(0);
  if (effects.link == core::Submitter::Link::close) link_.close();
  if (effects.link == core::Submitter::Link::open)
    link_.open(ventilator_address(number % world_.plan.ventilators));
  for (const core::Envelope& envelope : effects.sends) link_.send(envelope);
  for (const core::SubmitAnswer& answer : effects.answers) answered(answer, effects.log, now);
  const auto answer = [this](std::uint64_t cookie) {
    if (questions_.erase(cookie) == 0) broken("a question was answered twice");
  };
  for (const core::QueryAnswer& reply : effects.replies) answer(reply.cookie);
  for (const core::CancelDone& done : effects.cancels) answer(done.cookie);
  core_.recycle(std::move(effects));
}

void ClientProcess::answered(const core::SubmitAnswer& answer, const core::Log& log, Time now) {
  const auto token = static_cast<std::uint32_t>(answer.cookie);
  world_.truth.answered(token, answer.code, log, answer.seq);
  if (answer.code != core::Code::ok && answer.code != core::Code::duplicate) {
    waiters_.erase(token);
    return;
  }
  confirmed_[token] = {log, answer.seq};
  const Duration wait = world_.plan.tasks[token].cancel_after;
  if (wait > Duration(0)) world_.later(life_, wait, [this, token] { cancel(token); });
  if (waiters_.count(token) == 0) return;
  Sink& sink = sink_at(in_order_[raw(answer.seq) % in_order_.size()]);
  sink.core.watch({log, answer.seq}, token, now);
}

ClientProcess::Sink& ClientProcess::sink_at(const std::string& endpoint) {
  const auto known = sinks_.find(endpoint);
  if (known != sinks_.end()) return known->second;
  core::WatcherOptions options;
  options.name = host_name(world_.plan, life_.host);
  auto link = std::make_unique<Link>(world_, life_.host, wire::Role::producer, limits());
  return sinks_
      .try_emplace(endpoint, core::Watcher(options, watch_boot_, world_.roll()), std::move(link))
      .first->second;
}

void ClientProcess::watch_sinks(Time now) {
  for (auto& each : sinks_) {
    Sink& sink = each.second;
    const bool cut = sink.link->was_cut();
    sink.link->flush();
    sink.link->receive(pool_, [&](const core::Envelope& envelope) {
      sink.core.receive(envelope, now, arrivals_);
      tell_arrivals();
    });
    if (cut) sink.core.link_lost(now);
  }
}

void ClientProcess::tell_arrivals() {
  for (const core::Arrival& arrival : arrivals_) {
    const auto token = static_cast<std::uint32_t>(arrival.cookie);
    world_.truth.outcome_came(token, arrival.log, arrival.outcome);
    waiters_.erase(token);
  }
  arrivals_.clear();
}

std::optional<Time> ClientProcess::deadline() const {
  std::optional<Time> at = core_.next_deadline();
  const auto sooner = [&at](std::optional<Time> other) {
    if (other && (!at || *other < *at)) at = other;
  };
  for (const auto& [endpoint, sink] : sinks_) sooner(sink.core.next_deadline());
  if (world_.raging()) sooner(asked_ + kAskEvery);
  if (next_ < mine_.size())
    sooner(world_.clock(life_.host) + std::max(world_.plan.tasks[mine_[next_]].at -
                                                   world_.timeline.now(),
                                               Duration(1)));
  return at;
}

bool ClientProcess::is_quiet() const {
  // Of what a journal has lost nobody can tell anything.
  const bool waits = std::any_of(waiters_.begin(), waiters_.end(), [this](std::uint32_t token) {
    return !world_.truth.was_lost(token);
  });
  return core_.ready() && core_.stats().unconfirmed == 0 && !waits && questions_.empty() &&
         next_ == mine_.size();
}

std::string ClientProcess::state() const {
  std::string out = std::string(core_.ready() ? "ready" : "no session") + ", " +
                    std::to_string(core_.stats().unconfirmed) + " unconfirmed, " +
                    std::to_string(questions_.size()) + " questions, waits for";
  for (const std::uint32_t token : waiters_) out += " #" + std::to_string(token);
  return out;
}

}  // namespace sluice::sim
