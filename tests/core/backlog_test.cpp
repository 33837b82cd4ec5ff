// backlog_test.cpp: what is packed comes out as it went in, from memory or from the journal.
// SPDX-License-Identifier: MIT
#include "core/backlog.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "core/random.hpp"

using namespace sluice::core;

namespace {

struct Kept {
  std::uint32_t type = 0, priority = 0;
  std::string key, payload;
  PackedTask facts;
};

// A backlog, the numbers, and what ought to be in it.
class Rig {
 public:
  explicit Rig(std::uint32_t run_tasks = 4) : backlog(numbers, standard(), 3, run_tasks) {}

  static PackedTask standard() {
    PackedTask out;
    out.max_attempts = 3;
    out.backoff_ms = 1000;
    return out;
  }

  Seq put(std::uint32_t type, std::uint32_t priority, std::string payload, std::string key = "") {
    PackedTask task = standard();
    task.seq = numbers.reserve(1);
    task.sink = static_cast<std::uint32_t>(raw(task.seq) % 3);
    return put(type, priority, task, std::move(payload), std::move(key));
  }
  Seq put(std::uint32_t type, std::uint32_t priority, const PackedTask& task, std::string payload,
          std::string key) {
    Kept& kept = tasks[task.seq] = {type, priority, std::move(key), std::move(payload), task};
    kept.facts.key = kept.key;
    kept.facts.payload = as_bytes(kept.payload);
    backlog.put(type, priority, kept.facts);
    return task.seq;
  }
  // As a turn's records are written, all of them.
  void write_all() {
    for (const auto& [seq, task] : tasks)
      if (backlog.holds(seq) && !written[seq]) {
        same(backlog.read(seq));
        backlog.written(seq);
        written[seq] = true;
      }
    backlog.spill();
  }
  void spill_beyond(std::size_t most) {
    backlog.spill_beyond(
        most, [this](SeqRange range, std::uint32_t expected, const Backlog::Visit& visit) {
          ++loads;
          std::uint32_t found = 0;
          for (auto at = tasks.lower_bound(range.first);
               at != tasks.end() && at->first <= range.last; ++at)
            found += visit(at->second.facts) ? 1U : 0U;
          CHECK(found == expected);
        });
  }
  // Opens what is at the front; what came out, in order.
  std::vector<Seq> open_front(std::uint32_t type) {
    std::vector<Seq> out;
    const auto front = backlog.front(type);
    if (!front) return out;
    backlog.open(front->run, [&](const Backlog::Entry& entry) {
      same(entry);
      CHECK(entry.priority == front->priority);
      CHECK(numbers.find(entry.task.seq) == SeqIndex::kReserved);
      out.push_back(entry.task.seq);
    });
    for (const Seq seq : out) numbers.erase(seq);
    return out;
  }
  void same(const Backlog::Entry& entry) {
    const Kept& kept = tasks.at(entry.task.seq);
    CHECK(entry.type == kept.type);
    CHECK(entry.priority == kept.priority);
    CHECK(entry.written == written[entry.task.seq]);
    CHECK(entry.task.key == kept.key);
    CHECK(as_text(entry.task.payload) == kept.payload);
    CHECK(entry.task.exec_ms == kept.facts.exec_ms);
    CHECK(entry.task.backoff_ms == kept.facts.backoff_ms);
    CHECK(entry.task.backoff_most_ms == kept.facts.backoff_most_ms);
    CHECK(entry.task.max_attempts == kept.facts.max_attempts);
    CHECK(entry.task.max_losses == kept.facts.max_losses);
    CHECK(entry.task.sink == kept.facts.sink);
    CHECK(entry.task.wanted == kept.facts.wanted);
  }

  SeqIndex numbers;
  Backlog backlog;
  std::map<Seq, Kept> tasks;
  std::map<Seq, bool> written;
  int loads = 0;
};

}  // namespace

