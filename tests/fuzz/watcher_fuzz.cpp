// watcher_fuzz.cpp: a hostile sink talks to a client that waits for outcomes; then an honest one.
// SPDX-License-Identifier: MIT
#include <map>
#include <set>

#include "core/watcher.hpp"
#include "fuzz/hostile.hpp"
#include "fuzz/machine.hpp"
#include "fuzz/through_wire.hpp"

using namespace sluice;
using namespace sluice::core;

namespace {

using namespace std::chrono_literals;
using fuzz::Choices;
using fuzz::require;

class Sink {
 public:
  explicit Sink(Choices& choices)
      : choices_(choices),
        now_(fuzz::start_of_time(choices)),
        watcher_({}, Boot{1}, 5) {
    hostile_.boots = {Boot{2}};
    hostile_.logs = {Log{0}, Log{1}, Log{2}};
    turn();
  }

  void step() {
    switch (choices_.below(8)) {
      case 0: case 1: watch(); break;
      case 2: pass(1ms * choices_.below(2000)); break;
      case 3: pass(1s * choices_.below(120)); break;
      case 4:
        if (!choices_.one_in(3)) break;
        watcher_.link_lost(now_);
        turn();
        break;
      case 5: forget(); break;
      default: hostile(); break;
    }
  }
  void heal() {
    honest_ = true;
    watcher_.link_lost(now_);
    turn();
    const Time end = now_ + 1h;
    while (!waiting_.empty()) {
      require(now_ < end, "an honest sink tells every outcome");
      pass(1s);
    }
    require(watcher_.awaited() == 0, "nobody waits who has been told");
  }

 private:
  void watch() {
    const TaskKey key{Log{static_cast<std::uint8_t>(choices_.below(3))},
                      Seq{choices_.one_in(8) ? choices_.number() : 1 + choices_.below(20)}};
    if (waiting_.size() >= 60) return;
    waiting_[++cookies_] = key;
    watcher_.watch(key, cookies_, now_);
    hostile_.seqs.push_back(raw(key.seq));
    turn();
  }
  void forget() {
    if (waiting_.empty()) return;
    const auto [cookie, key] = *waiting_.begin();
    waiting_.erase(cookie);
    watcher_.forget(key, cookie);
    turn();
  }
  void hostile() {
    Envelope said = hostile_.to_producer(choices_);
    if (!choices_.one_in(4)) {  // in place and in time
      said.sid = sid_;
      if (std::holds_alternative<SinkOpened>(said.message)) said.n = try_;
      if (std::holds_alternative<Watched>(said.message)) said.n = ++told_;
    }
    say(said);
  }
  void say(const Envelope& said) {
    const fuzz::Arrived in(wire::Role::producer, fuzz::packed(said));
    if (!in.message) return;
    const bool was_open = watcher_.is_open();
    watcher_.receive(*in.message, now_, arrivals_);
    if (watcher_.is_open() && !was_open) {
      sid_ = in.message->sid;
      told_ = 0;
    }
    tell();
    turn();
  }
  void tell() {
    for (const Arrival& arrival : arrivals_) {
      const auto at = waiting_.find(arrival.cookie);
      require(at != waiting_.end(), "who waits is told once");
      require(arrival.outcome != nullptr, "nothing was given up");
      require((at->second == TaskKey{arrival.log, arrival.outcome->seq}), "of the right task");
      waiting_.erase(at);
    }
    arrivals_.clear();
  }
  void turn() {
    watcher_.advance(now_, arrivals_);
    tell();
    Watcher::Effects out = watcher_.take_effects(now_);
    const auto next = watcher_.next_deadline();
    require(!next || *next > now_, "a watcher's deadline lies ahead");
    require(watcher_.awaited() == waiting_.size(), "a watcher waits for what was asked for");
    std::vector<Envelope> answers;
    for (const Envelope& envelope : out.sends) {
      fuzz::require_readable(wire::Role::sink, envelope);
      hostile_.hear(envelope);
      if (std::holds_alternative<SinkOpen>(envelope.message)) try_ = envelope.n;
      if (honest_) answer(envelope, answers);
    }
    for (const Envelope& each : answers) say(each);
  }
  void answer(const Envelope& envelope, std::vector<Envelope>& answers) {
    if (std::holds_alternative<SinkOpen>(envelope.message)) {
      SinkOpened opened;
      opened.heartbeat_ms = 2000;
      opened.dead_ms = 8000;
      honest_told_ = 0;
      answers.push_back({Sid{raw(sid_) % 1000 + 1}, envelope.n, opened});
    } else if (std::holds_alternative<SinkBeat>(envelope.message)) {
      answers.push_back({envelope.sid, envelope.n, SinkBeaten{}});
    } else if (const auto* watch = std::get_if<Watch>(&envelope.message)) {
      require(watch->seen <= std::max(told_, honest_told_), "only what has come is acknowledged");
      Watched watched;
      watched.outcomes.log = watch->log;
      watched.outcomes.types = {"t"};
      watched.workers = {"w"};
      for (const SeqRange& range : watch->ranges)
        for (std::uint64_t seq = raw(range.first); seq <= raw(range.last); ++seq) {
          watched.outcomes.entries.emplace_back().seq = Seq{seq};
          watched.worker_index.push_back(0);
        }
      if (!watch->ranges.empty())
        answers.push_back({envelope.sid, std::max(told_, honest_told_) + 1, std::move(watched)});
      if (!watch->ranges.empty()) told_ = honest_told_ = std::max(told_, honest_told_) + 1;
    }
  }
  void pass(Duration by) {
    fuzz::pass(now_, by, watcher_, [this] { turn(); });
  }

  Choices& choices_;
  Time now_;
  Watcher watcher_;
  fuzz::Hostile hostile_;
  bool honest_ = false;
  std::uint64_t cookies_ = 0, try_ = 0, told_ = 0, honest_told_ = 0;
  std::map<std::uint64_t, TaskKey> waiting_;
  std::vector<Arrival> arrivals_;
  Sid sid_{};
};

}  // namespace

SLUICE_FUZZ(watcher) { fuzz::rage_and_heal<Sink>(input); }
