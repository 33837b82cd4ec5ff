// runner_fuzz.cpp: a hostile ventilator and hostile sinks talk to a worker; then honest ones do.
// SPDX-License-Identifier: MIT
#include <deque>
#include <set>

#include "core/runner.hpp"
#include "fuzz/hostile.hpp"
#include "fuzz/machine.hpp"
#include "fuzz/through_wire.hpp"

using namespace sluice;
using namespace sluice::core;

namespace {

using namespace std::chrono_literals;
using fuzz::Choices;
using fuzz::require;
using From = Runner::From;
using Source = Runner::Source;

constexpr std::uint32_t kSlots = 2;
constexpr std::uint64_t kMostRetained = 16;

RunnerOptions options() {
  RunnerOptions options;
  options.types = {"honest", "shared"};
  options.slots = kSlots;
  options.max_prefetch = 8;
  options.max_queued_bytes = 2'000;
  options.max_retained = kMostRetained;
  options.max_retained_bytes = 4'000;
  return options;
}

class World {
 public:
  explicit World(Choices& choices)
      : choices_(choices),
        now_(fuzz::start_of_time(choices)),
        runner_(options(), Boot{1}, 5) {
    hostile_.boots = {Boot{2}};
    hostile_.types = {"shared", "honest"};
    runner_.start(now_);
    turn();
  }

  void step() {
    switch (choices_.below(14)) {
      case 0: pass(1ms * choices_.below(300)); break;
      case 1: pass(1s * choices_.below(60)); break;
      case 2: case 3: finish_one(); break;
      case 4: disconnect(); break;
      case 5: case 6: case 7: sink_says(); break;
      default: ventilator_says(); break;
    }
  }
  // A new ventilator on a new log, and its sink.
  void heal() {
    honest_ = true;
    while (!running_.empty()) finish_one();
    runner_.disconnected({Source::control, 0}, now_);
    turn();
    const Time end = now_ + 1h;
    while (!settled_ && !runner_.draining() && !runner_.ended()) {
      require(now_ < end, "a worker serves an honest ventilator, whatever it met before");
      pass(200ms);
      while (!running_.empty()) finish_one();
    }
  }

 private:
  // --- what is said to the worker ---------------------------------------------------------
  void ventilator_says() {
    Envelope said = hostile_.to_worker(choices_);
    bool lane = choices_.one_in(8);
    if (!choices_.one_in(4)) {  // in place and in time
      said.sid = sid_;
      if (std::holds_alternative<Welcome>(said.message)) said.n = try_;
      if (std::holds_alternative<Verdicts>(said.message)) said.n = chunk_;
      if (std::holds_alternative<Acked>(said.message) && choices_.one_in(2)) said.n = ano_;
      if (auto* tasks = std::get_if<Tasks>(&said.message)) {
        tasks->epoch = epoch_;
        said.n = ++lane_n_;
        lane = lane_is_open_;
      }
    }
    say({lane ? Source::lane : Source::control, 0}, wire::Role::worker, said);
  }
  void sink_says() {
    Envelope said = hostile_.to_producer(choices_);
    const auto link = static_cast<std::uint32_t>(choices_.below(4));
    if (!choices_.one_in(4)) {
      said.sid = Sid{link + 1U};
      if (std::holds_alternative<SinkOpened>(said.message)) said.n = sink_try_[link];
    }
    say({Source::sink, link}, wire::Role::producer, said);
  }
  void say(From from, wire::Role role, const Envelope& said) {
    const fuzz::Arrived in(role, fuzz::packed(said));
    runner_.pool_progress(claimed_, now_);
    if (in.message) {
      const auto* welcome = std::get_if<Welcome>(&in.message->message);
      const std::uint64_t sessions = runner_.stats().sessions;
      runner_.receive(from, *in.message, now_);
      if (welcome != nullptr && runner_.stats().sessions != sessions) {
        sid_ = in.message->sid;
        epoch_ = welcome->epoch;
        lane_n_ = 0;
        lane_is_open_ = welcome->lane.has_value();
        limits_ = State{};
      }
    } else {
      runner_.refused(from, in.error.code, in.error.n, now_);
    }
    turn();
  }
  void disconnect() {
    if (!choices_.one_in(3)) return;
    const bool control = choices_.one_in(2);
    runner_.disconnected({control ? Source::control : Source::sink,
                          static_cast<std::uint32_t>(choices_.below(4))}, now_);
    turn();
  }
  void finish_one() {
    if (running_.empty()) return;
    TaskFinished done;
    done.handle = running_.front().handle;
    running_.pop_front();
    const std::string result(honest_ ? 4 : choices_.below(300), 'r');
    done.end = honest_ ? RunEnd::ok : static_cast<RunEnd>(choices_.below(9));
    done.result = as_bytes(result);
    done.run = 1ms;
    runner_.pool_progress(claimed_, now_);
    runner_.finished({&done, 1}, now_);
    turn();
  }
  void pass(Duration by) {
    fuzz::pass(now_, by, runner_, [this] {
      runner_.pool_progress(claimed_, now_);
      turn();
    });
  }