TEST_SUITE("backlog") {
  TEST_CASE("a queue gives its tasks back in order of arrival, a run at a time") {
    Rig rig;
    std::vector<Seq> put, got;
    for (int i = 0; i < 10; ++i) put.push_back(rig.put(0, 0, "task " + std::to_string(i)));
    CHECK(rig.backlog.count() == 10);
    CHECK(rig.backlog.count(0, 0) == 10);
    for (const std::size_t size : {4U, 4U, 2U}) {
      const auto run = rig.open_front(0);
      CHECK(run.size() == size);
      got.insert(got.end(), run.begin(), run.end());
    }
    CHECK(got == put);
    CHECK(rig.backlog.count() == 0);
    CHECK(rig.backlog.bytes() == 0);
    CHECK_FALSE(rig.backlog.front(0));
  }

  TEST_CASE("higher priorities come first, and types do not meet") {
    Rig rig;
    const Seq low = rig.put(0, 1, "low");
    const Seq high = rig.put(0, 9, "high");
    const Seq other = rig.put(7, 1, "other");
    CHECK(rig.open_front(0) == std::vector{high});
    CHECK(rig.open_front(0) == std::vector{low});
    CHECK(rig.open_front(0).empty());
    CHECK(rig.backlog.count(7) == 1);
    CHECK(rig.open_front(7) == std::vector{other});
    CHECK_FALSE(rig.backlog.front(100));
  }

  TEST_CASE("what is not like most tasks comes back as it was") {
    Rig rig;
    PackedTask odd = Rig::standard();
    odd.seq = rig.numbers.reserve(1);
    odd.exec_ms = 1ULL << 40;
    odd.backoff_ms = 5;
    odd.backoff_most_ms = 77;
    odd.max_attempts = 0xffffffff;
    odd.max_losses = 9;
    odd.sink = 2;
    odd.wanted = true;
    rig.put(0, 0, odd, std::string(300, 'p'), std::string(128, 'k'));
    rig.put(0, 0, "", "key only");
    rig.put(0, 0, std::string(200'000, 'x'));  // larger than a run
    rig.put(0, 0, "after it");
    CHECK(rig.open_front(0).size() == 2);
    CHECK(rig.open_front(0).size() == 1);
    CHECK(rig.open_front(0).size() == 1);
  }

  // Numbers are promised in blocks to several submitters, who use them when they like.
  TEST_CASE("numbers may come in any order") {
    Rig rig;
    const Seq early = rig.numbers.reserve(1);
    std::vector<Seq> put{rig.put(0, 0, "a"), rig.put(0, 0, "b")};
    PackedTask task = Rig::standard();
    task.seq = early;
    put.push_back(rig.put(0, 0, task, "c", ""));
    CHECK(rig.open_front(0) == put);
  }

  TEST_CASE("one task can be taken out of the middle, and is not seen again") {
    Rig rig;
    std::vector<Seq> put;
    for (int i = 0; i < 6; ++i) put.push_back(rig.put(0, 0, std::to_string(i)));
    for (const std::size_t i : {1U, 4U, 5U}) {
      rig.backlog.take_out(put[i], [&](const Backlog::Entry& entry) {
        rig.same(entry);
        CHECK(entry.task.seq == put[i]);
      });
      CHECK_FALSE(rig.backlog.holds(put[i]));
      rig.numbers.erase(put[i]);
    }
    CHECK(rig.backlog.count() == 3);
    CHECK(rig.open_front(0) == std::vector{put[0], put[2], put[3]});
    CHECK(rig.open_front(0).empty());
  }

  TEST_CASE("a task of 64 bytes costs three more") {
    Rig rig(1'000'000);
    const std::string payload(64, 'p');
    std::size_t first_run = 0;
    for (int i = 0; i < 2000; ++i) rig.put(0, 0, payload);
    first_run = rig.open_front(0).size();
    CHECK(first_run > (Backlog::kRunBytes - 200) / 67);
  }

  TEST_CASE("runs that are written give up their bytes beyond the limit, the last ones first") {
    Rig rig;
    rig.spill_beyond(Backlog::kRunBytes + 60);  // that of the open run, and a full one's 4 * 13
    for (int i = 0; i < 20; ++i) rig.put(0, 0, "ten bytes!");
    rig.backlog.spill();
    CHECK(rig.backlog.spilled() == 0);  // the journal has none of it yet
    rig.write_all();
    CHECK(rig.backlog.bytes() + rig.backlog.spilled_bytes() == 200);
    CHECK(rig.backlog.bytes() == 40 + 40);  // the first, and the last, which is not full
    CHECK(rig.backlog.spilled() == 12);
    CHECK(rig.open_front(0).size() == 4);
    CHECK(rig.loads == 0);
    for (int i = 0; i < 4; ++i) CHECK(rig.open_front(0).size() == 4);
    CHECK(rig.loads > 1);
    CHECK(rig.backlog.spilled() == 0);
    CHECK(rig.backlog.spilled_bytes() == 0);
    CHECK(rig.backlog.bytes() == 0);
  }

  TEST_CASE("what the journal had no room for stays in memory") {
    Rig rig;
    rig.spill_beyond(0);
    std::vector<Seq> put;
    for (int i = 0; i < 5; ++i) put.push_back(rig.put(0, 0, "x"));  // a full run, and one more
    for (int i = 0; i < 4; ++i) rig.backlog.written(put[static_cast<std::size_t>(i)]);
    rig.backlog.not_written(put[2]);
    rig.backlog.spill();
    CHECK(rig.backlog.spilled() == 0);
    rig.backlog.written(put[2]);
    rig.backlog.spill();
    CHECK(rig.backlog.spilled() == 4);
  }

  TEST_CASE("whatever is put, taken, written and spilled, each task comes out once, as it was") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
      Random random(seed);
      Rig rig(static_cast<std::uint32_t>(1 + random.below(9)));
      if (random.below(3) > 0) rig.spill_beyond(random.below(300));
      std::uint64_t out = 0;
      for (int step = 0; step < 400; ++step) {
        const auto type = static_cast<std::uint32_t>(random.below(3));
        switch (random.below(10)) {
          case 0:
            out += rig.open_front(type).size();
            break;
          case 1:
            rig.write_all();
            break;
          case 2: {
            const Seq seq{1 + random.below(raw(rig.numbers.next_seq()))};
            if (!rig.backlog.holds(seq)) break;
            rig.backlog.take_out(seq, [&](const Backlog::Entry& entry) { rig.same(entry); });
            rig.numbers.erase(seq);
            ++out;
            break;
          }
          default:
            rig.put(type, static_cast<std::uint32_t>(random.below(2)),
                    std::string(random.below(90), 'p'),
                    random.below(4) == 0 ? "k" + std::to_string(step) : "");
        }
        std::uint64_t sum = 0;
        for (const std::uint32_t t : {0U, 1U, 2U}) sum += rig.backlog.count(t);
        REQUIRE(sum == rig.backlog.count());
        REQUIRE(out + sum == rig.tasks.size());
      }
      for (const std::uint32_t type : {0U, 1U, 2U})
        for (auto more = rig.open_front(type); !more.empty(); more = rig.open_front(type))
          out += more.size();
      CHECK(out == rig.tasks.size());
      CHECK(rig.backlog.bytes() + rig.backlog.spilled_bytes() == 0);
    }
  }
}
