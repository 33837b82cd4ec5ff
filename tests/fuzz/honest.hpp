// honest.hpp: honest peers for a cluster with hostile ones: a worker's shell, a client's, a store.
// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/collector.hpp"
#include "core/runner.hpp"
#include "core/submitter.hpp"
#include "core/watcher.hpp"
#include "fuzz/through_wire.hpp"

namespace sluice::fuzz {

/// A connection from a DEALER to a ROUTER; both ways are FIFO, and what is on it goes with it.
struct Link {
  core::PeerId peer{};  ///< 0: closed
  std::deque<Frame> up, down;

  [[nodiscard]] bool is_open() const { return peer != core::PeerId{}; }
  void close() { *this = Link{}; }
  void open(core::PeerId as) {
    close();
    peer = as;
  }
  void send(const core::Envelope& envelope) {
    if (is_open()) up.push_back(packed(envelope));
  }
};

/// What the ventilator tells its peers to keep to; small, so that it is reached.
inline wire::Limits control_limits() {
  wire::Limits limits;
  limits.max_entries = 8;
  return limits;
}

inline core::Boot boot_of(std::uint8_t number) { return core::Boot{0x40, number}; }

/// Nobody tells an honest peer that it has broken the rules.
inline void require_no_reproach(const core::Envelope& in) {
  using core::Code;
  const auto* error = std::get_if<core::ErrorMessage>(&in.message);
  const auto* bye = std::get_if<core::Bye>(&in.message);
  const Code code = error != nullptr ? error->code : bye != nullptr ? bye->code : Code::ok;
  require(code != Code::credit_exceeded, "an honest peer never exceeds its credit");
  require(code != Code::bad_frame && code != Code::bad_type && code != Code::too_large,
          "an honest peer is never refused");
}

/// A worker with two slots that does all it is told: the Runner, its pool and its sockets.
class HonestWorker {
 public:
  explicit HonestWorker(std::uint8_t number) : runner_(options(number), boot_of(number), number) {}

  /// What it asks of the network: a new connection at either ROUTER, or a lane.
  struct Network {
    virtual ~Network() = default;
    virtual core::PeerId new_peer() = 0;
  };

  void start(core::Time now, Network& network) {
    runner_.start(now);
    perform(now, network);
  }
  /// Takes in what has come, runs what it may, and says what there is to say.
  void turn(core::Time now, Network& network, std::deque<Frame>* lane_frames) {
    runner_.pool_progress(claimed_, now);
    finish(now);
    take_in(control, wire::Role::worker, {core::Runner::Source::control, 0}, now);
    while (lane_frames != nullptr && lane && !lane_frames->empty()) {
      const Arrived in(wire::Role::worker, std::move(lane_frames->front()), control_limits());
      lane_frames->pop_front();
      require(in.message.has_value(), "what a lane carries can be read");
      runner_.receive({core::Runner::Source::lane, 0}, *in.message, now);
    }
    for (auto& [number, link] : sinks)
      take_in(link, wire::Role::producer, {core::Runner::Source::sink, number}, now);
    runner_.advance(now);
    perform(now, network);
    const auto next = runner_.next_deadline();
    require(!next || *next > now, "a worker's deadline lies ahead");
    require(runner_.unstarted() <= runner_.pool_capacity(), "a worker's queue has a limit");
  }
  void cut_control(core::Time now) {
    control.close();
    runner_.disconnected({core::Runner::Source::control, 0}, now);
  }
  [[nodiscard]] std::optional<core::Time> next_deadline() const {
    return running_.empty() && pool_.empty() ? runner_.next_deadline()
                                             : std::optional(core::Time{});
  }

  Link control;
  std::map<std::uint32_t, Link> sinks;
  std::optional<std::uint32_t> lane;  ///< the port it is connected to

