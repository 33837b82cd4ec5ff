// runner_rig.hpp: a worker's machine between a ventilator, a sink and a pool, all played by hand.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/message_keeper.hpp"
#include "core/runner.hpp"

namespace sluice::core::test {

inline constexpr Boot kBoot{9};
inline constexpr Log kLog{0x9f, 0x3a, 0x1c, 0x07};
inline constexpr const char* kSink = "tcp://10.0.0.1:5571";

/// One task as the ventilator sends it.
struct Sent {
  std::uint64_t seq = 0;
  std::uint64_t lease = 0;
  std::string payload = "args";
  std::string key;
  std::uint32_t type = 0, sink = 0;
  bool last_attempt = false;
  std::uint64_t ttl_ms = 0;
};
inline Sent task(std::uint64_t seq) {
  Sent sent;
  sent.seq = seq;
  sent.lease = seq + 1000;
  return sent;
}

/// What leaves the machine and is not expected fails the test.
class RunnerRig {
 public:
  using From = Runner::From;
  static constexpr From kControl{Runner::Source::control, 0};
  static constexpr From kLane{Runner::Source::lane, 0};
  static constexpr From kSinkLink{Runner::Source::sink, 0};

  static RunnerOptions options() {
    RunnerOptions options;
    options.name = "ann";
    options.types = {"resize", "mail"};
    options.slots = 2;
    options.prefetch = 2;
    return options;
  }
  explicit RunnerRig(RunnerOptions options = RunnerRig::options())
      : runner(std::move(options), kBoot, 42) {}
  ~RunnerRig() {
    for (const Envelope& envelope : control) {
      CAPTURE(envelope.message.index());
      CHECK_MESSAGE(false, "a message to the ventilator that nobody expected");
    }
    for (const Runner::SinkSend& send : sinks) {
      CAPTURE(send.envelope.message.index());
      CHECK_MESSAGE(false, "a message to a sink that nobody expected");
    }
    CHECK_MESSAGE(cancels.empty(), "a cancel that nobody expected");
  }

  // --- one turn ------------------------------------------------------------

  void take() {
    for (;;) {
      Runner::Effects effects = runner.take_effects();
      apply(effects);
      const std::size_t retract = effects.retract;
      runner.recycle(std::move(effects));
      if (retract == 0) return;
      std::vector<TaskHandle> back;
      while (back.size() < retract && !pool.empty()) {
        back.push_back(pool.front().handle);
        pool.pop_front();
      }
      runner.retracted(back, now);
    }
  }
  /// Lets the time pass: one turn, at its end.
  void pass(Duration duration) {
    now += duration;
    runner.pool_progress(claimed, now);
    runner.advance(now);
    if (const auto deadline = runner.next_deadline()) CHECK(*deadline > now);
    take();
    if (const auto deadline = runner.next_deadline()) CHECK(*deadline > now);
  }
  void pass_to_deadline() {
    const auto deadline = runner.next_deadline();
    REQUIRE(deadline.has_value());
    pass(*deadline - now);
  }
  void receive(From from, const Envelope& envelope) {
    runner.pool_progress(claimed, now);
    runner.receive(from, envelope, now);
    take();
  }
  void control_in(std::uint64_t n, Message message) {
    receive(kControl, {sid, n, std::move(message)});
  }

  // --- the ventilator --------------------------------------------------------

