// dispatcher_model_test.cpp: whatever peers do, every task is in one place, and ends.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "core/dispatcher_audit.hpp"
#include "core/dispatcher_fake_client.hpp"
#include "support/journal_model.hpp"

using namespace sluice::core;

namespace {

constexpr const char* kTypes[] = {"a", "b", "c"};

struct FakeWorker {
  PeerId peer{};
  Boot boot{};
  Sid sid{};
  std::vector<std::string> types;
  std::uint64_t tries = 0, chunk = 0, states = 0, ano = 0;
  State state;
  std::uint64_t received = 0, received_bytes = 0;
  bool ready = false, had_session = false;
  std::vector<LeaseRef> held;
};

// Where tasks wait: all in slots; most packed; most in a journal only, which is full now and then.
enum class Waiting { in_slots, packed, in_journal };

// Peers that keep to the protocol now and then, and a shell that does as it is told.
class World {
 public:
  World(std::uint64_t seed, Waiting waiting)
      : random_(seed),
        has_journal_(waiting == Waiting::in_journal),
        machine_(options(waiting), Dispatcher::Identity(), seed) {
    if (has_journal_) journal_.serve(machine_);
    for (int i = 0; i < 4; ++i) {
      FakeWorker& worker = workers_.emplace_back();
      reborn(worker);
    }
    turn();
  }

  void step() {
    FakeWorker& worker = workers_[random_.below(workers_.size())];
    const Time now = now_;
    switch (random_.below(28)) {
      case 0:
      case 1:
      case 2:
      case 3:
        submit();
        break;
      case 4:
        say_hello(worker);
        break;
      case 5:
        say_inventory(worker);
        break;
      case 6:
      case 7:
      case 8:
        say_state(worker);
        break;
      case 9:
      case 10:
      case 11:
        say_ack(worker);
        break;
      case 12:
        say_nack(worker);
        break;
      case 13:
        to(worker, ++worker.ano, Return{some(worker)});
        break;
      case 14:
        to(worker, 0, Gap{random_.below(9), random_.below(20)});
        break;
      case 15:
        if (one_in(6)) to(worker, 0, Goodbye{});
        break;
      case 16:
        if (one_in(2)) machine_.peer_gone(worker.peer, now);
        break;
      case 17:
        machine_.cancel(Seq{1 + random_.below(raw(newest_) + 2)}, now);
        break;
      case 18:
      case 19:
        sink_answers();
        break;
      case 20:
        if (one_in(4)) machine_.sink_disconnected(0, now);
        break;
      case 21:
        if (one_in(8)) reborn(worker);
        break;
      case 22:
      case 23:
        client_.act(machine_, random_, now_);
        break;
      default:
        now_ += Duration(static_cast<std::int64_t>(random_.below(400'000'000)));
        break;
    }
    turn();
  }

  // The faults end: one good worker, a sink that takes everything.
  void heal() {
    healed_ = true;
    workers_.resize(1);
    workers_.emplace_back();
    reborn(workers_[1]);
    workers_[1].types = {"a", "b", "c"};
    workers_.erase(workers_.begin());
    FakeWorker& good = workers_[0];
    hello(good, LaneWish::inline_only);
    turn();
    to(good, ++good.chunk, Inventory{true, {}});
    turn();
    for (int i = 0; i < 400 && machine_.unsettled() > 0; ++i) {
      now_ += std::chrono::milliseconds(200);
      good.state.tasks_limit = good.received + 4;
      good.state.bytes_limit = good.received_bytes + 1000;
      to(good, ++good.states, good.state);
      Ack ack;
      for (const LeaseRef& ref : good.held)
        ack.entries.push_back({ref.seq, ref.lease, Status::done});
      for (const AckEntry& entry : ack.entries) may_settle_.insert(entry.seq);
      good.held.clear();
      if (!ack.entries.empty()) to(good, ++good.ano, ack);
      while (!outcomes_.empty()) sink_answers();
      turn();
    }
  }

  std::string fault;
  std::uint64_t spilled = 0;  // at most at once
  [[nodiscard]] std::size_t unsettled() const { return machine_.unsettled(); }
  [[nodiscard]] const DispatcherCounters& counters() const { return machine_.counters(); }

