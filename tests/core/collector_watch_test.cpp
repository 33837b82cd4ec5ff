// collector_watch_test.cpp: outcomes come back to those who wait for them, in virtual time.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <deque>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "core/collector.hpp"
#include "core/collector_audit.hpp"

using namespace sluice::core;
using namespace std::chrono_literals;

namespace {

constexpr PeerId worker{1}, ann{2}, bob{3};
constexpr Log log_a{0xA}, log_b{0xB};

// A WATCHED as its reader would see it.
struct Told {
  std::uint64_t n = 0;
  struct Entry {
    std::uint64_t seq = 0;
    Status status{};
    std::uint32_t flags = 0;
    std::string payload, type, worker;
  };
  std::vector<Entry> entries;
};

// A sink, its shell, a worker that delivers, and watchers.
struct Rig {
  explicit Rig(CollectorOptions options = {}) : collector(std::move(options), {7}, Epoch{3}) {
    deliverer = open(worker, "w1");
  }
  ~Rig() {
    CHECK(told[ann].empty());
    CHECK(told[bob].empty());
    CHECK(errors.empty());
    CHECK(lookups.empty());
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  Sid open(PeerId peer, std::string name) {
    SinkOpen hello;
    hello.name = std::move(name);
    receive(peer, Sid{}, ++tries, std::move(hello));
    turn();
    return last_sid;
  }
  void receive(PeerId from, Sid sid, std::uint64_t n, Message message) {
    collector.receive(from, Envelope{sid, n, std::move(message)}, now);
  }
  // The rest of a turn, as the shell has it.
  void turn() {
    auto effects = collector.take_effects();
    const std::vector<StoreAnswer> answers(effects.store.size(), answer);
    take(effects);
    collector.recycle(std::move(effects));
    collector.stored(answers);
    collector.advance(now);
    auto last = collector.take_effects();
    take(last);
    collector.recycle(std::move(last));
  }
  void take(Collector::Effects& effects) {
    for (const auto& send : effects.sends) {
      if (const auto* watched = std::get_if<Watched>(&send.envelope.message)) {
        Told& one = told[send.to].emplace_back();
        one.n = send.envelope.n;
        for (std::size_t i = 0; i < watched->outcomes.entries.size(); ++i) {
          const OutcomeEntry& e = watched->outcomes.entries[i];
          one.entries.push_back({raw(e.seq), e.status, e.flags, std::string(as_text(e.payload)),
                                 std::string(watched->outcomes.types.at(e.type_index)),
                                 std::string(watched->workers.at(watched->worker_index.at(i)))});
        }
      } else if (const auto* error = std::get_if<ErrorMessage>(&send.envelope.message)) {
        errors.push_back(*error);
      } else if (std::holds_alternative<SinkOpened>(send.envelope.message)) {
        last_sid = send.envelope.sid;
      }
    }
    for (const TaskKey& key : effects.lookups) lookups.push_back(key);
  }
  // The worker delivers the outcome of one task; no turn yet.
  void deliver(std::uint64_t seq, std::uint32_t flags = kOutcomeWanted,
               std::string_view payload = "r", Status status = Status::done,
               const Log& log = log_a) {
    Outcomes batch;
    batch.log = log;
    batch.epoch = Epoch{1};
    batch.types = {"resize"};
    OutcomeEntry& entry = batch.entries.emplace_back();
    entry.rsn = Rsn{++rsn};
    entry.seq = Seq{seq};
    entry.lease = Lease{seq};
    entry.attempt = 1;
    entry.status = status;
    entry.flags = flags;
    entry.payload = as_bytes(payload);
    receive(worker, deliverer, rsn, std::move(batch));
  }
  void store(std::uint64_t seq, std::uint32_t flags = kOutcomeWanted,
             std::string_view payload = "r") {
    deliver(seq, flags, payload);
    turn();
  }
  void watch(PeerId peer, Sid sid, std::vector<SeqRange> ranges, std::uint64_t seen = 0,
             const Log& log = log_a) {
    receive(peer, sid, ++watches, Watch{log, std::move(ranges), seen});
    turn();
  }
  /// The file still has the outcome.
  void find(std::uint64_t seq) {
    StoreEntry entry;
    entry.log = log_a;
    entry.outcome.seq = Seq{seq};
    entry.type = "resize";
    collector.found(entry);
    turn();
  }
  Told expect(PeerId peer) {
    REQUIRE_FALSE(told[peer].empty());
    Told first = std::move(told[peer].front());
    told[peer].pop_front();
    return first;
  }
  ErrorMessage expect_error() {
    REQUIRE_FALSE(errors.empty());
    ErrorMessage first = errors.front();
    errors.pop_front();
    return first;
  }
  void expect_lookup(std::uint64_t seq) {
    REQUIRE_FALSE(lookups.empty());
    CHECK(lookups.front() == TaskKey{log_a, Seq{seq}});
    lookups.pop_front();
  }

  Time now{1000s};
  Collector collector;
  Sid deliverer{}, last_sid{};
  StoreAnswer answer{};
  std::uint64_t tries = 0, rsn = 0, watches = 0;
  std::map<PeerId, std::deque<Told>> told;
  std::deque<ErrorMessage> errors;
  std::deque<TaskKey> lookups;
};

SeqRange one(std::uint64_t seq) { return {Seq{seq}, Seq{seq}}; }
SeqRange range(std::uint64_t first, std::uint64_t last) { return {Seq{first}, Seq{last}}; }

void check(const Told& told, std::uint64_t n, std::initializer_list<std::uint64_t> seqs) {
  CHECK(told.n == n);
  std::vector<std::uint64_t> got;
  for (const Told::Entry& entry : told.entries) got.push_back(entry.seq);
  CHECK(got == std::vector<std::uint64_t>(seqs));
}

}  // namespace

TEST_SUITE("collector_watch") {
  TEST_CASE("an outcome stored before its WATCH waits on the shelf and is sent at once") {
    Rig rig;
    rig.store(5, kOutcomeWanted, "five");
    CHECK(rig.collector.stats().shelf == 1);
    const Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {one(5)});
    const Told told = rig.expect(ann);
    check(told, 1, {5});
    CHECK(told.entries[0].payload == "five");
    CHECK(told.entries[0].type == "resize");
    CHECK(told.entries[0].worker == "w1");
    CHECK(told.entries[0].flags == kOutcomeWanted);
  }

