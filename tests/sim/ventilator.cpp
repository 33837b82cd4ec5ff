// ventilator.cpp: the order of a ventilator's turn, over simulated sockets.
// SPDX-License-Identifier: MIT
#include "sim/ventilator.hpp"

#include <algorithm>
#include <utility>

#include "sim/sink.hpp"
#include "sim/world.hpp"

namespace sluice::sim {
namespace {

constexpr std::uint64_t kMaxFrame = 128 * 1024;
constexpr std::uint16_t kFirstPort = 20'000;

wire::Limits limits() {
  wire::Limits limits;
  limits.max_frame = kMaxFrame;
  return limits;
}

std::optional<net::JournalKeeper> journal_of(World& world, Host host) {
  const Plan& plan = world.plan;
  if (plan.keeping == Keeping::memory) return std::nullopt;
  store::JournalOptions out;
  out.folder = "/journal";
  out.sync = plan.keeping == Keeping::always     ? store::JournalSync::always
             : plan.keeping == Keeping::interval ? store::JournalSync::interval
                                                 : store::JournalSync::never;
  out.fresh_log = id_of<core::Log>(world.roll());
  out.now_ms = world.wall_ms(host);
  out.page_bytes = plan.page_bytes;
  out.checkpoint_pages = static_cast<int>(plan.checkpoint_pages);
  out.reserve_bytes = std::uint64_t{plan.checkpoint_pages} * plan.page_bytes * 5 / 4;
  out.disk = &world.journal_disk(host);
  out.vfs = world.journal_disk(host).vfs();
  return std::optional<net::JournalKeeper>(std::in_place, out, plan.sync_every);
}

core::DispatcherOptions options(const World& world, Host host,
                                const std::optional<net::JournalKeeper>& journal) {
  const Plan& plan = world.plan;
  const std::uint32_t sinks = world.sinks_listed > 0 ? world.sinks_listed : plan.sinks;
  core::DispatcherOptions out;
  out.name = host_name(plan, host);
  out.timers.heartbeat = plan.heartbeat;
  out.frame.max_frame = kMaxFrame;
  out.retry = plan.retry;
  for (std::uint32_t i = 0; i < sinks; ++i) out.sinks.push_back(sink_address(plan.sink(i)));
  out.max_tasks = plan.max_tasks;
  out.client_window_tasks = plan.client_window;
  out.max_lanes = plan.lane_ports;
  out.journal = journal.has_value();
  if (journal) out.wall_at_zero = journal->wall_at_zero();
  return out;
}

core::Dispatcher::Identity identity_of(World& world, Life life,
                                       const std::optional<net::JournalKeeper>& journal) {
  const std::uint64_t number = world.roll();
  if (world.identity)
    if (const auto given = world.identity()) return *given;
  core::Dispatcher::Identity identity;
  identity.log = id_of<core::Log>(number);
  identity.epoch = core::Epoch{1};
  if (journal) identity.log = journal->facts().log;
  if (journal) identity.epoch = journal->facts().epoch;
  identity.inc = id_of<core::Incarnation>(number + 1);
  identity.boot = id_of<core::Boot>(number + 2);
  world.truth.born(identity.boot, life);
  return identity;
}

}  // namespace

std::string ventilator_address(Host host) { return "ventilator:" + std::to_string(host); }
std::string lane_address(Host host, std::uint32_t port) {
  return "lane:" + std::to_string(host) + ":" + std::to_string(port);
}

VentilatorProcess::VentilatorProcess(World& world, Life life)
    : Process(world, life),
      journal_(journal_of(world, life.host)),
      core_(options(world, life.host, journal_), identity_of(world, life, journal_), world.roll()),
      watch_(core_, world.plan, world.truth, journal_ ? &world.journal(life.host) : nullptr,
             journal_ ? journal_->wall_at_zero() : 0),
      codec_(wire::Role::ventilator, limits()),
      ports_(kFirstPort, static_cast<std::uint16_t>(kFirstPort + world.plan.lane_ports - 1),
             core::Timers{world.plan.heartbeat}.reclaim() * 2, world.roll()) {
  if (journal_) world_.truth.next_life(log(), core_.identity().epoch);
  world_.truth.log_begins(log(), life.host);
  if (journal_) restore();
  router_ = world_.network.bind(life.host, SocketKind::router, ventilator_address(life.host));
  for (std::uint32_t i = 0; i < world_.plan.sinks; ++i)
    sinks_.push_back(std::make_unique<Link>(world_, life.host, wire::Role::producer, limits()));
}

VentilatorProcess::~VentilatorProcess() {
  world_.network.close(router_, over_);
  for (auto& [sid, lane] : lanes_) world_.network.close(lane.socket);
}

void VentilatorProcess::restore() {
  const Time now = world_.clock(life_.host);
  journal_->restore_into(core_, now);
  watch_.restored(now);
  const store::JournalFacts& facts = journal_->facts();
  world_.event(host_name(world_.plan, life_.host) + " has a journal: epoch " +
               std::to_string(core::raw(facts.epoch)) + ", " + std::to_string(facts.tasks) +
               " tasks" + (facts.torn ? ", torn" : "") +
               (world_.journal(life_.host).has_lost() ? ", turns are lost" : "") +
               (core_.is_recovering() ? "; it waits for its workers" : ""));
}

void VentilatorProcess::died() {
  if (!journal_)
    world_.truth.log_ends(log());
  else if (!over_)
    world_.journal_disk(life_.host).cut_off();
}

void VentilatorProcess::turn(Time now) {
  receive(now);
  while (const auto gone = world_.network.next_departed(router_)) {
    core_.peer_gone(*gone, now);
    watch_.peer_gone(*gone);
  }
  receive_from_sinks(now);
  if (ends_ && !halted_ && halt_) {
    halted_ = true;
    core_.halt(true, now);
    watch_.halted();
  }
  core_.advance(now);
  watch_.advanced(now);
  core::DispatcherEffects effects = core_.take_effects(now);
  watch_.took(effects, now);
  if (journal_) {
    watch_.appending(effects);
    journal_->keep(effects, core_, now);
    watch_.kept(effects, now);
  }
  perform(effects, now);
  core_.recycle(std::move(effects));
  for (auto& [sid, lane] : lanes_)
    while (!lane.waiting.empty() && world_.network.send(lane.socket, lane.waiting.front()))
      lane.waiting.pop_front();
  if (journal_ && journal_->tidy(now)) world_.wake(life_.host);
  if (ends_ && (!halt_ || core_.unsettled() == 0)) say_bye(now);
}

void VentilatorProcess::receive(Time now) {
  while (auto arrival = world_.network.receive(router_)) {
    core::Envelope envelope = decode_or_break(codec_, arrival->frame, pool_);
    core_.receive(arrival->from, envelope, now);
    watch_.received(arrival->from, envelope, now);
    pool_.give_back(std::move(envelope.message));
  }
}

void VentilatorProcess::receive_from_sinks(Time now) {
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    const bool cut = sinks_[i]->was_cut();
    sinks_[i]->flush();
    sinks_[i]->receive(pool_, [&](const core::Envelope& envelope) {
      core_.receive_from_sink(i, envelope, now);
      watch_.heard_from_sink();
    });
    if (cut) core_.sink_disconnected(i, now);
  }
}

