// dispatcher_rig.hpp: a ventilator's machine in virtual time, with workers, clients and a sink.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/dispatcher.hpp"
#include "core/message_keeper.hpp"
#include "support/journal_model.hpp"

namespace sluice::core::rig {

using namespace std::chrono_literals;

inline constexpr Log kLog{0x9f, 0x3a};
inline constexpr Log kOtherLog{0xbb};
inline constexpr std::uint64_t kMany = 1'000'000;

/// What a test says of a worker that it plays. The rig counts for it.
struct Worker {
  Worker(std::uint64_t number, std::string its_name) : peer{number}, name(std::move(its_name)) {
    boot[0] = static_cast<std::uint8_t>(number);
  }
  PeerId peer;
  Boot boot{};
  std::string name;
  std::vector<std::string> types{"t"};
  std::uint32_t slots = 1;
  bool push = false;
  std::optional<PreviousSession> previous;
  Sid sid{};
  std::uint64_t tries = 0, chunk = 0, states = 0, ano = 0;
  State state;  // as it was said last
};

struct Client {
  explicit Client(std::uint64_t number) : peer{number} {
    boot[0] = static_cast<std::uint8_t>(number);
  }
  PeerId peer;
  Boot boot{};
  Sid sid{};
  std::uint64_t tries = 0, cno = 0;
};

inline DispatcherOptions with_journal(DispatcherOptions options) {
  options.journal = true;
  options.wall_at_zero = 1'700'000'000'000;
  return options;
}
inline DispatcherOptions one_sink() {
  DispatcherOptions options;
  options.sinks = {"tcp://sink:1"};
  return options;
}

/// Plays the shell. Every message is either expected by the test or fails it at the end;
/// only heartbeats are counted and dropped.
class Rig {
 public:
  explicit Rig(DispatcherOptions options = one_sink(), std::uint64_t seed = 1)
      : machine(std::move(options), {kLog, Epoch{1}, {7}, {8}}, seed) {
    turn();
  }
  /// A life of a ventilator that has a journal: what the earlier ones left is restored.
  Rig(sluice::test::JournalModel& its_journal, Epoch epoch, Time start = Time{1000s},
      DispatcherOptions options = one_sink())
      : now(start),
        machine(with_journal(std::move(options)), life(epoch), 1),
        journal(&its_journal),
        sink_sid(500 * std::uint64_t{raw(epoch)}) {
    journal->restore_into(machine, now);
    turn();
  }
  ~Rig() { CHECK_MESSAGE(sent_.empty(), "unexpected: ", describe()); }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  static Dispatcher::Identity life(Epoch epoch) {
    return {kLog, epoch, {static_cast<std::uint8_t>(raw(epoch))}, {8}};
  }

  /// One turn of the shell, in its order.
  void turn() {
    machine.advance(now);
    const auto next = machine.next_deadline();
    CHECK((!next || *next > now));
    auto out = machine.take_effects(now);
    if (journal != nullptr && journal_is_full)
      machine.not_written(out.journal);
    else if (journal != nullptr)
      journal->append(out.journal);
    for (const std::size_t sink : out.open_sinks) sink_opens += sink + 1;
    for (auto& m : out.to_peers) keep({m.peer, std::nullopt, std::nullopt, std::move(m.envelope)});
    for (auto& m : out.to_lanes) keep({{}, m.sid, std::nullopt, std::move(m.envelope)});
    std::vector<Envelope> opens;
    for (auto& m : out.to_sinks) {
      if (std::holds_alternative<SinkOpen>(m.envelope.message))
        opens.push_back(std::move(m.envelope));
      else
        keep({{}, std::nullopt, m.sink, std::move(m.envelope)});
    }
    for (const auto& lane : out.open_lanes) lanes_wanted.push_back(lane.sid);
    for (const Sid sid : out.close_lanes) lanes_closed.push_back(sid);
    for (auto& question : out.questions) questions.push_back(std::move(question));
    machine.recycle(std::move(out));
    if (opens.empty() || !sink_is_up) return;
    SinkOpened opened;
    opened.heartbeat_ms = 2000;
    opened.dead_ms = 3'600'000'000;  // so that the test need not beat for the sink
    opened.max_frame = sink_max_frame;
    opened.outcomes_limit = opened.bytes_limit = 1ULL << 40;
    machine.receive_from_sink(0, {Sid{++sink_sid}, opens.back().n, opened}, now);
    turn();
  }
  /// Time goes by; the machine is woken whenever it wants to be.
  void pass(Duration by) {
    const Time end = now + by;
    for (;;) {
      const auto next = machine.next_deadline();
      if (!next || *next > end) break;
      now = std::max(now, *next);
      turn();
    }
    now = end;
    turn();
  }
  /// The same, and these workers say STATE each second.
  void pass(Duration by, std::initializer_list<Worker*> alive) {
    const Time end = now + by;
    while (now < end) {
      pass(std::min<Duration>(1s, end - now));
      for (Worker* worker : alive) say(*worker);
    }
  }

