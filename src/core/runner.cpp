// runner.cpp: the worker's machine from outside: inputs, the passing of time, effects.
// SPDX-License-Identifier: MIT
#include "core/runner.hpp"

#include <algorithm>
#include <utility>

namespace sluice::core {
namespace {

constexpr Duration kMostDrain = std::chrono::hours(24 * 365);  // keeps now + it in range

}  // namespace

Runner::Runner(RunnerOptions options, const Boot& boot, std::uint64_t seed)
    : options_(std::move(options)),
      boot_(boot),
      random_(seed),
      backoff_(options_.reconnect_least, options_.reconnect_most),
      lanes_(options_.push_lane ? LaneWish::push : LaneWish::inline_only),
      credit_(options_) {}

void Runner::start(Time now) {
  now_ = now;
  if (phase_ == Phase::idle) open();
}

// Case 18: this process stood still for longer than F, so its leases may be others' by now.
// What lies in its sockets is of no worth: nothing starts before a new session.
bool Runner::enter(Time now) {
  const bool in_session = phase_ == Phase::reconcile || phase_ == Phase::ready;
  const bool stood_still = in_session && now - now_ > fence_;
  now_ = std::max(now_, now);
  if (stood_still) {
    ++stats_.stopped;
    lose("this process had been stopped");
  }
  return phase_ != Phase::ended && phase_ != Phase::idle;
}

void Runner::receive(From from, const Envelope& in, Time now) {
  if (!enter(now)) return;
  switch (from.source) {
    case Source::control:
      receive_control(in);
      return;
    case Source::lane:
      if (const auto* message = std::get_if<Tasks>(&in.message))
        tasks(from, in, *message);
      else
        ++stats_.ignored;
      return;
    case Source::sink:
      if (from.link < links_.size() && links_[from.link].producer != nullptr)
        links_[from.link].producer->receive(in, now_);
      else
        ++stats_.ignored;
      return;
  }
}

void Runner::receive_control(const Envelope& in) {
  if (const auto* message = std::get_if<Welcome>(&in.message)) return welcome(in, *message);
  if (const auto* message = std::get_if<ErrorMessage>(&in.message)) return error(in, *message);
  if (phase_ != Phase::reconcile && phase_ != Phase::ready) {
    ++stats_.ignored;
    return;
  }
  if (const auto* message = std::get_if<Tasks>(&in.message))
    return tasks({Source::control, 0}, in, *message);
  if (in.sid != sid_) {
    ++stats_.foreign;
    return;
  }
  heard_ = now_;
  std::visit(Overloaded{
                 [&](const Verdicts& message) { verdicts(in, message); },
                 [&](const Acked&) {
                   const std::size_t before = held_.size();
                   acks_.acked(in.n, held_);
                   stats_.settled += before - held_.size();
                 },
                 [&](const Ping&) {
                   ping_echo_ = in.n;
                   state_due_ = true;
                 },
                 [&](const Cancel& message) { cancel(message); },
                 [&](const Drain& message) {
                   std::optional<Time> deadline;
                   if (message.ms > 0) deadline = now_ + std::min(from_ms(message.ms), kMostDrain);
                   drain(message.mode, deadline, now_);
                 },
                 [&](const Bye& message) { bye(message); },
                 [&](const auto&) { ++stats_.ignored; },
             },
             in.message);
}

// At most one answer a second, so that two peers that misread each other do not shout.
void Runner::refused(From from, Code code, std::uint64_t n, Time now) {
  if (!enter(now)) return;
  ++stats_.bad_frames;
  const bool in_session = phase_ == Phase::reconcile || phase_ == Phase::ready;
  if (from.source != Source::control || !in_session || now_ < error_at_) return;
  error_at_ = now_ + 1s;
  ErrorMessage answer;
  answer.code = code;
  answer.text = "this worker cannot read that frame";
  send(n, std::move(answer));
}

// Rule 13: nothing queued starts before the session is renewed.
void Runner::disconnected(From from, Time now) {
  if (!enter(now)) return;
  if (from.source == Source::control) {
    if (phase_ != Phase::closed) lose("the connection to the ventilator was cut");
  } else if (from.source == Source::sink && from.link < links_.size() &&
             links_[from.link].producer != nullptr) {
    links_[from.link].producer->disconnected(now_);
  }
}

void Runner::advance(Time now) {
  if (!enter(now)) return;
  for (SinkLink& link : links_)
    if (link.producer != nullptr) link.producer->advance(now_);
  switch (phase_) {
    case Phase::closed:
      if (open_at_ <= now_ && !ventilator_ended_) open();
      break;
    case Phase::hello:
      if (heard_ + dead_ <= now_) lose("no answer from the ventilator");
      break;
    case Phase::reconcile:
    case Phase::ready:
      if (heard_ + dead_ <= now_) {
        lose("the ventilator has fallen silent");
      } else if (spoke_ + heartbeat_ <= now_) {
        spoke_ = now_;
        state_due_ = true;
      }
      break;
    case Phase::idle:
    case Phase::ended:
      return;
  }
  check_returns();
  if (drain_) advance_drain();
}

std::optional<Time> Runner::next_deadline() const {
  Time soonest = Time::max();
  switch (phase_) {
    case Phase::idle:
    case Phase::ended:
      return std::nullopt;
    case Phase::closed:
      if (!ventilator_ended_) soonest = open_at_;
      break;
    case Phase::hello:
      soonest = heard_ + dead_;
      break;
    case Phase::reconcile:
    case Phase::ready:
      soonest = std::min(heard_ + dead_, spoke_ + heartbeat_);
      break;
  }
  if (phase_ == Phase::ready && asked_back_ == 0) soonest = std::min(soonest, returns_at_);
  if (drain_ && drain_->deadline) soonest = std::min(soonest, *drain_->deadline);
  if (drain_ && drain_->goodbye) soonest = std::min(soonest, *drain_->goodbye + dead_);
  for (const SinkLink& link : links_) {
    if (link.producer == nullptr) continue;
    if (const auto deadline = link.producer->next_deadline())
      soonest = std::min(soonest, *deadline);
  }
  if (soonest == Time::max()) return std::nullopt;
  return soonest;
}

Runner::Effects Runner::take_effects() {
  if (phase_ != Phase::ended && phase_ != Phase::idle) {
    collect_from_sinks();
    if (drain_) advance_drain();
  }
  // What is wanted back is not yet mixed with what is new; see retracted().
  out_.retract = asked_back_ = wanted_back();
  if (phase_ == Phase::ready) {
    if (asked_back_ == 0) fill_pool();
    acks_.flush(held_, sid_, frame_.max_entries, entries_, out_.control);
    // The credit is looked at last: it rests on all that happened in this turn.
    if (credit_.update(load()) || state_due_) send_state();
    if (!out_.control.empty()) spoke_ = now_;
  }
  out_.frozen = frozen_;
  out_.start_until = heard_ + fence_;
  return std::exchange(out_, Effects{});
}

void Runner::recycle(Effects&& effects) {
  for (Envelope& spent : effects.control) entries_.give_back(std::move(spent.message));
  for (SinkSend& spent : effects.sinks)
    if (spent.link < links_.size() && links_[spent.link].producer != nullptr)
      links_[spent.link].producer->recycle(std::move(spent.envelope.message));
  effects.control.clear();
  effects.sinks.clear();
  effects.starts.clear();
  const auto keep = [](auto& mine, auto& spent) {
    if (mine.empty() && mine.capacity() < spent.capacity()) mine = std::move(spent);
  };
  keep(out_.control, effects.control);
  keep(out_.sinks, effects.sinks);
  keep(out_.starts, effects.starts);
}

void Runner::send(std::uint64_t n, Message message) {
  spoke_ = now_;
  out_.control.push_back({sid_, n, std::move(message)});
}

void Runner::send_state() {
  const WorkerLoad now = load();
  State state;
  state.lane_rx = lane_rx_;
  state.tasks_limit = credit_.tasks_limit();
  state.bytes_limit = credit_.bytes_limit();
  state.queued = now.unstarted;
  state.running = now.running;
  state.retained = now.retained;
  state.retained_bytes = now.retained_bytes;
  state.ping_echo = ping_echo_;
  send(++states_, state);
  credit_.announced();
  state_due_ = false;
}

WorkerLoad Runner::load() const {
  WorkerLoad load;
  load.unstarted = held_.unstarted();
  load.running = held_.count(TaskPhase::running);
  load.bytes = held_.bytes();
  load.unacknowledged = held_.count(TaskPhase::ack_open) + held_.count(TaskPhase::nack_open);
  const Retained here = retained_by(true);
  load.retained = here.outcomes;
  load.retained_bytes = here.bytes;
  load.stalled = here.outcomes - here.least * here.sinks;
  return load;
}

Runner::Retained Runner::retained_by(bool listed) const {
  Retained sum;
  for (const SinkLink& link : links_) {
    if (link.listed != listed) continue;
    const std::uint64_t outcomes = link.producer == nullptr ? 0 : link.producer->retained();
    sum.least = sum.sinks == 0 ? outcomes : std::min(sum.least, outcomes);
    ++sum.sinks;
    sum.outcomes += outcomes;
    if (link.producer != nullptr) sum.bytes += link.producer->retained_bytes();
  }
  return sum;
}

std::uint64_t Runner::retained() const {
  return retained_by(true).outcomes + retained_by(false).outcomes;
}

}  // namespace sluice::core