void VentilatorProcess::perform(core::DispatcherEffects& effects, Time now) {
  for (const std::size_t i : effects.close_sinks) sinks_[i]->close();
  for (const std::size_t i : effects.open_sinks)
    sinks_[i]->open(sink_address(world_.plan.sink(static_cast<std::uint32_t>(i))));
  for (const auto& send : effects.to_peers) send_to_peer(send.peer, send.envelope);
  for (const auto& send : effects.to_lanes) send_to_lane(send.sid, send.envelope);
  for (const auto& send : effects.to_sinks) sinks_[send.sink]->send(send.envelope);
  for (const core::Sid sid : effects.close_lanes) close_lane(sid, now);
  open_lanes(effects, now);
  for (const auto& question : effects.questions) {
    core::Reply reply;
    reply.json = "{}";
    send_to_peer(question.peer, core::Envelope{question.sid, question.n, std::move(reply)});
  }
}

void VentilatorProcess::open_lanes(core::DispatcherEffects& effects, Time now) {
  for (const auto& wish : effects.open_lanes) {
    world_.wake(life_.host);
    const auto port = ports_.take(now);
    const SocketId socket =
        port ? world_.network.bind(life_.host, SocketKind::push, lane_address(life_.host, *port))
             : 0;
    if (socket == 0) {
      core_.lane_failed(wish.sid, now);
      continue;
    }
    lanes_[wish.sid] = Lane{socket, *port, {}};
    core_.lane_opened(wish.sid, *port, std::nullopt, now);
  }
}

