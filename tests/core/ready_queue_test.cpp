// ready_queue_test.cpp: strict priorities, and order of arrival within one.
// SPDX-License-Identifier: MIT
#include "core/ready_queue.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace sluice::core;

namespace {

struct Fixture {
  TaskTable table;
  ReadyQueue queue;
  TaskSlot add(std::uint32_t priority) {
    const TaskSlot slot = table.add(table.numbers().reserve(1), "", {});
    table[slot].priority = priority;
    return slot;
  }
  std::vector<TaskSlot> drain() {
    std::vector<TaskSlot> slots;
    while (queue.front() != kNoTask) {
      slots.push_back(queue.front());
      queue.unlink(table, slots.back());
    }
    return slots;
  }
};

}  // namespace

TEST_SUITE("ready queue") {
  TEST_CASE("higher priorities go first, then who came first") {
    Fixture f;
    std::vector<TaskSlot> slots;
    for (const std::uint32_t priority : {1U, 5U, 0U, 5U, 1U}) {
      slots.push_back(f.add(priority));
      f.queue.push_back(f.table, slots.back());
    }
    CHECK(f.queue.count() == 5);
    CHECK(f.drain() == std::vector<TaskSlot>{slots[1], slots[3], slots[0], slots[4], slots[2]});
    CHECK(f.queue.count() == 0);
  }

  TEST_CASE("a redelivered task is first of its priority, not of all") {
    Fixture f;
    const TaskSlot high = f.add(9), old = f.add(3), fresh = f.add(3);
    f.queue.push_back(f.table, fresh);
    f.queue.push_back(f.table, high);
    f.queue.push_front(f.table, old);
    CHECK(f.drain() == std::vector<TaskSlot>{high, old, fresh});
  }

  TEST_CASE("a task leaves from the middle, and a priority with its last task") {
    Fixture f;
    std::vector<TaskSlot> slots;
    for (std::uint32_t i = 0; i < 300; ++i) {
      slots.push_back(f.add(i % 100));
      f.queue.push_back(f.table, slots.back());
    }
    for (std::uint32_t i = 0; i < 300; ++i)
      if (i % 100 != 42) f.queue.unlink(f.table, slots[i]);
    CHECK(f.queue.count() == 3);
    f.queue.unlink(f.table, slots[142]);
    CHECK(f.drain() == std::vector<TaskSlot>{slots[42], slots[242]});
    f.queue.push_back(f.table, slots[7]);
    CHECK(f.drain() == std::vector<TaskSlot>{slots[7]});
  }
}