  void receive(PeerId from, Sid sid, std::uint64_t n, Message message) {
    machine.receive(from, {sid, n, std::move(message)}, now);
    turn();
  }
  void send_hello(Worker& worker, std::uint64_t attempt) {
    Hello hello;
    hello.boot = worker.boot;
    hello.name = worker.name;
    hello.types = worker.types;
    hello.slots = worker.slots;
    hello.lanes = worker.push ? LaneWish::push : LaneWish::inline_only;
    hello.previous = worker.previous;
    receive(worker.peer, Sid{}, attempt, hello);
  }
  Welcome hello(Worker& worker) {
    send_hello(worker, ++worker.tries);
    if (worker.push && !lanes_wanted.empty()) {
      const Sid sid = lanes_wanted.front();
      lanes_wanted.pop_front();
      machine.lane_opened(sid, 20001, std::nullopt, now);
      turn();
    }
    Welcome welcome = expect<Welcome>(worker.peer);
    CHECK(last_n == worker.tries);
    worker.sid = last_sid;
    worker.states = worker.ano = worker.chunk = 0;
    worker.state = State{};
    worker.previous = PreviousSession{kLog, machine.identity().epoch, worker.sid};
    return welcome;
  }
  Verdicts inventory(Worker& worker, std::vector<HeldTask> held = {}, bool last = true) {
    receive(worker.peer, worker.sid, ++worker.chunk, Inventory{last, std::move(held)});
    Verdicts verdicts = expect<Verdicts>(worker.peer);
    CHECK(last_n == worker.chunk);
    return verdicts;
  }
  void say(Worker& worker) { receive(worker.peer, worker.sid, ++worker.states, worker.state); }
  void credit(Worker& worker, std::uint64_t tasks, std::uint64_t bytes = 1ULL << 30) {
    worker.state.tasks_limit = tasks;
    worker.state.bytes_limit = bytes;
    say(worker);
  }
  /// From HELLO to credit, holding nothing.
  void join(Worker& worker, std::uint64_t tasks, std::uint64_t bytes = 1ULL << 30) {
    const Welcome welcome = hello(worker);
    CHECK(inventory(worker).entries.empty());
    if (welcome.lane) {
      const Tasks probe = tasks_for(worker);
      CHECK(last_n == 1);
      CHECK(probe.entries.empty());
      worker.state.lane_rx = 1;
    }
    credit(worker, tasks, bytes);
  }
  void ack(Worker& worker, std::vector<AckEntry> entries) {
    receive(worker.peer, worker.sid, ++worker.ano, Ack{std::move(entries)});
    expect_acked(worker);
  }
  void ack(Worker& worker, const TaskEntry& task, Status status = Status::done) {
    ack(worker, {{task.seq, task.lease, status}});
  }
  void nack(Worker& worker, const TaskEntry& task, NackReason reason, bool started = true,
            std::uint64_t retry_ms = 0) {
    receive(worker.peer, worker.sid, ++worker.ano,
            Nack{{{task.seq, task.lease, reason, retry_ms, started, "it broke"}}});
    expect_acked(worker);
  }
  void give_back(Worker& worker, std::vector<LeaseRef> entries) {
    receive(worker.peer, worker.sid, ++worker.ano, Return{std::move(entries)});
    expect_acked(worker);
  }
  void gone(const Worker& worker) {
    machine.peer_gone(worker.peer, now);
    turn();
  }
  void expect_acked(Worker& worker) {
    if (journal != nullptr) pass(5ms);  // acks are written in groups
    expect<Acked>(worker.peer);
    CHECK(last_n == worker.ano);
  }

