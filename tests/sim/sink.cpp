// sink.cpp: the order of a sink's turn: take in, store, confirm.
// SPDX-License-Identifier: MIT
#include "sim/sink.hpp"

#include <algorithm>
#include <utility>

#include "net/clock.hpp"
#include "sim/world.hpp"

namespace sluice::sim {
namespace {

core::CollectorOptions options(const Plan& plan, Host host) {
  core::CollectorOptions out;
  out.name = host_name(plan, host);
  out.timers.heartbeat = plan.heartbeat;
  out.frame.max_frame = 128 * 1024;
  out.window_outcomes = plan.sink_window;
  out.window_bytes = 20'000;
  out.shelf_bytes = plan.shelf_bytes;
  out.watched_window_bytes = 8 * 1024;
  return out;
}

wire::Limits limits() {
  wire::Limits limits;
  limits.max_frame = 128 * 1024;
  return limits;
}

// As net::SinkLoop: the second in which it started.
core::Epoch this_start() {
  return static_cast<core::Epoch>((net::Clock::wall_us() / 1'000'000) & 0x7FFFFFFF);
}

}  // namespace

std::string sink_address(Host host) { return "sink:" + std::to_string(host); }

SinkProcess::SinkProcess(World& world, Life life)
    : Process(world, life),
      core_(options(world.plan, life.host), id_of<core::Collector::SinkId>(world.roll()),
            this_start()),
      store_(open_file(),
             world.plan.sink_has_handler
                 ? Sink::Handler([this](const OutcomeView& o) { handle(o); })
                 : Sink::Handler(),
             {}),
      lookup_(kOutcomePath, world.disk(life.host)),
      codec_(wire::Role::sink, limits()) {
  router_ = world_.network.bind(life.host, SocketKind::router, sink_address(life.host));
}

SinkProcess::~SinkProcess() { world_.network.close(router_); }

std::unique_ptr<store::OutcomeFile> SinkProcess::open_file() {
  store::OutcomeFile::Options file;
  file.path = kOutcomePath;
  file.directory = &world_.disk(life_.host);
  auto opened = std::make_unique<store::OutcomeFile>(
      std::move(file), [this](const store::OutcomeFacts& facts) {
        core_.restore(facts.id.log, static_cast<core::Seq>(facts.id.seq),
                      static_cast<core::Status>(facts.status));
      });
  world_.truth.read_back(life_.host, world_.disk(life_.host).written(kOutcomePath));
  return opened;
}

// A handler that takes what it gets, but for what the plan has it refuse.
void SinkProcess::handle(const OutcomeView& outcome) {
  if (world_.handler_says_later && world_.raging())
    throw Later(std::chrono::milliseconds(50), "not now");
  if (outcome.result_is_task) return;
  const auto token = token_of_result(outcome.result);
  if (token && world_.plan.tasks[*token].conduct == Conduct::rejected) throw Reject("never");
}

void SinkProcess::turn(Time now) {
  while (const auto gone = world_.network.next_departed(router_)) core_.unreachable(*gone);
  store_.begin(now + world_.plan.heartbeat / 2);
  receive(now);
  core_.stored(store_.finish());
  lookup_.step(store_.file_size(), core_, store_.index());
  core_.advance(now);
  take_from_core();
  for (const core::Collector::Send& out : sends_) send(out.to, out.envelope);
  sends_.clear();
  if (lookup_.busy()) world_.wake(life_.host);
  check_limits();
}

void SinkProcess::receive(Time now) {
  while (auto arrival = world_.network.receive(router_)) {
    core::Envelope envelope = decode_or_break(codec_, arrival->frame, pool_);
    if (const auto* outcomes = std::get_if<core::Outcomes>(&envelope.message))
      for (const core::OutcomeEntry& entry : outcomes->entries)
        named_[{envelope.sid, entry.rsn}] = {outcomes->log, entry.seq};
    core_.receive(arrival->from, envelope, now);
    take_from_core();
    pool_.give_back(std::move(envelope.message));
  }
}

void SinkProcess::take_from_core() {
  core::Collector::Effects effects = core_.take_effects();
  for (const core::StoreEntry& entry : effects.store) store_.take(entry);
  lookup_.add(effects.lookups);
  for (core::Collector::Send& out : effects.sends) sends_.push_back(std::move(out));
  effects.sends.clear();
  core_.recycle(std::move(effects));
}

void SinkProcess::send(core::PeerId peer, const core::Envelope& envelope) {
  world_.point(life_.host);
  if (const auto* confirm = std::get_if<core::SinkConfirm>(&envelope.message))
    check_confirm(envelope.sid, *confirm);
  if (const auto* watched = std::get_if<core::Watched>(&envelope.message))
    check_watched(*watched);
  if (!world_.network.send_to(router_, peer, encode(envelope))) core_.unreachable(peer);
}

// "The sink stores, then confirms."
void SinkProcess::check_confirm(core::Sid sid, const core::SinkConfirm& confirm) {
  for (const core::ConfirmRange& range : confirm.stored)
    for (core::Rsn rsn = range.first; rsn <= range.last; rsn = next(rsn)) {
      const auto at = named_.find({sid, rsn});
      if (at == named_.end()) broken("a sink confirms an outcome that it never got");
      world_.truth.confirmed(at->second.log, at->second.seq, std::nullopt);
    }
  for (const core::ConfirmException& exception : confirm.exceptions) {
    const auto at = named_.find({sid, exception.rsn});
    if (at == named_.end()) broken("a sink answers to an outcome that it never got");
    if (exception.code == core::Code::duplicate)
      world_.truth.confirmed(at->second.log, at->second.seq, exception.status);
  }
}

void SinkProcess::check_watched(const core::Watched& watched) {
  for (const core::OutcomeEntry& entry : watched.outcomes.entries)
    world_.truth.confirmed(watched.outcomes.log, entry.seq, std::nullopt);
}

void SinkProcess::check_limits() const {
  const core::CollectorStats stats = core_.stats();
  if (stats.credit_exceeded > 0) broken("an honest producer was told that it overran its credit");
  if (stats.refused_frames > 0) broken("a sink could not read a frame");
  // One outcome alone may be larger than the shelf.
  if (stats.shelf > 1 && stats.shelf_bytes > world_.plan.shelf_bytes)
    broken("the shelf holds more than its limit");
}

std::optional<Time> SinkProcess::deadline() const { return core_.next_deadline(); }

std::string SinkProcess::state() const {
  const core::CollectorStats stats = core_.stats();
  return std::to_string(stats.storing) + " storing, " + std::to_string(stats.stored) +
         " stored, " + std::to_string(stats.duplicates) + " duplicates, " +
         std::to_string(stats.awaited) + " awaited" +
         (store_.trouble().empty() ? "" : "; " + store_.trouble());
}

void SinkProcess::finish() const {
  if (core_.stats().storing > 0) broken("a sink has outcomes that it has not stored");
}

}  // namespace sluice::sim