 private:
  static DispatcherOptions options(Waiting waiting) {
    DispatcherOptions options;
    if (waiting != Waiting::in_slots) options.near_tasks = 2;
    options.backlog_run = 3;
    options.backlog_bytes = 40;
    options.journal = waiting == Waiting::in_journal;
    options.timers.heartbeat = std::chrono::milliseconds(250);
    options.sinks = {"sink"};
    options.max_tasks = 30;
    options.max_lanes = 2;
    options.retry.backoff = std::chrono::milliseconds(50);
    options.retry.backoff_most = std::chrono::milliseconds(500);
    options.dedup_window = std::chrono::seconds(2);
    return options;
  }
  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }
  void fail(std::string what) {
    if (fault.empty()) fault = std::move(what);
  }

  void turn() {
    machine_.advance(now_);
    if (const auto at = machine_.next_deadline(); at && *at <= now_) fail("a deadline in the past");
    DispatcherEffects out = machine_.take_effects(now_);
    if (has_journal_ && !healed_ && one_in(10))
      machine_.not_written(out.journal);
    else
      journal_.append(out.journal);
    spilled = std::max(spilled, machine_.status(now_).spilled);
    for (const auto& m : out.to_peers)
      if (m.peer == client_.peer())
        if (const char* what = client_.deliver(m.envelope)) fail(what);
    for (const auto& m : out.to_peers)
      for (FakeWorker& worker : workers_)
        if (worker.peer == m.peer) deliver(worker, m.envelope);
    for (const auto& m : out.to_lanes)
      for (FakeWorker& worker : workers_)
        if (worker.sid == m.sid) deliver(worker, m.envelope);
    bool opening = false;
    std::uint64_t open_try = 0;
    for (const auto& m : out.to_sinks) {
      if (const auto* outcomes = std::get_if<Outcomes>(&m.envelope.message))
        for (const OutcomeEntry& entry : outcomes->entries)
          outcomes_.push_back({entry.rsn, entry.seq});
      if (std::holds_alternative<SinkOpen>(m.envelope.message)) {
        opening = true;
        open_try = m.envelope.n;
      }
    }
    const std::vector<DispatcherEffects::OpenLane> lanes = std::move(out.open_lanes);
    machine_.recycle(std::move(out));
    for (const auto& lane : lanes) {
      if (one_in(4))
        machine_.lane_failed(lane.sid, now_);
      else
        machine_.lane_opened(lane.sid, 20000, std::nullopt, now_);
    }
    if (opening) {
      SinkOpened opened;
      opened.heartbeat_ms = 1000;
      opened.dead_ms = 500'000;
      opened.max_frame = 1 << 20;
      opened.outcomes_limit = opened.bytes_limit = 1 << 20;
      machine_.receive_from_sink(0, {Sid{++sink_sid_}, open_try, opened}, now_);
    }
    look();
    if (opening || !lanes.empty()) turn();
  }

  void look() {
    if (const char* what = audit_.fault()) fail(what);
    if (live_ == audit_.live()) return;
    changed_.clear();
    std::set_difference(live_.begin(), live_.end(), audit_.live().begin(), audit_.live().end(),
                        std::back_inserter(changed_));
    for (const Seq seq : changed_) {
      if (may_settle_.count(seq) == 0) fail("a task is gone that nobody has ended");
      settled_.insert(seq);
    }
    // Numbers grow: what was not there before must be new.
    changed_.clear();
    std::set_difference(audit_.live().begin(), audit_.live().end(), live_.begin(), live_.end(),
                        std::back_inserter(changed_));
    if (!changed_.empty() && changed_.front() <= newest_) fail("a settled task is back");
    if (!audit_.live().empty()) newest_ = std::max(newest_, audit_.live().back());
    live_ = audit_.live();
  }

  void deliver(FakeWorker& worker, const Envelope& in) {
    if (const auto* welcome = std::get_if<Welcome>(&in.message)) {
      worker.sid = in.sid;
      worker.state = State{};
      worker.chunk = worker.states = worker.ano = worker.received = worker.received_bytes = 0;
      worker.ready = false;
      worker.had_session = welcome->epoch == Epoch{};
    }
    if (worker.sid != in.sid) return;
    if (const auto* verdicts = std::get_if<Verdicts>(&in.message)) {
      worker.ready = true;
      for (const VerdictEntry& v : verdicts->entries) {
        const auto at = std::find_if(worker.held.begin(), worker.held.end(),
                                     [&](const LeaseRef& ref) { return ref.seq == v.seq; });
        if (at == worker.held.end()) continue;
        if (v.verdict == Verdict::re_leased)
          at->lease = v.lease;
        else
          worker.held.erase(at);
      }
    }
    if (const auto* tasks = std::get_if<Tasks>(&in.message)) take(worker, *tasks, in.n);
  }