  Seq submit(SubmitEntry entry = {}, std::string_view type = "t") {
    const Seq seq = submit_later(entry, type);
    turn();
    return seq;
  }
  /// Without a turn, so that several meet dispatch together.
  Seq submit_later(SubmitEntry entry = {}, std::string_view type = "t") {
    const auto seq = machine.reserve(1);
    REQUIRE(seq);
    CHECK(machine.submit(*seq, type, entry, now) == Code::ok);
    return *seq;
  }
  std::vector<Seq> submit_many(std::size_t count, std::string_view type = "t") {
    std::vector<Seq> seqs;
    for (std::size_t i = 0; i < count; ++i) seqs.push_back(submit_later({}, type));
    turn();
    return seqs;
  }

  /// The next message to that peer, which must be an M.
  template <typename M>
  M expect(PeerId to) {
    return take<M>([&](const Sent& s) { return s.peer == to && !s.lane && !s.sink; });
  }
  /// The next TASKS of a worker, on its lane or inline.
  Tasks tasks_for(const Worker& worker) {
    if (!worker.push) return expect<Tasks>(worker.peer);
    return take<Tasks>([&](const Sent& s) { return s.lane == worker.sid; });
  }
  /// The same, of which there must be one.
  TaskEntry task_for(const Worker& worker) {
    const Tasks tasks = tasks_for(worker);
    REQUIRE(tasks.entries.size() == 1);
    return tasks.entries.front();
  }
  /// All that were sent to it, in whatever messages.
  std::vector<TaskEntry> all_for(const Worker& worker) {
    std::vector<TaskEntry> all;
    while (next_is_tasks(worker))
      for (const TaskEntry& entry : tasks_for(worker).entries) all.push_back(entry);
    return all;
  }
  bool next_is_tasks(const Worker& worker) const {
    for (const Sent& s : sent_) {
      if (s.sink || (worker.push ? s.lane != worker.sid : s.lane || s.peer != worker.peer))
        continue;
      return std::holds_alternative<Tasks>(s.envelope.message);
    }
    return false;
  }
  bool nothing_sent() const { return sent_.empty(); }

  OutcomeEntry expect_outcome() {
    const Outcomes outcomes = take<Outcomes>([](const Sent& s) { return s.sink == 0U; });
    REQUIRE(outcomes.entries.size() == 1);
    return outcomes.entries.front();
  }
  /// How many were sent since the last look at them.
  std::size_t drop_outcomes() {
    std::size_t count = 0;
    std::erase_if(sent_, [&](const Sent& s) {
      const auto* outcomes = std::get_if<Outcomes>(&s.envelope.message);
      if (outcomes != nullptr) count += outcomes->entries.size();
      return outcomes != nullptr;
    });
    return count;
  }
  void confirm(Rsn rsn) {
    SinkConfirm confirm;
    confirm.stored.push_back({rsn, rsn});
    from_sink(std::move(confirm));
  }
  void refuse(Rsn rsn, Code code, Status stored = Status::done) {
    SinkConfirm confirm;
    confirm.exceptions.push_back({rsn, code, stored, 1000});
    from_sink(std::move(confirm));
  }
  void from_sink(Message message) {
    machine.receive_from_sink(0, {Sid{sink_sid}, 1, std::move(message)}, now);
    turn();
  }