  TEST_CASE("an outcome waited for is sent in the turn in which it is stored") {
    Rig rig;
    const Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {range(1, 3)});
    CHECK(rig.collector.stats().awaited == 3);
    rig.deliver(2);
    rig.deliver(1);
    rig.turn();
    check(rig.expect(ann), 1, {2, 1});
    rig.store(4);  // of nobody
    CHECK(rig.collector.stats().awaited == 1);
  }

  TEST_CASE("nothing is told before it is stored, and nothing of what could not be") {
    Rig rig;
    const Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {one(1), one(2)});
    rig.answer = {StoreAnswer::Code::later, 100};
    rig.store(1);
    rig.answer = {StoreAnswer::Code::never, 0};
    rig.store(2);
    CHECK(rig.collector.stats().shelf == 0);
    rig.answer = {};
    rig.store(1);
    check(rig.expect(ann), 1, {1});
    // The ventilator's own outcome for the rejected one.
    rig.deliver(2, kOutcomeWanted | kTerminal, "", Status::failed);
    rig.turn();
    CHECK(rig.expect(ann).entries.at(0).status == Status::failed);
  }

  TEST_CASE("an outcome nobody said to want is sent too, if somebody waits") {
    Rig rig;
    const Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {one(1)});
    rig.store(1, 0);
    check(rig.expect(ann), 1, {1});
    rig.store(2, 0);
    CHECK(rig.collector.stats().shelf == 1);  // until it is acknowledged; the other was never kept
  }

  TEST_CASE("what is acknowledged leaves the shelf") {
    Rig rig;
    const Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {range(1, 4)});
    rig.store(1);
    rig.store(2);
    rig.expect(ann);
    check(rig.expect(ann), 2, {2});
    CHECK(rig.collector.stats().shelf == 2);
    rig.watch(ann, sid, {}, 1);
    CHECK(rig.collector.stats().shelf == 1);
    rig.watch(ann, sid, {}, 99);  // more than was ever sent: all of it
    CHECK(rig.collector.stats().shelf == 0);
    CHECK(rig.collector.stats().shelf_bytes == 0);
  }

  // Whenever one of two who wait for the same has taken it in, it is looked up for the other.
  TEST_CASE("what is found again for others does not pile up with one who takes nothing in") {
    CollectorOptions options;
    options.watched_window_bytes = 1;
    Rig rig(options);
    const Sid slow = rig.open(ann, "slow");
    rig.watch(ann, slow, {range(1, 2)});
    rig.store(1);
    check(rig.expect(ann), 1, {1});
    rig.store(2);  // has to wait until the first is acknowledged
    for (std::uint64_t i = 0; i < 20; ++i) {
      const Sid quick = rig.open(bob, "quick");
      rig.watch(bob, quick, {one(2)});
      if (!rig.lookups.empty()) {
        rig.expect_lookup(2);
        rig.find(2);
      }
      check(rig.expect(bob), 1, {2});
      rig.watch(bob, quick, {}, 1);
    }
    CHECK(CollectorAudit(rig.collector).fault() == std::string());
    rig.watch(ann, slow, {}, 1);
    if (!rig.lookups.empty()) {
      rig.expect_lookup(2);
      rig.find(2);
    }
    check(rig.expect(ann), 2, {2});
  }

  TEST_CASE("what was sent and not acknowledged is there for the next session") {
    Rig rig;
    Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {range(1, 2)});
    rig.store(1);
    rig.expect(ann);
    rig.collector.unreachable(ann);
    CHECK(rig.collector.stats().awaited == 0);
    rig.store(2);
    sid = rig.open(bob, "c");
    rig.watch(bob, sid, {range(1, 2)});
    check(rig.expect(bob), 1, {1, 2});
  }

  TEST_CASE("two watchers of one task both get it") {
    Rig rig;
    const Sid first = rig.open(ann, "a"), second = rig.open(bob, "b");
    rig.watch(ann, first, {one(1)});
    rig.watch(bob, second, {one(1)});
    rig.store(1);
    check(rig.expect(ann), 1, {1});
    check(rig.expect(bob), 1, {1});
  }

  TEST_CASE("waiting twice for the same changes nothing") {
    Rig rig;
    const Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {one(1)});
    rig.watch(ann, sid, {one(1)});
    CHECK(rig.collector.stats().awaited == 1);
    rig.store(1);
    check(rig.expect(ann), 1, {1});
  }

  TEST_CASE("tasks of different logs come in different messages") {
    Rig rig;
    const Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {one(1)});
    rig.watch(ann, sid, {one(1)}, 0, log_b);
    rig.deliver(1, kOutcomeWanted, "a");
    rig.deliver(1, kOutcomeWanted, "b", Status::done, log_b);
    rig.turn();
    CHECK(rig.expect(ann).entries.at(0).payload == "a");
    CHECK(rig.expect(ann).entries.at(0).payload == "b");
  }

  TEST_CASE("a message carries 64 KiB, or one outcome that is larger") {
    Rig rig;
    const Sid sid = rig.open(ann, "c");
    const std::string large(100'000, 'l'), small(30'000, 's');
    rig.watch(ann, sid, {range(1, 4)});
    rig.deliver(1, kOutcomeWanted, small);
    rig.deliver(2, kOutcomeWanted, small);
    rig.deliver(3, kOutcomeWanted, large);
    rig.deliver(4, kOutcomeWanted, small);
    rig.turn();
    check(rig.expect(ann), 1, {1, 2});
    check(rig.expect(ann), 2, {3});
    check(rig.expect(ann), 3, {4});
  }

  TEST_CASE("a slow reader is sent no more than its window until it acknowledges") {
    CollectorOptions options;
    options.watched_window_bytes = 100'000;
    Rig rig(options);
    const Sid sid = rig.open(ann, "c");
    const std::string payload(60'000, 'p');
    rig.watch(ann, sid, {range(1, 4)});
    for (std::uint64_t seq = 1; seq <= 4; ++seq) rig.store(seq, kOutcomeWanted, payload);
    check(rig.expect(ann), 1, {1});
    check(rig.expect(ann), 2, {2});
    CHECK(rig.told[ann].empty());
    rig.watch(ann, sid, {}, 1);
    check(rig.expect(ann), 3, {3});
    CHECK(rig.told[ann].empty());
    rig.watch(ann, sid, {}, 3);
    check(rig.expect(ann), 4, {4});
  }

  TEST_CASE("beyond the limit of one watcher, and of all, a WATCH is BUSY, and may come again") {
    CollectorOptions options;
    options.max_awaited_each = 3;
    options.max_awaited = 5;
    Rig rig(options);
    const Sid first = rig.open(ann, "a"), second = rig.open(bob, "b");
    rig.watch(ann, first, {range(1, 3)});
    rig.watch(ann, first, {one(4)});
    const ErrorMessage busy = rig.expect_error();
    CHECK(busy.code == Code::busy);
    CHECK(busy.retry_ms > 0);
    rig.watch(bob, second, {range(11, 13)});  // the third of them is the sixth of all
    CHECK(rig.expect_error().code == Code::busy);
    CHECK(rig.collector.stats().awaited == 5);
    rig.store(1);
    rig.expect(ann);
    rig.watch(ann, first, {range(1, 4)}, 1);  // 1 has been sent and acknowledged: looked up
    CHECK(rig.expect_error().code == Code::busy);
    rig.expect_lookup(1);
  }

  TEST_CASE("a WATCH of more tasks than a message may name is refused whole") {
    Rig rig;
    const Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {range(1, 65'537)});
    CHECK(rig.expect_error().code == Code::too_large);
    rig.watch(ann, sid, {range(1, 65'535), range(70'000, 70'001)});
    CHECK(rig.expect_error().code == Code::too_large);
    rig.watch(ann, sid, {range(1, ~0ULL >> 1)});
    CHECK(rig.expect_error().code == Code::too_large);
    CHECK(rig.collector.stats().awaited == 0);
    rig.watch(ann, sid, {range(1, 65'536)});
    CHECK(rig.collector.stats().awaited == 65'536);
  }

  TEST_CASE("what the sink knows only from its file is looked up, once, and sent") {
    Rig rig;
    rig.collector.restore(log_a, Seq{1}, Status::failed);
    const Sid first = rig.open(ann, "a"), second = rig.open(bob, "b");
    rig.watch(ann, first, {one(1)});
    rig.expect_lookup(1);
    rig.watch(bob, second, {one(1)});
    CHECK(rig.lookups.empty());
    StoreEntry entry;
    entry.log = log_a;
    entry.type = "resize";
    entry.producer = "w9";
    entry.outcome.seq = Seq{1};
    entry.outcome.status = Status::failed;
    entry.outcome.payload = as_bytes("from the file");
    rig.collector.found(entry);
    rig.turn();
    const Told told = rig.expect(ann);
    CHECK(told.entries.at(0).payload == "from the file");
    CHECK(told.entries.at(0).worker == "w9");
    check(rig.expect(bob), 1, {1});
  }

  TEST_CASE("what is nowhere any more is told with its status, and so it is marked") {
    Rig rig;
    rig.collector.restore(log_a, Seq{1}, Status::cancelled);
    const Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {one(1)});
    rig.expect_lookup(1);
    rig.collector.not_found({log_a, Seq{1}});
    rig.turn();
    const Told told = rig.expect(ann);
    check(told, 1, {1});
    CHECK(told.entries[0].flags == kContentGone);
    CHECK(told.entries[0].status == Status::cancelled);
  }

  TEST_CASE("below the floor not even the status is known") {
    Rig rig;
    rig.collector.restore(log_a, Seq{1}, Status::cancelled);
    rig.collector.restore(log_a, Seq{2}, Status::done);
    rig.receive(worker, rig.deliverer, 9, Floor{log_a, Seq{3}});
    const Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {one(1)});
    rig.expect_lookup(1);
    rig.collector.not_found({log_a, Seq{1}});
    rig.turn();
    CHECK(rig.expect(ann).entries.at(0).flags == (kContentGone | kStatusGone));
  }

  TEST_CASE("what was pushed off the shelf before it could be sent is looked up") {
    CollectorOptions options;
    options.watched_window_bytes = 1;  // one message at a time
    options.shelf_bytes = 3 * WatchShelf::kItemCost;
    Rig rig(options);
    const Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {range(1, 2)});
    rig.store(1);
    rig.store(2);
    check(rig.expect(ann), 1, {1});
    for (std::uint64_t seq = 3; seq <= 5; ++seq) rig.store(seq);
    rig.watch(ann, sid, {}, 1);
    rig.expect_lookup(2);
  }

  TEST_CASE("an answer to a lookup that nobody waits for any more is dropped") {
    Rig rig;
    rig.collector.restore(log_a, Seq{1}, Status::done);
    const Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {one(1)});
    rig.expect_lookup(1);
    rig.collector.unreachable(ann);
    rig.collector.not_found({log_a, Seq{1}});
    rig.turn();
    CHECK(rig.collector.stats().shelf == 0);
  }

  TEST_CASE("a watcher that sends no outcomes lives by its beats, and is forgotten without") {
    Rig rig;
    const Sid sid = rig.open(ann, "c");
    rig.watch(ann, sid, {one(1)});
    for (int i = 0; i < 5; ++i) {
      rig.now += 5s;
      rig.receive(ann, sid, 100, SinkBeat{});
      rig.receive(worker, rig.deliverer, 100, SinkBeat{});
      rig.turn();
    }
    CHECK(rig.collector.stats().awaited == 1);
    rig.now += 8s;
    rig.turn();
    CHECK(rig.collector.stats().awaited == 0);
    CHECK(rig.collector.stats().producers == 0);
  }
}
