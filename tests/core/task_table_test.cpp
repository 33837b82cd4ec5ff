// task_table_test.cpp: slots of tasks and the lists through them.
// SPDX-License-Identifier: MIT
#include "core/task_table.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace sluice::core;

namespace {

TaskSlot add(TaskTable& table, std::string_view key = "", std::string_view payload = "") {
  const TaskSlot slot = table.add(table.numbers().reserve(1), key, as_bytes(payload));
  table[slot].state = TaskState::delayed;
  return slot;
}
std::vector<TaskSlot> forwards(const TaskTable& table, const TaskList& list) {
  std::vector<TaskSlot> slots;
  for (TaskSlot s = list.head; s != kNoTask; s = table[s].next) slots.push_back(s);
  return slots;
}
std::vector<TaskSlot> backwards(const TaskTable& table, const TaskList& list) {
  std::vector<TaskSlot> slots;
  for (TaskSlot s = list.tail; s != kNoTask; s = table[s].prev) slots.push_back(s);
  return slots;
}

}  // namespace

TEST_SUITE("task table") {
  TEST_CASE("a task is found by its number from submit to settle") {
    TaskTable table;
    const TaskSlot slot = add(table, "key", "payload");
    CHECK(table.find(Seq{1}) == slot);
    CHECK(table[slot].key() == "key");
    CHECK(as_text(table[slot].payload()) == "payload");
    CHECK(table.count() == 1);
    CHECK(table.bytes() == 10);
    table.remove(slot);
    CHECK(table.find(Seq{1}) == kNoTask);
    CHECK(table.count() == 0);
    CHECK(table.bytes() == 0);
  }

  TEST_CASE("a number only promised is not a task") {
    TaskTable table;
    const Seq seq = table.numbers().reserve(1);
    CHECK(table.find(seq) == kNoTask);
    CHECK(table.find(Seq{0}) == kNoTask);
    CHECK(table.find(Seq{2}) == kNoTask);
  }

  TEST_CASE("a slot used again is as new, but old timers do not fit it") {
    TaskTable table;
    const TaskSlot slot = add(table, "key", "payload");
    const std::uint32_t timer = table[slot].timer;
    table[slot].losses = 2;
    table[slot].cancel_requested = true;
    table.remove(slot);
    CHECK(add(table) == slot);
    CHECK(table[slot].seq == Seq{2});
    CHECK(table[slot].losses == 0);
    CHECK_FALSE(table[slot].cancel_requested);
    CHECK(table[slot].timer > timer);
    CHECK(table[slot].key().empty());
    CHECK(table[slot].payload().empty());
  }

  TEST_CASE("lists take tasks at both ends and lose them anywhere") {
    TaskTable table;
    TaskList list;
    const TaskSlot a = add(table), b = add(table), c = add(table), d = add(table);
    table.push_back(list, b);
    table.push_back(list, c);
    table.push_front(list, a);
    table.push_back(list, d);
    CHECK(forwards(table, list) == std::vector<TaskSlot>{a, b, c, d});
    CHECK(backwards(table, list) == std::vector<TaskSlot>{d, c, b, a});
    table.unlink(list, c);
    table.unlink(list, a);
    CHECK(forwards(table, list) == std::vector<TaskSlot>{b, d});
    table.unlink(list, d);
    CHECK(backwards(table, list) == std::vector<TaskSlot>{b});
    table.unlink(list, b);
    CHECK(list.head == kNoTask);
    CHECK(list.tail == kNoTask);
    CHECK(list.count == 0);
    table.remove(b);
  }
}
