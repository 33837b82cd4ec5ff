// held_tasks.hpp: every task a worker has and has not been let off.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/chunk.hpp"
#include "core/ids.hpp"
#include "core/message.hpp"
#include "core/time.hpp"

namespace sluice::core {

/// Names a task within its worker: generation << 32 | place. A handle of a task that is
/// gone finds nothing, whatever has its place now.
enum class TaskHandle : std::uint64_t {};

/// Where a held task stands. All but `queued` and `pooled` is as in INVENTORY.
///
///   queued <--> pooled --> running --> unconfirmed --> ack_open --> gone
///      \___________\___________\_____> nack_open ___________________/
enum class TaskPhase : std::uint8_t {
  queued,       ///< not started; the core's own queue has it
  pooled,       ///< not started, as far as is known; an executor may claim it any moment
  running,
  unconfirmed,  ///< its outcome is on the way to the sink
  ack_open,     ///< the sink has it; ACK until ACKED
  nack_open,    ///< NACK or RETURN until ACKED
};

struct Held {
  Seq seq{};
  Lease lease{};
  Epoch epoch{};  ///< of the lease
  std::uint32_t attempt = 1, flags = 0;
  std::uint32_t type = 0;  ///< index into the worker's types
  std::uint32_t link = 0;  ///< which sink gets the outcome
  std::uint64_t exec_ms = 0;
  Time received{};
  Time expires = Time::max();  ///< not to be started from then on
  Slice bytes;                 ///< key, payload; dropped when the task has run
  std::uint32_t key_size = 0;
  TaskPhase phase = TaskPhase::queued;

  bool cancel_wanted = false;  ///< the ventilator asked
  bool stop_wanted = false;    ///< this worker stops now
  bool disowned = false;       ///< another has its lease: an outcome still counts, a NACK does not
  bool orphaned = false;       ///< settled, or its ventilator is no more: nobody wants to hear

  // ack_open: what the sink holds. nack_open: what is said, and why.
  Status stored{};
  NackReason reason{};
  bool returned = false;  ///< RETURN rather than NACK
  bool started = false;
  std::uint64_t retry_ms = 0;
  Slice note;

  [[nodiscard]] std::string_view key() const {
    return as_text(bytes.bytes().first(key_size));
  }
  [[nodiscard]] Bytes payload() const { return bytes.bytes().subspan(key_size); }
};

/// A slot map: adding and erasing cost no allocation in a steady flow.
class HeldTasks {
 public:
  struct Place {
    Held task;
    std::uint32_t generation = 0;
    bool used = false;
  };

  /// The task gets the phase queued. `key` and `payload` are copied.
  TaskHandle add(const TaskEntry& entry, Time now);
  /// Null if it is gone.
  [[nodiscard]] Held* find(TaskHandle handle);
  void erase(TaskHandle handle);
  void set_phase(Held& task, TaskPhase phase);
  /// The executors are done with its key and payload.
  void drop_bytes(Held& task);
  /// Keeps what went wrong, cut to 512 bytes.
  void set_note(Held& task, std::string_view text);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t count(TaskPhase phase) const {
    return counts_[static_cast<std::size_t>(phase)];
  }
  /// Not started: queued or pooled.
  [[nodiscard]] std::size_t unstarted() const {
    return count(TaskPhase::queued) + count(TaskPhase::pooled);
  }
  /// Bytes of keys and payloads held.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  /// Calls each(handle, task) in the order of places. It may erase that one task.
  template <typename Each>
  void for_each(Each&& each) {
    for (std::size_t i = 0; i < places_.size(); ++i)
      if (places_[i].used) each(handle_of(i), places_[i].task);
  }

  /// All of them by seq, for many look-ups at a time.
  [[nodiscard]] std::vector<std::pair<Seq, TaskHandle>> by_seq();

 private:
  [[nodiscard]] TaskHandle handle_of(std::size_t place) const {
    return static_cast<TaskHandle>(std::uint64_t{places_[place].generation} << 32 | place);
  }

  ChunkPool chunks_;  // before the places: outlives their slices
  std::vector<Place> places_;
  std::vector<std::uint32_t> free_;
  std::array<std::size_t, 6> counts_{};
  std::size_t size_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace sluice::core