void VentilatorProcess::send_to_peer(core::PeerId peer, const core::Envelope& envelope) {
  world_.point(life_.host);
  if (world_.network.send_to(router_, peer, encode(envelope))) return;
  core_.peer_gone(peer, world_.clock(life_.host));
  watch_.peer_gone(peer);
  world_.wake(life_.host);
}

void VentilatorProcess::send_to_lane(core::Sid sid, const core::Envelope& envelope) {
  const auto at = lanes_.find(sid);
  if (at == lanes_.end()) return;
  world_.point(life_.host);
  std::string frame = encode(envelope);
  if (at->second.waiting.empty() && world_.network.send(at->second.socket, frame)) return;
  at->second.waiting.push_back(std::move(frame));
}

void VentilatorProcess::close_lane(core::Sid sid, Time now) {
  const auto at = lanes_.find(sid);
  if (at == lanes_.end()) return;
  world_.network.close(at->second.socket);
  ports_.give_back(at->second.port, now);
  lanes_.erase(at);
}

void VentilatorProcess::end(bool halt_first, Duration wait) {
  if (ends_) return;
  ends_ = wait;
  halt_ = halt_first;
  core_.drain();
  world_.wake(life_.host);
}

void VentilatorProcess::say_bye(Time now) {
  if (journal_) {  // they wait for the next one
    core_.write_all();
    core::DispatcherEffects rest = core_.take_effects(now);
    watch_.took(rest, now);
    watch_.appending(rest);
    journal_->keep(rest, core_, now);
    watch_.kept(rest, now);
    over_ = true;
    return;
  }
  core_.say_bye(now);
  const core::DispatcherEffects last = core_.take_effects(now);
  for (const auto& send : last.to_peers)
    static_cast<void>(world_.network.send_to(router_, send.peer, encode(send.envelope)));
  over_ = true;
}

std::optional<Time> VentilatorProcess::deadline() const {
  const std::optional<Time> at = core_.next_deadline();
  if (!journal_) return at;
  // What is due at once was just done.
  const Time of_journal =
      std::max(journal_->next_deadline(), world_.clock(life_.host) + Duration(1));
  return at ? std::min(*at, of_journal) : of_journal;
}

std::optional<Duration> VentilatorProcess::ended() const { return over_ ? ends_ : std::nullopt; }

std::string VentilatorProcess::state() const {
  const core::DispatcherStatus status = core_.status(world_.clock(life_.host));
  return std::to_string(status.ready) + " ready, " + std::to_string(status.delayed) + " delayed, " +
         std::to_string(status.leased) + " leased, " + std::to_string(status.settling) +
         " settling; " + std::to_string(status.workers.size()) + " workers, " +
         std::to_string(status.clients) + " clients";
}

// With nothing to do, every worker is trusted with as much as it has asked for.
void VentilatorProcess::finish() const {
  if (journal_ && !world_.journal(life_.host).newest().empty())
    broken("all tasks are settled, but the journal has some");
  const core::DispatcherStatus status = core_.status(world_.clock(life_.host));
  for (const core::WorkerStatus& worker : status.workers) {
    if (worker.held > 0) broken(worker.name + " holds a task although all are settled");
    if (worker.phase == "active" && worker.credit < worker.slots)
      broken(worker.name + " is idle and has credit for " + std::to_string(worker.credit) +
             " tasks only");
  }
}

}  // namespace sluice::sim