 private:
  static core::RunnerOptions options(std::uint8_t number) {
    core::RunnerOptions options;
    options.name = "honest" + std::to_string(number);
    options.types = {"honest", "shared"};
    options.slots = 2;
    options.push_lane = number % 2 == 0;
    return options;
  }
  void take_in(Link& link, wire::Role role, core::Runner::From from, core::Time now) {
    while (!link.down.empty()) {
      const bool is_control = role == wire::Role::worker;
      const Arrived in(role, std::move(link.down.front()),
                       is_control ? control_limits() : wire::Limits{});
      link.down.pop_front();
      require(in.message.has_value(), "what is sent to a worker can be read");
      require_no_reproach(*in.message);
      runner_.receive(from, *in.message, now);
    }
  }
  void finish(core::Time now) {
    for (const core::TaskStart& start : std::exchange(running_, {})) {
      core::TaskFinished done;
      done.handle = start.handle;
      const std::string result = "did " + std::to_string(core::raw(start.seq));
      done.result = core::as_bytes(result);
      done.run = std::chrono::milliseconds(1);
      runner_.finished({&done, 1}, now);
    }
  }
  void perform(core::Time now, Network& network) {
    for (;;) {
      core::Runner::Effects out = runner_.take_effects();
      if (out.close_control) control.close();
      if (out.close_lane) lane.reset();
      for (const std::uint32_t link : out.close_sinks) sinks[link].close();
      if (out.open_control) control.open(network.new_peer());
      if (out.open_lane) lane = out.open_lane->port;
      for (const auto& wanted : out.open_sinks) sinks[wanted.link].open(network.new_peer());
      for (const core::Envelope& envelope : out.control) control.send(envelope);
      for (const auto& send : out.sinks) sinks[send.link].send(send.envelope);
      for (const core::TaskStart& start : out.starts) pool_.push_back(start);
      frozen_ = out.frozen || now > out.start_until;
      const std::size_t retract = out.retract;
      runner_.recycle(std::move(out));
      if (retract == 0) break;
      std::vector<core::TaskHandle> back;
      for (; back.size() < retract && !pool_.empty(); pool_.pop_front())
        back.push_back(pool_.front().handle);
      runner_.retracted(back, now);
    }
    while (!frozen_ && running_.size() < 2 && !pool_.empty()) {
      running_.push_back(pool_.front());
      pool_.pop_front();
      ++claimed_;
    }
  }

  core::Runner runner_;
  std::deque<core::TaskStart> pool_;
  std::vector<core::TaskStart> running_;
  std::uint64_t claimed_ = 0;
  bool frozen_ = true;
};

/// A task of the honest client.
struct HonestTask {
  bool honest_type = false;  ///< only honest workers run it
  bool wanted = false;
  std::optional<core::Seq> seq;  ///< of its CONFIRM
  bool answered = false;
  int arrivals = 0;
};

/// A client that submits and waits for outcomes.
class HonestClient {
 public:
  using Network = HonestWorker::Network;
  HonestClient() : submitter_({}, boot_of(99), 99), watcher_({}, boot_of(99), 98) {}