  void take(FakeWorker& worker, const Tasks& tasks, std::uint64_t n) {
    if (tasks.tasks_before != worker.received) fail("tasks_before is wrong");
    if (tasks.bytes_before != worker.received_bytes) fail("bytes_before is wrong");
    const bool lost = !healed_ && one_in(10);
    if (!lost && n > 0 && !one_in(20)) worker.state.lane_rx = n;
    for (const TaskEntry& task : tasks.entries) {
      ++worker.received;
      worker.received_bytes += task.payload.size();
      const std::string type(tasks.types[task.type_index]);
      if (std::count(worker.types.begin(), worker.types.end(), type) == 0)
        fail("a type that the worker does not serve");
      if (settled_.count(task.seq) > 0) fail("a settled task was sent");
      if (!leases_.insert(task.lease).second) fail("a lease number was used again");
      if (!lost) worker.held.push_back({task.seq, task.lease});
    }
    if (worker.received > worker.state.tasks_limit) fail("more tasks than the worker allowed");
    if (worker.received_bytes > worker.state.bytes_limit) fail("more bytes than it allowed");
  }

  void reborn(FakeWorker& worker) {
    worker = FakeWorker{};
    const std::uint64_t number = ++boots_;
    worker.peer = PeerId{++peers_};
    for (int i = 0; i < 8; ++i)
      worker.boot[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(number >> (8 * i));
    for (const char* type : kTypes)
      if (one_in(2)) worker.types.emplace_back(type);
  }
  void hello(FakeWorker& worker, LaneWish lanes) {
    Hello hello;
    hello.boot = worker.boot;
    hello.types = worker.types;
    hello.slots = static_cast<std::uint32_t>(1 + random_.below(3));
    hello.lanes = lanes;
    if (worker.had_session) hello.previous = PreviousSession{{}, {}, worker.sid};
    machine_.receive(worker.peer, {Sid{}, ++worker.tries, hello}, now_);
  }
  void say_hello(FakeWorker& worker) {
    if (one_in(3)) worker.peer = PeerId{++peers_};
    if (!one_in(3) && worker.ready) return;
    hello(worker, one_in(2) ? LaneWish::push : LaneWish::inline_only);
  }
  void to(FakeWorker& worker, std::uint64_t n, Message message) {
    machine_.receive(worker.peer, {worker.sid, n, std::move(message)}, now_);
  }
  std::vector<LeaseRef> some(FakeWorker& worker) {
    std::vector<LeaseRef> refs;
    for (std::size_t i = 0; i < worker.held.size();) {
      if (one_in(2)) {
        refs.push_back(worker.held[i]);
        if (!one_in(10)) {  // now and then it is said twice
          worker.held.erase(worker.held.begin() + static_cast<std::ptrdiff_t>(i));
          continue;
        }
      }
      ++i;
    }
    if (one_in(20))
      refs.push_back({Seq{random_.below(raw(newest_) + 3)}, Lease{random_.below(99)}});
    return refs;
  }
  void say_inventory(FakeWorker& worker) {
    Inventory inventory;
    inventory.last = !one_in(4);
    for (const LeaseRef& ref : worker.held)
      if (!one_in(5))
        inventory.held.push_back({ref.seq, ref.lease, static_cast<HeldState>(random_.below(5))});
    to(worker, ++worker.chunk, std::move(inventory));
  }
  void say_state(FakeWorker& worker) {
    if (!worker.ready) return say_inventory(worker);
    worker.state.tasks_limit += random_.below(4);
    worker.state.bytes_limit += random_.below(60);
    worker.state.busy_ms = one_in(5) ? random_.below(2000) : 0;
    to(worker, one_in(10) ? worker.states : ++worker.states, worker.state);
  }
  void say_ack(FakeWorker& worker) {
    Ack ack;
    for (const LeaseRef& ref : some(worker)) {
      ack.entries.push_back({ref.seq, ref.lease, static_cast<Status>(random_.below(4))});
      may_settle_.insert(ref.seq);
    }
    to(worker, ++worker.ano, std::move(ack));
  }
  void say_nack(FakeWorker& worker) {
    Nack nack;
    for (const LeaseRef& ref : some(worker))
      nack.entries.push_back({ref.seq, ref.lease, static_cast<NackReason>(1 + random_.below(11)),
                              one_in(3) ? random_.below(300) : 0, one_in(2), "broken"});
    to(worker, ++worker.ano, std::move(nack));
  }
  void submit() {
    const auto seqs = machine_.reserve(static_cast<std::uint32_t>(1 + random_.below(3)));
    if (!seqs) return;
    const std::uint64_t end = raw(machine_.status(now_).next);
    for (std::uint64_t seq = raw(*seqs); seq < end; ++seq) {
      if (one_in(20)) {
        machine_.give_up(Seq{seq}, Seq{seq});
        continue;
      }
      SubmitEntry entry;
      const std::string payload(random_.below(30), 'p');
      const std::string key = "k" + std::to_string(random_.below(50));
      entry.payload = as_bytes(payload);
      if (one_in(6)) entry.key = key;
      entry.priority = static_cast<std::uint32_t>(random_.below(3));
      entry.delay_ms = one_in(5) ? random_.below(1000) : 0;
      entry.ttl_ms = one_in(5) ? 1 + random_.below(2000) : 0;
      entry.max_attempts = static_cast<std::uint32_t>(random_.below(4));
      entry.options = SubmitOptions{0, 0, static_cast<std::uint32_t>(random_.below(4)), {}};
      // Not used otherwise: refused as a duplicate, it is simply no task.
      static_cast<void>(machine_.submit(Seq{seq}, kTypes[random_.below(3)], entry, now_));
    }
  }
  void sink_answers() {
    SinkConfirm confirm;
    const bool all = healed_ || one_in(2);
    for (const auto& [rsn, seq] : outcomes_) {
      const std::uint64_t what = healed_ ? 0 : random_.below(5);
      if (what < 3)
        confirm.stored.push_back({rsn, rsn});
      else
        confirm.exceptions.push_back(
            {rsn, what == 3 ? Code::duplicate : Code::defer, Status::done, 50});
      if (what < 4) may_settle_.insert(seq);
      if (!all) break;
    }
    outcomes_.clear();
    machine_.receive_from_sink(0, {Sid{sink_sid_}, 1, std::move(confirm)}, now_);
  }

  Random random_;
  bool has_journal_;
  sluice::test::JournalModel journal_;
  Dispatcher machine_;
  DispatcherAudit audit_{machine_};
  Time now_{std::chrono::seconds(100)};
  std::vector<FakeWorker> workers_;
  rig::FakeClient client_;
  std::vector<std::pair<Rsn, Seq>> outcomes_;
  std::vector<Seq> live_, changed_;
  std::set<Seq> may_settle_, settled_;
  Seq newest_{};
  std::set<Lease> leases_;
  std::uint64_t boots_ = 0, peers_ = 0, sink_sid_ = 1000;
  bool healed_ = false;
};

}  // namespace

