// held_tasks_test.cpp: places of tasks are used again, handles are not.
// SPDX-License-Identifier: MIT
#include "core/held_tasks.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/ring.hpp"
#include "core/runner_acks.hpp"

namespace sluice::core {
namespace {

using namespace std::chrono_literals;

TaskEntry entry_of(std::uint64_t seq, std::string_view payload = "args") {
  TaskEntry entry;
  entry.seq = Seq{seq};
  entry.lease = Lease{seq + 1000};
  entry.key = "key";
  entry.payload = as_bytes(payload);
  return entry;
}

TEST_SUITE_BEGIN("held_tasks");

TEST_CASE("a task's bytes are its own") {
  HeldTasks held;
  std::string payload = "args";
  const TaskHandle handle = held.add(entry_of(1, payload), Time{});
  payload = "gone";
  const Held* task = held.find(handle);
  REQUIRE(task != nullptr);
  CHECK(task->key() == "key");
  CHECK(as_text(task->payload()) == "args");
  CHECK(held.bytes() == 7);
}

TEST_CASE("a handle of a task that is gone finds nothing, whatever has its place now") {
  HeldTasks held;
  const TaskHandle first = held.add(entry_of(1), Time{});
  held.erase(first);
  const TaskHandle second = held.add(entry_of(2), Time{});
  CHECK(held.find(first) == nullptr);
  CHECK(held.find(second)->seq == Seq{2});
  CHECK((raw(first) & 0xffffffff) == (raw(second) & 0xffffffff));
  CHECK(held.find(TaskHandle{12345}) == nullptr);
}

TEST_CASE("it counts how many tasks stand where") {
  HeldTasks held;
  const TaskHandle a = held.add(entry_of(1), Time{});
  const TaskHandle b = held.add(entry_of(2), Time{});
  held.set_phase(*held.find(a), TaskPhase::pooled);
  CHECK(held.unstarted() == 2);
  held.set_phase(*held.find(a), TaskPhase::running);
  CHECK(held.unstarted() == 1);
  CHECK(held.count(TaskPhase::running) == 1);
  held.erase(b);
  CHECK(held.unstarted() == 0);
  CHECK(held.size() == 1);
  held.drop_bytes(*held.find(a));
  CHECK(held.bytes() == 0);
  held.erase(a);
  CHECK(held.size() == 0);
}

TEST_CASE("a time to live counts from the task's arrival; none is for ever") {
  HeldTasks held;
  TaskEntry entry = entry_of(1);
  CHECK(held.find(held.add(entry, Time{1s}))->expires == Time::max());
  entry.ttl_ms = 50;
  CHECK(held.find(held.add(entry, Time{1s}))->expires == Time{1050ms});
  entry.ttl_ms = ~std::uint64_t{0} >> 1;
  CHECK(held.find(held.add(entry, Time{1s}))->expires > Time{1s});
}

TEST_CASE("a note is cut to what the wire takes") {
  HeldTasks held;
  const TaskHandle handle = held.add(entry_of(1), Time{});
  held.set_note(*held.find(handle), std::string(600, 'x'));
  CHECK(held.find(handle)->note.size() == 512);
}

TEST_CASE("many can be looked up by seq") {
  HeldTasks held;
  for (const std::uint64_t seq : {5UL, 3UL, 9UL, 1UL}) held.add(entry_of(seq), Time{});
  const auto all = held.by_seq();
  REQUIRE(all.size() == 4);
  CHECK(all[0].first == Seq{1});
  CHECK(all[3].first == Seq{9});
  CHECK(held.find(all[3].second)->seq == Seq{9});
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("ring");

TEST_CASE("a ring keeps its order through growth and both ends") {
  Ring<int> ring;
  for (int i = 0; i < 10; ++i) ring.push_back(i);
  for (int i = 0; i < 8; ++i) ring.pop_front();
  for (int i = 10; i < 40; ++i) ring.push_back(i);
  ring.push_front(7);
  REQUIRE(ring.size() == 33);
  for (int i = 0; i < 33; ++i) CHECK(ring[static_cast<std::size_t>(i)] == i + 7);
  ring.clear();
  CHECK(ring.empty());
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("runner_acks");

struct Acks {
  TaskHandle add(std::uint64_t seq, TaskPhase phase, bool returned = false) {
    const TaskHandle handle = held.add(entry_of(seq), Time{});
    Held& task = *held.find(handle);
    task.returned = returned;
    held.set_phase(task, phase);
    acks.add(handle, task);
    return handle;
  }
  std::vector<Envelope> flush(std::uint64_t max_entries = 4096) {
    std::vector<Envelope> out;
    acks.flush(held, Sid{7}, max_entries, pool, out);
    return out;
  }
  HeldTasks held;
  RunnerAcks acks;
  EntryPool pool;
};

TEST_CASE("acks, nacks and returns share one row of numbers") {
  Acks rig;
  rig.add(1, TaskPhase::ack_open);
  rig.add(2, TaskPhase::nack_open);
  rig.add(3, TaskPhase::nack_open, true);
  const auto out = rig.flush();
  REQUIRE(out.size() == 3);
  CHECK(std::holds_alternative<Ack>(out[0].message));
  CHECK(std::holds_alternative<Nack>(out[1].message));
  CHECK(std::holds_alternative<Return>(out[2].message));
  for (std::size_t i = 0; i < 3; ++i) CHECK(out[i].n == i + 1);
  CHECK(out[0].sid == Sid{7});
  CHECK(rig.flush().empty());
}

// "84 ACKED | cumulative ano".
TEST_CASE("ACKED lets go of everything up to its number") {
  Acks rig;
  rig.add(1, TaskPhase::ack_open);
  (void)rig.flush();
  rig.add(2, TaskPhase::ack_open);
  (void)rig.flush();
  rig.add(3, TaskPhase::ack_open);
  (void)rig.flush();
  rig.acks.acked(2, rig.held);
  CHECK(rig.held.size() == 1);
  rig.acks.acked(2, rig.held);
  CHECK(rig.held.size() == 1);
  rig.acks.acked(99, rig.held);
  CHECK(rig.held.size() == 0);
  CHECK(rig.acks.empty());
}

TEST_CASE("what is open when a session ends is told again from number 1") {
  Acks rig;
  rig.add(1, TaskPhase::ack_open);
  (void)rig.flush();
  rig.add(2, TaskPhase::nack_open, true);  // never told
  rig.acks.end_session();
  CHECK(rig.flush().empty());
  rig.acks.begin_session(rig.held);
  const auto out = rig.flush();
  REQUIRE(out.size() == 2);
  CHECK(out[0].n == 1);
  CHECK(std::get<Ack>(out[0].message).entries[0].seq == Seq{1});
  CHECK(std::get<Return>(out[1].message).entries[0].seq == Seq{2});
}

TEST_CASE("no message has more entries than the ventilator takes, nor a NACK more text") {
  Acks rig;
  for (std::uint64_t seq = 1; seq <= 5; ++seq) rig.add(seq, TaskPhase::ack_open);
  CHECK(rig.flush(2).size() == 3);
  for (std::uint64_t seq = 6; seq <= 205; ++seq) {
    const TaskHandle handle = rig.add(seq, TaskPhase::nack_open);
    rig.held.set_note(*rig.held.find(handle), std::string(512, 'x'));
  }
  const auto out = rig.flush();
  CHECK(out.size() > 1);
  for (const Envelope& envelope : out) {
    std::size_t bytes = 0;
    for (const NackEntry& entry : std::get<Nack>(envelope.message).entries)
      bytes += entry.text.size();
    CHECK(bytes <= 48 * 1024);
  }
}

TEST_SUITE_END();

}  // namespace
}  // namespace sluice::core
