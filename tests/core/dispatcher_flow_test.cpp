// dispatcher_flow_test.cpp: a steady flow of tasks allocates nothing per task.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>

#include "core/dispatcher.hpp"

namespace {

std::atomic<std::uint64_t> allocations{0};

}  // namespace

// For the whole test program: as always, but counted.
void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace sluice::core;

namespace {

constexpr std::uint32_t kTasks = 700;

// Submits, leases and acks 700 tasks a round, with two inline workers.
class Flow {
 public:
  Flow() : machine_(DispatcherOptions{}, {}, 1) {
    for (std::uint64_t i = 0; i < 2; ++i) {
      Hello hello;
      hello.boot[0] = static_cast<std::uint8_t>(i + 1);
      hello.types = {"t"};
      hello.slots = 8;
      hello.lanes = LaneWish::inline_only;
      machine_.receive(PeerId{i}, {Sid{}, 1, hello}, now_);
      collect();
      machine_.receive(PeerId{i}, {sids_[i], 1, Inventory{}}, now_);
      collect();
    }
  }

  void round() {
    now_ += std::chrono::microseconds(100);
    ++number_;
    for (std::uint64_t i = 0; i < 2; ++i) {
      State state;
      state.tasks_limit = state.lane_rx = number_ * kTasks;
      state.bytes_limit = number_ * kTasks * 100;
      machine_.receive(PeerId{i}, {sids_[i], number_, state}, now_);
    }
    const auto first = machine_.reserve(kTasks);
    REQUIRE(first);
    SubmitEntry entry;
    entry.payload = as_bytes("some ten bytes of payload, or a few more");
    for (std::uint32_t i = 0; i < kTasks; ++i)
      static_cast<void>(machine_.submit(static_cast<Seq>(raw(*first) + i), "t", entry, now_));
    collect();
    for (std::uint64_t i = 0; i < 2; ++i) {
      acks_[i].n = number_;
      acks_[i].sid = sids_[i];
      machine_.receive(PeerId{i}, acks_[i], now_);
      std::get<Ack>(acks_[i].message).entries.clear();
    }
    collect();
  }
  [[nodiscard]] std::size_t unsettled() const { return machine_.unsettled(); }

 private:
  void collect() {
    machine_.advance(now_);
    DispatcherEffects out = machine_.take_effects(now_);
    for (const auto& m : out.to_peers) {
      if (std::holds_alternative<Welcome>(m.envelope.message))
        sids_[raw(m.peer)] = m.envelope.sid;
      if (const auto* tasks = std::get_if<Tasks>(&m.envelope.message))
        for (const TaskEntry& task : tasks->entries)
          std::get<Ack>(acks_[raw(m.peer)].message)
              .entries.push_back({task.seq, task.lease, Status::done});
    }
    machine_.recycle(std::move(out));
  }

  Dispatcher machine_;
  Time now_{std::chrono::seconds(10)};
  std::uint64_t number_ = 0;
  Sid sids_[2] = {};
  Envelope acks_[2] = {{{}, 0, Ack{}}, {{}, 0, Ack{}}};
};

}  // namespace

TEST_SUITE("dispatcher flow") {
  TEST_CASE("a steady flow allocates nothing per task") {
    Flow flow;
    for (int i = 0; i < 100; ++i) flow.round();
    constexpr std::uint64_t kRounds = 200;
    const std::uint64_t before = allocations;
    for (std::uint64_t i = 0; i < kRounds; ++i) flow.round();
    const std::uint64_t count = allocations - before;
    CHECK(flow.unsettled() == 0);
    CHECK(count < kRounds * 2);
  }
}