  ClientOpened open(Client& client) {
    ClientOpen open;
    open.boot = client.boot;
    receive(client.peer, Sid{}, ++client.tries, open);
    ClientOpened opened = expect<ClientOpened>(client.peer);
    client.sid = last_sid;
    return opened;
  }
  void send_submit(Client& client, std::uint64_t cno, std::vector<SubmitEntry> entries) {
    receive(client.peer, client.sid, cno, Submit{{"t"}, std::move(entries)});
  }
  SubmitConfirm submit_as(Client& client, std::uint64_t cno, std::vector<SubmitEntry> entries) {
    send_submit(client, cno, std::move(entries));
    SubmitConfirm confirm = expect<SubmitConfirm>(client.peer);
    CHECK(last_n == cno);
    return confirm;
  }

  DispatcherStatus status() const { return machine.status(now); }
  std::string phase_of(const Worker& worker) const {
    for (const WorkerStatus& w : status().workers)
      if (w.sid == worker.sid) return w.phase;
    return "gone";
  }

  Time now{1000s};
  Dispatcher machine;
  sluice::test::JournalModel* journal = nullptr;
  bool journal_is_full = false;
  bool sink_is_up = true;
  std::uint64_t sink_max_frame = 4 << 20;
  std::uint64_t sink_sid = 500;
  std::uint64_t sink_opens = 0;
  std::uint64_t pings = 0;
  Seq floor_told{};
  std::deque<Sid> lanes_wanted;
  std::vector<Sid> lanes_closed;
  std::vector<DispatcherEffects::Question> questions;
  Sid last_sid{};
  std::uint64_t last_n = 0;

 private:
  struct Sent {
    PeerId peer{};
    std::optional<Sid> lane;
    std::optional<std::size_t> sink;
    Envelope envelope;
  };

  template <typename M, typename Wanted>
  M take(const Wanted& wanted) {
    for (auto at = sent_.begin(); at != sent_.end(); ++at) {
      if (!wanted(*at)) continue;
      last_sid = at->envelope.sid;
      last_n = at->envelope.n;
      REQUIRE_MESSAGE(std::holds_alternative<M>(at->envelope.message), "next is: ", name_of(*at));
      M message = std::get<M>(std::move(at->envelope.message));
      sent_.erase(at);
      return message;
    }
    REQUIRE_MESSAGE(false, "nothing was sent there; what was: ", describe());
    return M{};
  }

  // Views are good until the next input only: what they show is copied.
  void keep(Sent message) {
    Message& m = message.envelope.message;
    if (std::holds_alternative<Ping>(m)) {
      ++pings;
      return;
    }
    if (std::holds_alternative<SinkBeat>(m)) return;
    if (const auto* floor = std::get_if<Floor>(&m)) {
      CHECK(floor->floor >= floor_told);
      floor_told = floor->floor;
      return;
    }
    if (auto* tasks = std::get_if<Tasks>(&m)) {
      for (std::string_view& type : tasks->types) type = kept_.copy(type);
      for (TaskEntry& entry : tasks->entries) {
        entry.key = kept_.copy(entry.key);
        entry.payload = as_bytes(kept_.copy(as_text(entry.payload)));
      }
    }
    kept_.keep(m);
    sent_.push_back(std::move(message));
  }

  static std::string name_of(const Sent& s) {
    return "message " + std::to_string(s.envelope.message.index()) + " to " +
           std::to_string(raw(s.peer));
  }
  std::string describe() const {
    std::string text;
    for (const Sent& s : sent_) text += name_of(s) + "; ";
    return text;
  }

  std::deque<Sent> sent_;
  test::MessageKeeper kept_;
};

inline SubmitEntry with_payload(std::string_view payload) {
  SubmitEntry entry;
  entry.payload = as_bytes(payload);
  return entry;
}
inline SubmitEntry with_key(std::string_view key, std::string_view payload = "") {
  SubmitEntry entry = with_payload(payload);
  entry.key = key;
  return entry;
}
inline std::vector<Seq> seqs_of(const std::vector<TaskEntry>& tasks) {
  std::vector<Seq> seqs;
  for (const TaskEntry& task : tasks) seqs.push_back(task.seq);
  return seqs;
}

}  // namespace sluice::core::rig