  Hello start() {
    runner.start(now);
    take();
    return expect<Hello>();
  }
  Welcome welcome_message(bool lane) const {
    Welcome welcome;
    welcome.log = log;
    welcome.epoch = epoch;
    welcome.inc = Incarnation{1};
    welcome.heartbeat_ms = 2000;
    welcome.dead_ms = 8000;
    welcome.fence_ms = 16000;
    welcome.reclaim_ms = 24000;
    if (lane) welcome.lane = LaneAddress{20001, std::nullopt};
    welcome.max_frame = 4 << 20;
    welcome.max_entries = 4096;
    welcome.sinks = sink_names;
    return welcome;
  }
  /// Answers the HELLO just expected; returns the inventory.
  std::vector<HeldTask> welcome(bool lane = true) {
    sid = make_sid(epoch, ++sessions);
    lane_n = tasks_sent = bytes_sent = 0;
    on_lane = lane;
    control_in(last.n, welcome_message(lane));
    return expect<Inventory>().held;
  }
  /// The verdict that makes the session ready; returns the first STATE.
  State verdict(std::vector<VerdictEntry> entries = {}) {
    control_in(1, Verdicts{std::move(entries)});
    return state();
  }
  /// HELLO, WELCOME, INVENTORY, VERDICT, STATE, and the sink's session.
  void connect(bool lane = true) {
    start();
    open_sinks();
    welcome(lane);
    open_sinks();
    verdict();
    REQUIRE(runner.ready());
  }
  /// After a loss: the same again, with what is held said in between.
  std::vector<HeldTask> reconnect(std::vector<VerdictEntry> entries = {}) {
    REQUIRE_FALSE(control_open);
    pass_to_deadline();
    while (!control_open) pass_to_deadline();
    expect<Hello>();
    std::vector<HeldTask> held = welcome();
    control_in(1, Verdicts{std::move(entries)});
    return held;
  }
  State state() {
    const State state = expect<State>();
    CHECK(last.sid == sid);
    return state;
  }

  Envelope tasks_message(const std::vector<Sent>& list) {
    Tasks tasks;
    tasks.epoch = epoch;
    tasks.tasks_before = tasks_sent;
    tasks.bytes_before = bytes_sent;
    tasks.types = {"resize", "mail", "unheard of"};
    for (const Sent& each : list) {
      TaskEntry entry;
      entry.seq = Seq{each.seq};
      entry.lease = Lease{each.lease};
      entry.type_index = each.type;
      entry.sink = each.sink;
      entry.flags = each.last_attempt ? kLastAttempt : 0;
      entry.ttl_ms = each.ttl_ms;
      entry.key = keeper.copy(each.key);
      entry.payload = as_bytes(keeper.copy(each.payload));
      bytes_sent += each.payload.size();
      ++tasks_sent;
      tasks.entries.push_back(entry);
    }
    return {sid, ++lane_n, std::move(tasks)};
  }
  void send_tasks(const std::vector<Sent>& list) {
    receive(on_lane ? kLane : kControl, tasks_message(list));
  }
  /// Takes note of every ack, nack and return up to `ano`.
  void acked(std::uint64_t ano) { control_in(ano, Acked{}); }

  // --- the sink ----------------------------------------------------------------

  /// Answers an OPEN, if there is one.
  void open_sinks() {
    for (std::size_t i = 0; i < sinks.size(); ++i) {
      if (!std::holds_alternative<SinkOpen>(sinks[i].envelope.message)) continue;
      const Runner::SinkSend open = sinks[i];
      sinks.erase(sinks.begin() + static_cast<std::ptrdiff_t>(i));
      SinkOpened opened;
      opened.heartbeat_ms = 30000;  // so that only the ventilator's is heard
      opened.dead_ms = 600000;
      opened.max_frame = 4 << 20;
      opened.outcomes_limit = 1000;
      opened.bytes_limit = 64 << 20;
      receive({Runner::Source::sink, open.link}, {sink_sid, open.envelope.n, opened});
      return open_sinks();
    }
  }
  Outcomes outcomes() {
    while (!sinks.empty() && std::holds_alternative<SinkBeat>(sinks.front().envelope.message))
      sinks.pop_front();
    REQUIRE_FALSE(sinks.empty());
    REQUIRE(std::holds_alternative<Outcomes>(sinks.front().envelope.message));
    auto message = std::get<Outcomes>(sinks.front().envelope.message);
    sinks.pop_front();
    return message;
  }
  void confirm(Rsn first, Rsn last_rsn) {
    SinkConfirm message;
    message.stored.push_back({first, last_rsn});
    receive(kSinkLink, {sink_sid, 1, message});
  }
  void except(const ConfirmException& exception) {
    SinkConfirm message;
    message.exceptions.push_back(exception);
    receive(kSinkLink, {sink_sid, 1, message});
  }

  // --- the executors --------------------------------------------------------------