TEST_SUITE("dispatcher model") {
  // Two halves: first anything may happen and only safety is asked for; then the faults end and
  // everything accepted must be settled.
  void run(Waiting waiting) {
    DispatcherCounters sum;
    std::uint64_t spilled = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
      World world(seed, waiting);
      int step = 0;
      for (; step < 500 && world.fault.empty(); ++step) world.step();
      if (world.fault.empty()) world.heal();
      INFO("seed ", seed, ", step ", step);
      REQUIRE(world.fault == "");
      REQUIRE(world.unsettled() == 0);
      for (std::size_t i = 0; i < 4; ++i) sum.settled[i] += world.counters().settled[i];
      sum.losses += world.counters().losses;
      sum.nacked += world.counters().nacked;
      sum.redelivered += world.counters().redelivered;
      sum.lane_failures += world.counters().lane_failures;
      spilled += world.spilled;
    }
    // The runs are worth something only if all this happened in them.
    for (const std::uint64_t settled : sum.settled) CHECK(settled > 100);
    CHECK(sum.losses > 100);
    CHECK(sum.nacked > 100);
    CHECK(sum.redelivered > 100);
    CHECK(sum.lane_failures > 0);
    CHECK((spilled > 100) == (waiting == Waiting::in_journal));
  }

  TEST_CASE("whatever the peers do, each task is in one place, and ends once") {
    run(Waiting::in_slots);
  }

  TEST_CASE("so it is when most tasks wait packed") { run(Waiting::packed); }

  TEST_CASE("so it is when most tasks wait in the journal") { run(Waiting::in_journal); }
}