  void start(core::Time now, Network& network) {
    submitter_.start(now);
    perform(now, network);
  }
  void submit(bool honest_type, bool wanted, bool with_key, core::Time now) {
    core::NewTask task;
    task.cookie = tasks.size();
    task.type = honest_type ? "honest" : "shared";
    const std::string key = "mine-" + std::to_string(task.cookie);
    if (with_key) task.key = key;
    task.payload = core::as_bytes("some work");
    task.wanted = wanted;
    if (submitter_.submit(task, now) != core::Submitter::Taken::yes) return;
    tasks.push_back({honest_type, wanted, {}, false, 0});
  }
  void turn(core::Time now, Network& network) {
    while (!control.down.empty()) {
      const Arrived in(wire::Role::client, std::move(control.down.front()), control_limits());
      control.down.pop_front();
      require(in.message.has_value(), "what is sent to a client can be read");
      require_no_reproach(*in.message);
      submitter_.receive(*in.message, now);
    }
    while (!sink.down.empty()) {
      const Arrived in(wire::Role::producer, std::move(sink.down.front()));
      sink.down.pop_front();
      require(in.message.has_value(), "what is sent to a watcher can be read");
      require_no_reproach(*in.message);
      watcher_.receive(*in.message, now, arrivals_);
      tell();
    }
    submitter_.advance(now);
    perform(now, network);
    watcher_.advance(now, arrivals_);
    tell();
    core::Watcher::Effects out = watcher_.take_effects(now);
    if (out.link == core::Watcher::Link::close) sink.close();
    if (out.link == core::Watcher::Link::open) sink.open(network.new_peer());
    for (const core::Envelope& envelope : out.sends) sink.send(envelope);
    for (const auto& at : {submitter_.next_deadline(), watcher_.next_deadline()})
      require(!at || *at > now, "a client's deadline lies ahead");
  }
  void cut(core::Time now) {
    control.close();
    submitter_.link_lost(now);
  }
  void cut_sink(core::Time now) {
    sink.close();
    watcher_.link_lost(now);
  }
  [[nodiscard]] std::optional<core::Time> next_deadline() const {
    const auto a = submitter_.next_deadline(), b = watcher_.next_deadline();
    return a && b ? std::min(*a, *b) : a ? a : b;
  }

  Link control, sink;
  std::vector<HonestTask> tasks;  ///< by cookie

 private:
  void perform(core::Time now, Network& network) {
    core::Submitter::Effects out = submitter_.take_effects();
    if (out.link == core::Submitter::Link::close) control.close();
    if (out.link == core::Submitter::Link::open) control.open(network.new_peer());
    for (const core::Envelope& envelope : out.sends) control.send(envelope);
    for (const core::SubmitAnswer& answer : out.answers) {
      HonestTask& task = tasks.at(answer.cookie);
      require(!task.answered, "a client is told once what became of a submit");
      task.answered = true;
      if (answer.code != core::Code::ok && answer.code != core::Code::duplicate) continue;
      task.seq = answer.seq;
      require(numbers_.insert(answer.seq).second, "each task has a number of its own");
      if (task.wanted) watcher_.watch({out.log, answer.seq}, answer.cookie, now);
    }
    submitter_.recycle(std::move(out));
  }
  void tell() {
    for (const core::Arrival& arrival : arrivals_) {
      require(arrival.outcome != nullptr, "a watch is not given up");
      require(++tasks.at(arrival.cookie).arrivals == 1, "an outcome arrives once");
    }
    arrivals_.clear();
  }

  core::Submitter submitter_;
  core::Watcher watcher_;
  std::vector<core::Arrival> arrivals_;
  std::set<core::Seq> numbers_;
};

/// What a sink keeps outcomes in; each once.
class HonestStore {
 public:
  void put(const core::StoreEntry& entry) {
    const core::TaskKey key{entry.log, entry.outcome.seq};
    const auto [at, is_new] = kept_.try_emplace(key);
    require(is_new, "a sink stores one outcome for each task");
    Kept& kept = at->second;
    kept = {entry, std::string(entry.type), std::string(entry.producer),
            std::string(entry.outcome.key), std::string(entry.outcome.error),
            std::string(core::as_text(entry.outcome.payload))};
    kept.entry.type = kept.type;
    kept.entry.producer = kept.producer;
    kept.entry.outcome.key = kept.key;
    kept.entry.outcome.error = kept.error;
    kept.entry.outcome.payload = core::as_bytes(kept.payload);
  }
  [[nodiscard]] const core::StoreEntry* find(const core::TaskKey& key) const {
    const auto at = kept_.find(key);
    return at == kept_.end() ? nullptr : &at->second.entry;
  }

 private:
  struct Kept {
    core::StoreEntry entry;
    std::string type, producer, key, error, payload;
  };
  std::map<core::TaskKey, Kept> kept_;
};

}  // namespace sluice::fuzz