  /// An executor takes the next task; the machine learns of it later.
  TaskStart claim() {
    REQUIRE_FALSE(pool.empty());
    REQUIRE_FALSE(frozen);
    const TaskStart start = pool.front();
    pool.pop_front();
    ++claimed;
    return start;
  }
  void finish(const TaskStart& start, RunEnd end = RunEnd::ok, std::string_view error = {},
              std::string_view result = "result", Duration run = 10ms) {
    TaskFinished finished;
    finished.handle = start.handle;
    finished.end = end;
    finished.error = error;
    finished.result = as_bytes(result);
    finished.run = run;
    finished.started_us = 1'700'000'000'000'000;
    runner.pool_progress(claimed, now);
    runner.finished({&finished, 1}, now);
    take();
  }
  /// A task's whole way but for the ACK: sent, run, its outcome stored.
  void settle_at_sink(std::uint64_t seq) {
    send_tasks({task(seq)});
    finish(claim());
    const Outcomes message = outcomes();
    confirm(message.entries[0].rsn, message.entries[0].rsn);
  }
  /// STATEs that only say how the load is.
  void skip_states() {
    while (!control.empty() && std::holds_alternative<State>(control.front().message))
      control.pop_front();
  }

  template <typename M>
  M expect() {
    REQUIRE_FALSE(control.empty());
    CAPTURE(control.front().message.index());
    REQUIRE(std::holds_alternative<M>(control.front().message));
    last = control.front();
    control.pop_front();
    return std::get<M>(last.message);
  }
  /// The same, whatever STATEs come before.
  template <typename M>
  M expect_after_states() {
    skip_states();
    return expect<M>();
  }
  TaskHandle cancel() {
    REQUIRE_FALSE(cancels.empty());
    const TaskHandle handle = cancels.front();
    cancels.pop_front();
    return handle;
  }

  Runner runner;
  Time now{1h};
  Log log = kLog;
  Epoch epoch{1};
  std::vector<std::string> sink_names{kSink};
  Sid sid{};
  Sid sink_sid{500};
  std::uint32_t sessions = 0;
  std::uint64_t lane_n = 0, tasks_sent = 0, bytes_sent = 0;
  bool on_lane = true;

  bool control_open = false, lane_open = false, frozen = true;
  int control_opened = 0, lane_opened = 0;
  std::string endpoint;
  Time start_until{};
  std::map<std::uint32_t, std::string> sink_sockets;
  std::deque<TaskStart> pool;
  std::uint64_t claimed = 0;
  std::deque<Envelope> control;
  std::deque<Runner::SinkSend> sinks;
  std::deque<TaskHandle> cancels;
  Envelope last;
  MessageKeeper keeper;

 private:
  void apply(Runner::Effects& effects) {
    frozen = effects.frozen;
    start_until = effects.start_until;
    if (effects.close_control) {
      control_open = false;
      control.clear();
    }
    if (effects.close_lane) lane_open = false;
    for (const std::uint32_t link : effects.close_sinks) {
      sink_sockets.erase(link);
      sinks.erase(std::remove_if(sinks.begin(), sinks.end(),
                                 [&](const auto& send) { return send.link == link; }),
                  sinks.end());
    }
    if (effects.open_control) {
      CHECK_FALSE(control_open);
      control_open = true;
      ++control_opened;
      endpoint = effects.endpoint;
    }
    if (effects.open_lane) {
      CHECK_FALSE(lane_open);
      lane_open = true;
      ++lane_opened;
    }
    for (const auto& socket : effects.open_sinks) {
      CHECK(sink_sockets.count(socket.link) == 0);
      sink_sockets[socket.link] = socket.endpoint;
    }
    if (!effects.control.empty()) CHECK(control_open);
    for (Envelope& envelope : effects.control) {
      keeper.keep(envelope.message);
      control.push_back(envelope);
    }
    for (Runner::SinkSend& send : effects.sinks) {
      CHECK(sink_sockets.count(send.link) == 1);
      keeper.keep(send.envelope.message);
      sinks.push_back(send);
    }
    for (const TaskStart& start : effects.starts) pool.push_back(start);
    for (const TaskHandle handle : effects.cancels) cancels.push_back(handle);
  }
};

}  // namespace sluice::core::test