  // --- what it does -----------------------------------------------------------------------
  struct Reply {
    From from;
    Envelope envelope;
  };
  void turn() {
    runner_.advance(now_);
    std::vector<Reply> replies;
    for (;;) {
      Runner::Effects out = runner_.take_effects();
      perform(out, replies);
      const std::size_t retract = out.retract;
      runner_.recycle(std::move(out));
      if (retract == 0) break;
      std::vector<TaskHandle> back;
      for (; back.size() < retract && !pool_.empty(); pool_.pop_front())
        back.push_back(pool_.front().handle);
      runner_.retracted(back, now_);
    }
    for (; !frozen_ && running_.size() < kSlots && !pool_.empty(); pool_.pop_front(), ++claimed_)
      running_.push_back(pool_.front());
    const auto next = runner_.next_deadline();
    require(!next || *next > now_, "a worker's deadline lies ahead");
    require(runner_.unstarted() <= runner_.pool_capacity(), "what waits has a limit");
    require(runner_.running() <= kSlots + pool_.size(), "what runs has a limit");
    require(runner_.held() <= 4 * (kMostRetained + runner_.pool_capacity()),
            "what is held for want of an answer has a limit");
    for (const Reply& reply : replies)
      say(reply.from, reply.from.source == Source::sink ? wire::Role::producer : wire::Role::worker,
          reply.envelope);
  }
  void perform(Runner::Effects& out, std::vector<Reply>& replies) {
    frozen_ = out.frozen || now_ > out.start_until;
    for (const TaskStart& start : out.starts) pool_.push_back(start);
    for (const Envelope& envelope : out.control) {
      fuzz::require_readable(wire::Role::ventilator, envelope);
      hostile_.hear(envelope);
      note(envelope);
      if (honest_) answer(envelope, replies);
    }
    for (const auto& send : out.sinks) {
      fuzz::require_readable(wire::Role::sink, send.envelope);
      hostile_.hear(send.envelope);
      if (std::holds_alternative<SinkOpen>(send.envelope.message) && send.link < 4)
        sink_try_[send.link] = send.envelope.n;
      if (!honest_) continue;
      if (auto reply = fuzz::honest_sink(send.envelope, Sid{5}))
        replies.push_back({{Source::sink, send.link}, std::move(*reply)});
    }
  }
  void note(const Envelope& envelope) {
    if (std::holds_alternative<Hello>(envelope.message)) try_ = envelope.n;
    if (std::holds_alternative<Inventory>(envelope.message)) chunk_ = envelope.n;
    if (std::holds_alternative<Ack>(envelope.message) ||
        std::holds_alternative<Nack>(envelope.message) ||
        std::holds_alternative<Return>(envelope.message))
      ano_ = envelope.n;
    if (const auto* state = std::get_if<State>(&envelope.message)) {
      require(state->tasks_limit >= limits_.tasks_limit, "a worker's limit never falls");
      require(state->bytes_limit >= limits_.bytes_limit, "nor does its limit of bytes");
      limits_ = *state;
    }
  }

  // --- the honest ventilator ----------------------------------------------------------------
  void answer(const Envelope& envelope, std::vector<Reply>& replies) {
    const From control{Source::control, 0};
    const Message& m = envelope.message;
    if (std::holds_alternative<Hello>(m)) {
      Welcome welcome;
      welcome.log = Log{0x60};
      welcome.epoch = Epoch{1};
      welcome.inc = Incarnation{9};
      welcome.heartbeat_ms = 2000;
      welcome.dead_ms = 8000;
      welcome.fence_ms = 16000;
      welcome.max_frame = 4 << 20;
      welcome.max_entries = 4096;
      welcome.sinks = {"tcp://good:1"};
      replies.push_back({control, {Sid{raw(sid_) % 1000 + 1}, envelope.n, welcome}});
      sent_ = false;
    } else if (std::holds_alternative<Inventory>(m)) {
      replies.push_back({control, {envelope.sid, envelope.n, Verdicts{}}});
    } else if (const auto* state = std::get_if<State>(&m)) {
      if (now_ >= ping_at_) replies.push_back({control, {envelope.sid, envelope.n, Ping{}}});
      if (now_ >= ping_at_) ping_at_ = now_ + 1s;
      if (state->tasks_limit == 0 || state->bytes_limit == 0 || sent_) return;
      sent_ = true;
      Tasks tasks;
      tasks.epoch = Epoch{1};
      tasks.types = {"honest"};
      TaskEntry& entry = tasks.entries.emplace_back();
      entry.seq = Seq{77};
      entry.lease = Lease{++leases_};
      replies.push_back({control, {envelope.sid, 1, std::move(tasks)}});
    } else if (const auto* ack = std::get_if<Ack>(&m)) {
      for (const AckEntry& entry : ack->entries) settled_ = settled_ || entry.seq == Seq{77};
      replies.push_back({control, {envelope.sid, envelope.n, Acked{}}});
    } else if (std::holds_alternative<Nack>(m) || std::holds_alternative<Return>(m)) {
      replies.push_back({control, {envelope.sid, envelope.n, Acked{}}});
    }
  }

  Choices& choices_;
  Time now_, ping_at_{};
  Runner runner_;
  fuzz::Hostile hostile_;
  bool honest_ = false, sent_ = false, settled_ = false, frozen_ = true, lane_is_open_ = false;
  std::uint64_t try_ = 0, chunk_ = 1, ano_ = 0, lane_n_ = 0, leases_ = 1'000'000, claimed_ = 0;
  std::uint64_t sink_try_[4] = {};
  Sid sid_{};
  Epoch epoch_{};
  State limits_;
  std::deque<TaskStart> pool_, running_;
};

}  // namespace

SLUICE_FUZZ(runner) { fuzz::rage_and_heal<World>(input); }
