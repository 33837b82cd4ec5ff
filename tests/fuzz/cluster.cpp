// cluster.cpp: who hears whom, what is checked after it, and how it must end.
// SPDX-License-Identifier: MIT
#include "fuzz/cluster.hpp"

namespace sluice::fuzz {
namespace {

using namespace core;
using namespace std::chrono_literals;

constexpr Log kLog{0x10, 0x0C};
constexpr std::uint64_t kMostTasks = 200;
constexpr std::size_t kMostWorkers = 8, kMostClients = 6, kMostProducers = 16, kMostAwaited = 64;

DispatcherOptions ventilator_options() {
  DispatcherOptions options;
  options.sinks = {"tcp://sink:1"};
  options.frame.max_entries = control_limits().max_entries;
  options.max_tasks = kMostTasks;
  options.max_bytes = 100'000;
  options.max_workers = kMostWorkers;
  options.max_clients = kMostClients;
  options.max_lanes = 3;
  options.max_types = 12;
  options.max_progress = 4;
  options.client_window_tasks = 40;
  options.dedup_entries = 50;
  return options;
}
CollectorOptions sink_options() {
  CollectorOptions options;
  options.window_outcomes = 20;
  options.window_bytes = 20'000;
  options.max_producers = kMostProducers;
  options.max_logs = 5;
  options.shelf_bytes = 4'000;
  options.max_awaited = kMostAwaited;
  options.max_awaited_each = kMostAwaited / 2;
  options.watched_window_bytes = 1'000;
  return options;
}

}  // namespace

Cluster::Cluster(Choices& choices)
    : choices_(choices),
      now_(choices.one_in(4) ? Time(400h * 24) : Time(1000s)),  // a machine that is long up, too
      ventilator_(ventilator_options(), {kLog, Epoch{1}, {7}, boot_of(7)}, 3),
      sink_(sink_options(), {1}, Epoch{1}) {
  for (std::uint8_t i = 1; i <= 2; ++i) workers_.emplace_back(i);
  for (std::uint8_t i = 0; i < 3; ++i) {
    for (auto* side : {&enemies_, &sink_enemies_}) {
      Enemy& enemy = side->emplace_back();
      enemy.peer = new_peer();
      enemy.talk.boots = {Boot{0xE0, i}, Boot{0xE1, i}};
      enemy.talk.types = {"shared"};
      enemy.talk.logs = {kLog};
    }
  }
  for (HonestWorker& worker : workers_) worker.start(now_, *this);
  client_.start(now_, *this);
  for (int i = 0; i < 6; ++i) round();
}

void Cluster::step() {
  switch (choices_.below(24)) {
    case 0: case 1: case 2: {
      const bool wanted = choices_.one_in(2);
      client_.submit(!choices_.one_in(4), wanted, choices_.one_in(4), now_);
      break;
    }
    case 3: case 4: case 5: case 6: round(); break;
    case 7: pass(1ms * choices_.below(500)); break;
    case 8: pass(100ms * choices_.below(300)); break;
    case 9: cut_something(); break;
    case 10: store_is_full_ = !store_is_full_; break;
    case 11: {
      Enemy& enemy = enemies_[choices_.below(3)];
      ventilator_.peer_gone(enemy.peer, now_);
      enemy.peer = new_peer();
      break;
    }
    case 12: {
      Enemy& enemy = sink_enemies_[choices_.below(3)];
      sink_.unreachable(enemy.peer);
      enemy.peer = new_peer();
      break;
    }
    default: attack(); break;
  }
  ventilator_turn();
  sink_turn();
}

void Cluster::attack() {
  const bool at_sink = choices_.one_in(3);
  Enemy& enemy = (at_sink ? sink_enemies_ : enemies_)[choices_.below(3)];
  const Envelope said =
      at_sink ? enemy.talk.to_sink(choices_) : enemy.talk.to_ventilator(choices_);
  Frame frame = packed(said);
  if (choices_.one_in(16))
    frame[choices_.below(frame.size())] ^= static_cast<std::byte>(1 + choices_.below(255));
  else
    note_lies(said);
  if (at_sink)
    sink_receives(enemy.peer, std::move(frame), false);
  else
    ventilator_receives(enemy.peer, std::move(frame), false);
}

// Without keys everybody who is let in is believed: an ACK settles whatever the lease, and a
// FLOOR says that all below it is settled. That is no fault of the machines, so it is left out.
void Cluster::note_lies(const Envelope& said) {
  if (const auto* ack = std::get_if<Ack>(&said.message))
    for (const AckEntry& entry : ack->entries) lied_about_.insert(entry.seq);
  if (const auto* floor = std::get_if<Floor>(&said.message); floor != nullptr && floor->log == kLog)
    for (std::uint64_t seq = 0; seq < std::min<std::uint64_t>(raw(floor->floor), 100'000); ++seq)
      lied_about_.insert(Seq{seq});
}

void Cluster::cut_something() {
  switch (choices_.below(5)) {
    case 0: case 1: {
      HonestWorker& worker = workers_[choices_.below(2)];
      const PeerId peer = worker.control.peer;
      worker.cut_control(now_);
      if (choices_.one_in(2)) ventilator_.peer_gone(peer, now_);
      break;
    }
    case 2: {
      const PeerId peer = client_.control.peer;
      client_.cut(now_);
      if (choices_.one_in(2)) ventilator_.peer_gone(peer, now_);
      break;
    }
    case 3: {
      const PeerId peer = client_.sink.peer;
      client_.cut_sink(now_);
      if (choices_.one_in(2)) sink_.unreachable(peer);
      break;
    }
    default:
      ventilator_to_sink_.close();
      ventilator_.sink_disconnected(0, now_);
      break;
  }
}

// --- the ventilator's side -----------------------------------------------------------------

void Cluster::ventilator_receives(PeerId from, Frame frame, bool honest) {
  const Arrived in(wire::Role::ventilator, std::move(frame), control_limits());
  require(in.message || !honest, "what an honest peer says to a ventilator can be read");
  if (ventilator_.ignores(from, now_)) return require(!honest, "an honest peer is listened to");
  if (in.message)
    ventilator_.receive(from, *in.message, now_);
  else
    ventilator_.bad_frame(from, in.error.code, in.error.n, in.error.what, now_);
  ventilator_turn();
}

void Cluster::ventilator_turn() {
  while (!ventilator_to_sink_.down.empty()) {
    const Arrived in(wire::Role::producer, std::move(ventilator_to_sink_.down.front()));
    ventilator_to_sink_.down.pop_front();
    require(in.message.has_value(), "what is sent to a ventilator's producer can be read");
    require_no_reproach(*in.message);
    ventilator_.receive_from_sink(0, *in.message, now_);
  }
  ventilator_.advance(now_);
  const auto next = ventilator_.next_deadline();
  require(!next || *next > now_, "a ventilator's deadline lies ahead");
  DispatcherEffects out = ventilator_.take_effects(now_);
  perform(out);
  const auto wanted_lanes = std::move(out.open_lanes);
  ventilator_.recycle(std::move(out));
  for (const auto& wanted : wanted_lanes) {
    lanes_[wanted.sid] = {++ports_, wanted.peer, {}};
    ventilator_.lane_opened(wanted.sid, ports_, std::nullopt, now_);
  }
  if (!wanted_lanes.empty()) return ventilator_turn();
  if (const char* fault = audit_.fault(); fault != nullptr) throw std::logic_error(fault);
  check_limits();
}

void Cluster::perform(DispatcherEffects& out) {
  if (!out.close_sinks.empty()) ventilator_to_sink_.close();
  if (!out.open_sinks.empty()) ventilator_to_sink_.open(new_peer());
  for (const auto& send : out.to_peers) to_peer(send.peer, send.envelope);
  for (const auto& send : out.to_lanes) to_lane(send.sid, send.envelope);
  for (const auto& send : out.to_sinks) ventilator_to_sink_.send(send.envelope);
  for (const Sid sid : out.close_lanes) lanes_.erase(sid);
  for (const auto& question : out.questions)
    to_peer(question.peer, {question.sid, question.n, Reply{Code::ok, "{}"}});
}

void Cluster::to_peer(PeerId peer, const Envelope& envelope) {
  for (HonestWorker& worker : workers_)
    if (worker.control.peer == peer) worker.control.down.push_back(packed(envelope));
  if (client_.control.peer == peer) client_.control.down.push_back(packed(envelope));
  for (Enemy& enemy : enemies_) {
    if (enemy.peer != peer) continue;
    const auto type = static_cast<std::uint8_t>(wire::type_of(envelope.message));
    const bool to_client = wire::accepts(wire::Role::client, type);
    const wire::Role reader = to_client ? wire::Role::client : wire::Role::worker;
    require_readable(reader, envelope, control_limits());
    enemy.talk.hear(envelope);
  }
}

void Cluster::to_lane(Sid sid, const Envelope& envelope) {
  const auto lane = lanes_.find(sid);
  require(lane != lanes_.end(), "a lane that is sent on is open");
  for (Enemy& enemy : enemies_)
    if (enemy.peer == lane->second.peer) return enemy.talk.hear(envelope);
  lane->second.frames.push_back(packed(envelope));
}

void Cluster::check_limits() {
  const DispatcherStatus now = ventilator_.status(now_);
  require(ventilator_.unsettled() <= kMostTasks, "the limit of tasks holds");
  require(now.workers.size() <= kMostWorkers, "the limit of workers holds");
  require(now.clients <= kMostClients, "the limit of clients holds");
  require(lanes_.size() <= 3, "the limit of lanes holds");
  require(ventilator_.alarm_count() <= 64 + 8 * (kMostTasks + kMostWorkers), "alarms are limited");
}

// --- the sink's side -----------------------------------------------------------------------

void Cluster::sink_receives(PeerId from, Frame frame, bool honest) {
  const Arrived in(wire::Role::sink, std::move(frame));
  require(in.message || !honest, "what an honest peer says to a sink can be read");
  if (sink_.ignores(from, now_)) return require(!honest, "an honest peer is listened to");
  if (in.message)
    sink_.receive(from, *in.message, now_);
  else
    sink_.refused(from, in.error.code, in.error.n, now_);
  sink_turn();
}

// In the shell's order: store, answer, then send.
void Cluster::sink_turn() {
  Collector::Effects first = sink_.take_effects();
  std::vector<StoreAnswer> answers;
  for (const StoreEntry& entry : first.store) answers.push_back(store(entry));
  take_from_sink(first);
  sink_.recycle(std::move(first));
  sink_.stored(answers);
  sink_.advance(now_);
  for (;;) {
    Collector::Effects more = sink_.take_effects();
    require(more.store.empty(), "nothing is stored that nobody sent");
    const bool again = !more.lookups.empty();
    take_from_sink(more);
    sink_.recycle(std::move(more));
    if (!again) break;
    sink_.advance(now_);
  }
  const auto next = sink_.next_deadline();
  require(!next || *next > now_, "a sink's deadline lies ahead");
  const CollectorStats stats = sink_.stats();
  require(stats.producers <= kMostProducers, "the limit of producers holds");
  require(stats.logs <= 5, "the limit of logs holds");
  require(stats.awaited <= kMostAwaited, "the limit of watches holds");
  require(stats.shelf_bytes <= 4'000 || stats.shelf == 1, "the limit of the shelf holds");
  require(stats.storing == 0, "what was answered is not under way");
  if (const std::string fault = sink_audit_.fault(); !fault.empty())
    throw std::logic_error(fault);
}

StoreAnswer Cluster::store(const StoreEntry& entry) {
  if (store_is_full_ && !healing_) return {StoreAnswer::Code::later, 500};
  if (!healing_ && !entry.terminal() && choices_.one_in(32)) return {StoreAnswer::Code::never, 0};
  store_.put(entry);
  return {};
}

void Cluster::take_from_sink(Collector::Effects& out) {
  for (const Collector::Send& send : out.sends) {
    const auto give = [&](Link& link) {
      if (link.peer == send.to) link.down.push_back(packed(send.envelope));
    };
    for (HonestWorker& worker : workers_)
      for (auto& [number, link] : worker.sinks) give(link);
    give(client_.sink);
    give(ventilator_to_sink_);
    for (Enemy& enemy : sink_enemies_) {
      if (enemy.peer != send.to) continue;
      require_readable(wire::Role::producer, send.envelope);
      enemy.talk.hear(send.envelope);
    }
  }
  for (const TaskKey& key : out.lookups) {
    if (const StoreEntry* entry = store_.find(key))
      sink_.found(*entry);
    else
      sink_.not_found(key);
  }
}

// --- everybody ------------------------------------------------------------------------------

void Cluster::deliver(Link& link, bool to_sink) {
  const PeerId peer = link.peer;
  while (link.peer == peer && !link.up.empty()) {
    Frame frame = std::move(link.up.front());
    link.up.pop_front();
    if (to_sink)
      sink_receives(peer, std::move(frame), true);
    else
      ventilator_receives(peer, std::move(frame), true);
  }
}

// All that honest peers have sent arrives, and all of them take a turn.
void Cluster::round() {
  for (HonestWorker& worker : workers_) {
    deliver(worker.control, false);
    for (auto& [number, link] : worker.sinks) deliver(link, true);
  }
  deliver(client_.control, false);
  deliver(client_.sink, true);
  deliver(ventilator_to_sink_, true);
  ventilator_turn();
  sink_turn();
  for (HonestWorker& worker : workers_) {
    std::deque<Frame>* frames = nullptr;
    for (auto& [sid, lane] : lanes_)
      if (worker.lane == lane.port) frames = &lane.frames;
    worker.turn(now_, *this, frames);
  }
  client_.turn(now_, *this);
}

Time Cluster::next_event() const {
  Time next = Time::max();
  const auto sooner = [&next](std::optional<Time> at) { next = std::min(next, at.value_or(next)); };
  sooner(ventilator_.next_deadline());
  sooner(sink_.next_deadline());
  for (const HonestWorker& worker : workers_) sooner(worker.next_deadline());
  sooner(client_.next_deadline());
  return next;
}

// Nobody is woken later than wanted, and nobody in between.
void Cluster::pass(Duration by) {
  const Time end = now_ + by;
  while (now_ < end) {
    now_ = std::min(end, std::max(next_event(), now_ + 1ms));
    round();
  }
}

bool Cluster::all_settled() const {
  for (const HonestTask& task : client_.tasks) {
    if (!task.seq || !task.honest_type || lied_about_.count(*task.seq) > 0) continue;
    if (store_.find({kLog, *task.seq}) == nullptr) return false;
    if (task.wanted && task.arrivals == 0) return false;
  }
  return true;
}

void Cluster::heal() {
  healing_ = true;
  const Time end = now_ + 30min;
  while (!all_settled()) {
    require(now_ < end, "when hostile peers fall silent, every accepted task gets its outcome");
    pass(500ms);
  }
}

}  // namespace sluice::fuzz
