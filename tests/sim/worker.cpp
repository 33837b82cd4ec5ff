// worker.cpp: the order of a worker's turn.
// SPDX-License-Identifier: MIT
#include "sim/worker.hpp"

#include <algorithm>

#include "sim/ventilator.hpp"
#include "sim/world.hpp"

namespace sluice::sim {
namespace {

wire::Limits limits() {
  wire::Limits limits;
  limits.max_frame = wire::kHardMaxFrame;
  return limits;
}

core::RunnerOptions options(const Plan& plan, Host host) {
  core::RunnerOptions out;
  out.name = host_name(plan, host);
  const std::uint32_t number = host - plan.worker(0);
  // The first two serve every type, so that none is without a worker for long.
  for (std::uint32_t type = 0; type < kTypeCount; ++type)
    if (number < 2 || (number + type) % 3 != 0) out.types.emplace_back(kTypes[type]);
  out.slots = plan.slots;
  out.prefetch = plan.prefetch;
  out.push_lane = number % 3 != 2;
  out.max_retained = 64;
  out.max_queued_bytes = 16'000;
  return out;
}

core::Boot new_boot(World& world, Life life) {
  const auto boot = id_of<core::Boot>(world.roll());
  world.truth.born(boot, life);
  return boot;
}

}  // namespace

WorkerProcess::WorkerProcess(World& world, Life life)
    : Process(world, life),
      core_(options(world.plan, life.host), new_boot(world, life), world.roll()),
      codec_(wire::Role::worker, limits()),
      ventilator_((life.host - world.plan.worker(0)) % world.plan.ventilators),
      control_(world, life.host, wire::Role::worker, limits()) {
  core_.start(world.clock(life.host));
}

WorkerProcess::~WorkerProcess() {
  if (lane_ != 0) world_.network.close(lane_);
}

void WorkerProcess::died() { world_.truth.worker_died(life_); }

void WorkerProcess::turn(Time now) {
  collect(now);
  receive(now);
  core_.advance(now);
  say_progress(now);
  core::Runner::Effects effects = core_.take_effects();
  const std::size_t back = effects.retract;
  perform(effects);
  core_.recycle(std::move(effects));
  if (back > 0) {
    std::vector<core::TaskHandle> retracted;
    retract(back, retracted);
    core_.retracted(retracted, now);
    core::Runner::Effects after = core_.take_effects();
    perform(after);
    core_.recycle(std::move(after));
  }
  check_limits();
  world_.later(life_, std::chrono::microseconds(world_.roll() % 40), [this] { claim(); });
}

void WorkerProcess::collect(Time now) {
  reported_.swap(finished_);
  finished_.clear();
  std::vector<core::TaskFinished> views;
  for (const Finished& each : reported_) {
    core::TaskFinished& view = views.emplace_back();
    view.handle = each.handle;
    view.end = each.end;
    view.error = each.error;
    view.result = core::as_bytes(each.result);
    view.retry_ms = each.retry_ms;
    view.started_us = each.started_us;
    view.run = each.run;
  }
  core_.pool_progress(claimed_, now);
  if (!views.empty()) core_.finished(views, now);
}

void WorkerProcess::receive(Time now) {
  using Source = core::Runner::Source;
  const bool cut = control_.was_cut();
  control_.flush();
  control_.receive(pool_, [&](const core::Envelope& envelope) {
    note_session(envelope);
    core_.receive({Source::control, 0}, envelope, now);
  });
  if (cut) {
    in_session_ = false;
    core_.disconnected({Source::control, 0}, now);
  }
  for (auto arrival = world_.network.receive(lane_); arrival;
       arrival = world_.network.receive(lane_)) {
    core::Envelope envelope = decode_or_break(codec_, arrival->frame, pool_);
    // Rules 7 and 8.2: of another session, or declared lost: dropped.
    const bool is_void = envelope.sid != sid_ || (envelope.n > 0 && envelope.n <= void_n_);
    const std::uint64_t taken = core_.stats().received;
    note_session(envelope);
    note_lane(envelope);
    core_.receive({Source::lane, 0}, envelope, now);
    if (is_void && core_.stats().received != taken)
      broken(host_name(world_.plan, life_.host) + " took TASKS that were not for it any more");
    pool_.give_back(std::move(envelope.message));
  }
  for (auto& [number, link] : sinks_) {
    const core::Runner::From from{Source::sink, number};
    const bool sink_cut = link->was_cut();
    link->flush();
    link->receive(pool_, [&](const core::Envelope& envelope) {
      core_.receive(from, envelope, now);
    });
    if (sink_cut) core_.disconnected(from, now);
  }
}

// When tasks may be started: in a session, and within F of the ventilator's last word (rules 10
// and 13).
void WorkerProcess::note_session(const core::Envelope& in) {
  if (const auto* welcome = std::get_if<core::Welcome>(&in.message)) {
    log_ = welcome->log;
    sid_ = in.sid;
    fence_ = core::from_ms(welcome->fence_ms);
    heard_ = world_.clock(life_.host);
    said_ = {};
    received_ = void_n_ = lane_seen_ = 0;
    owes_gap_ = false;
    return;
  }
  if (in.sid != sid_) return;
  heard_ = world_.clock(life_.host);
  if (std::holds_alternative<core::Verdicts>(in.message)) in_session_ = true;
  if (std::holds_alternative<core::Bye>(in.message)) in_session_ = false;
  const auto* tasks = std::get_if<core::Tasks>(&in.message);
  if (tasks == nullptr) return;
  void_n_ = std::max(void_n_, tasks->void_n);
  if (in.n == 0 || in.n > void_n_)
    received_ = std::max(received_, tasks->tasks_before + tasks->entries.size());
}

// Rule 8: "n > seen+1: accept and GAP", in the same turn.
void WorkerProcess::note_lane(const core::Envelope& in) {
  if (in.sid != sid_) return;
  const std::uint64_t expected = std::max(lane_seen_, void_n_) + 1;
  owes_gap_ = owes_gap_ || (in_session_ && in.n > expected);
  lane_seen_ = std::max(lane_seen_, in.n);
}

void WorkerProcess::say_progress(Time now) {
  const std::optional<Time> from = core_.progress_from();
  if (!from || now < *from) return;
  std::vector<core::TaskProgress> texts;
  for (auto& [handle, run] : running_) {
    if (run.told_progress || run.token % 5 != 0) continue;
    run.told_progress = true;
    texts.push_back({handle, "halfway"});
  }
  if (!texts.empty()) core_.progress(texts, now);
}

void WorkerProcess::perform(core::Runner::Effects& effects) {
  frozen_ = effects.frozen;
  start_until_ = effects.start_until;
  change_sockets(effects);
  for (const core::Envelope& envelope : effects.control) {
    if (const auto* ack = std::get_if<core::Ack>(&envelope.message))
      for (const core::AckEntry& entry : ack->entries) world_.truth.acked(log_, entry);
    if (std::holds_alternative<core::Gap>(envelope.message)) owes_gap_ = false;
    if (const auto* state = std::get_if<core::State>(&envelope.message)) {
      check_state(*state);
      said_ = *state;
    }
    control_.send(envelope);
  }
  if (owes_gap_ && in_session_)
    broken(host_name(world_.plan, life_.host) + " does not report what its lane has lost");
  for (const auto& send : effects.sinks) {
    const auto at = sinks_.find(send.link);
    if (at != sinks_.end()) at->second->send(send.envelope);
  }
  for (const core::TaskStart& start : effects.starts) queue_.push_back(start);
  if (queue_.size() > core_.pool_capacity()) broken("a worker's pool holds more than its limit");
  for (const core::TaskHandle handle : effects.cancels) {
    const auto at = running_.find(handle);
    // Half of the handlers listen.
    if (at == running_.end() || at->second.token % 2 == 0) continue;
    world_.later(life_, std::chrono::milliseconds(2), [this, handle] { end(handle, true); });
  }
}

void WorkerProcess::change_sockets(const core::Runner::Effects& effects) {
  if (effects.close_control) {
    control_.close();
    in_session_ = false;
  }
  if (effects.close_lane && lane_ != 0) world_.network.close(std::exchange(lane_, 0));
  for (const std::uint32_t number : effects.close_sinks) sinks_.erase(number);
  if (effects.open_control) control_.open(ventilator_address(ventilator_));
  if (effects.open_lane) {
    if (lane_ != 0) world_.network.close(lane_);
    lane_ = world_.network.connect(life_.host, SocketKind::pull,
                                   lane_address(ventilator_, effects.open_lane->port));
  }
  for (const auto& wanted : effects.open_sinks) {
    auto link = std::make_unique<Link>(world_, life_.host, wire::Role::producer, limits());
    link->open(wanted.endpoint);
    sinks_[wanted.link] = std::move(link);
  }
}

std::optional<Time> WorkerProcess::deadline() const {
  std::optional<Time> at = core_.next_deadline();
  if (!finished_.empty()) at = world_.clock(life_.host) + Duration(1);
  return at;
}

void WorkerProcess::drain(core::DrainMode mode, std::optional<Duration> deadline, Duration wait) {
  const Time now = world_.clock(life_.host);
  core_.drain(mode, deadline ? std::optional(now + *deadline) : std::nullopt, now);
  back_after_ = wait;
  drained_ = true;
  world_.wake(life_.host);
}

std::optional<Duration> WorkerProcess::ended() const {
  if (!core_.ended()) return std::nullopt;
  return back_after_.value_or(std::chrono::seconds(1));
}

bool WorkerProcess::is_quiet() const {
  return core_.ready() && core_.unstarted() == 0 && core_.running() == 0 &&
         core_.retained() == 0 && running_.empty() && finished_.empty();
}

std::string WorkerProcess::state() const {
  return std::string(core_.ready() ? "ready" : "no session: " + core_.trouble()) + ", " +
         std::to_string(core_.unstarted()) + " unstarted, " + std::to_string(core_.running()) +
         " running, " + std::to_string(core_.retained()) + " retained, limit " +
         std::to_string(said_.tasks_limit) + " of which " + std::to_string(received_) +
         " received";
}

// "The worker grants slots + prefetch - queued - running - retained."
void WorkerProcess::check_state(const core::State& state) const {
  const std::uint64_t window =
      std::max<std::uint64_t>(world_.plan.slots * world_.plan.prefetch, 1);
  const std::uint64_t has = state.queued + state.running;
  const bool raised = state.tasks_limit > said_.tasks_limit;
  if (world_.plan.prefetch > 0 && raised && state.tasks_limit + has > received_ + window)
    broken(host_name(world_.plan, life_.host) + " grants more tasks than it can hold");
  if (state.tasks_limit < said_.tasks_limit)
    broken(host_name(world_.plan, life_.host) + " lowers its credit");
}

void WorkerProcess::check_limits() const {
  const std::uint64_t most = world_.plan.prefetch > 0
                                 ? std::uint64_t{world_.plan.slots} * world_.plan.prefetch
                                 : core_.pool_capacity();
  // What was taken over from the session before counts beside the new one's credit.
  if (core_.unstarted() > 2 * most + world_.plan.slots)
    broken(host_name(world_.plan, life_.host) + " holds more tasks than it asked for");
  const core::RunnerStats& stats = core_.stats();
  if (stats.bad_frames > 0) broken("a worker could not read a frame");
  if (core_.trouble().find("more tasks than were asked") != std::string::npos)
    broken("a worker got more tasks than it asked for");
}

void WorkerProcess::finish() const {
  if (core_.stats().received > 0 && said_.tasks_limit > 0 &&
      said_.tasks_limit < received_ + world_.plan.slots)
    broken(host_name(world_.plan, life_.host) + " is idle and asks for too few tasks");
}

}  // namespace sluice::sim
