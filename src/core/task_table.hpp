// task_table.hpp: the unsettled tasks of a ventilator that have a slot.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/chunk.hpp"
#include "core/ids.hpp"
#include "core/seq_index.hpp"
#include "core/time.hpp"

namespace sluice::core {

using TaskSlot = std::uint32_t;
inline constexpr TaskSlot kNoTask = 0xffffffffU;
inline constexpr std::uint32_t kNoSession = 0xffffffffU;

enum class TaskState : std::uint8_t { free, ready, delayed, leased, settling };

/// What the journal knows of a task: nothing yet (it goes there at the end of the turn), all,
/// or an earlier state. Without a journal all tasks stay `unknown`.
enum class Journaled : std::uint8_t { unknown, current, outdated };

/// One unsettled task. `body` holds the key, then the payload.
struct TaskRecord {
  Seq seq{};
  Lease lease{};            ///< the current one; 0 when not leased
  TaskSlot prev = kNoTask;  ///< neighbours in the list it is on: a ready queue,
  TaskSlot next = kNoTask;  ///< or what a session holds, in lane order
  std::uint32_t session = kNoSession;
  std::uint32_t type = 0;
  std::uint32_t sink = 0;
  std::uint32_t priority = 0;
  std::uint32_t executions = 0;  ///< dispatches that started, or may have
  std::uint32_t failures = 0;
  std::uint32_t losses = 0;
  std::uint32_t max_attempts = 0;
  std::uint32_t max_losses = 0;
  std::uint32_t timer = 0;   ///< a timer of another number is stale
  std::uint64_t lane_n = 0;  ///< number of the TASKS message that carried it
  std::uint64_t exec_ms = 0;
  std::uint64_t backoff_ms = 0;
  std::uint64_t backoff_most_ms = 0;
  Time leased_at{};
  Time expires{};   ///< zero: never
  Time ready_at{};  ///< when delayed by an alarm: until then
  TaskState state = TaskState::free;
  bool cancel_requested = false;
  bool wanted = false;            ///< its submitter waits for the outcome
  bool suspect = false;           ///< workers died with it: its next run is a trial, alone
  bool in_inventory = false;      ///< its worker said, after a reconnect, that it has it
  bool awaits_inventory = false;  ///< of another life: a worker may hold it, and has not said so
  Journaled journaled = Journaled::unknown;
  std::uint16_t key_bytes = 0;
  Slice body;

  [[nodiscard]] std::string_view key() const { return as_text(body.bytes().first(key_bytes)); }
  [[nodiscard]] Bytes payload() const { return body.bytes().subspan(key_bytes); }
};

/// A doubly linked list through the records of a TaskTable.
struct TaskList {
  TaskSlot head = kNoTask;
  TaskSlot tail = kNoTask;
  std::uint32_t count = 0;
};

/// The slots, with a free list: a task keeps its slot from submit to settle.
class TaskTable {
 public:
  /// A fresh record for a number that was reserved. Its body is copied.
  TaskSlot add(Seq seq, std::string_view key, Bytes payload);
  /// Gives the slot and the number up. The task must be on no list.
  void remove(TaskSlot slot);

  [[nodiscard]] TaskRecord& operator[](TaskSlot slot) { return records_[slot]; }
  [[nodiscard]] const TaskRecord& operator[](TaskSlot slot) const { return records_[slot]; }
  /// kNoTask when it is unknown, settled, only reserved, or in the backlog.
  [[nodiscard]] TaskSlot find(Seq seq) const;
  [[nodiscard]] SeqIndex& numbers() { return numbers_; }
  [[nodiscard]] const SeqIndex& numbers() const { return numbers_; }

  [[nodiscard]] std::size_t count() const { return count_; }
  /// Slots below this one are in use, or free.
  [[nodiscard]] TaskSlot slot_end() const { return static_cast<TaskSlot>(records_.size()); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  void push_back(TaskList& list, TaskSlot slot);
  void push_front(TaskList& list, TaskSlot slot);
  void unlink(TaskList& list, TaskSlot slot);

 private:
  ChunkPool pool_;  // before the records: their slices return to it
  std::vector<TaskRecord> records_;
  std::vector<TaskSlot> free_;
  SeqIndex numbers_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace sluice::core
