// backlog.hpp: tasks that wait far behind others, packed, without slots.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "core/chunk.hpp"
#include "core/ids.hpp"
#include "core/journal_record.hpp"
#include "core/message.hpp"
#include "core/seq_index.hpp"

namespace sluice::core {

/// What is kept of a task that was taken and to which nothing has happened yet. Its type and
/// priority are those of its queue.
struct PackedTask {
  Seq seq{};
  std::string_view key;
  Bytes payload;
  std::uint64_t exec_ms = 0;
  std::uint64_t backoff_ms = 0;
  std::uint64_t backoff_most_ms = 0;
  std::uint32_t max_attempts = 0;
  std::uint32_t max_losses = 0;
  std::uint32_t sink = 0;
  bool wanted = false;

  [[nodiscard]] std::size_t bytes() const { return key.size() + payload.size(); }
};

/// What the journal has of it.
[[nodiscard]] PackedTask packed(const JournalTask& task);

/// The long tails of the ready queues, by type and priority, in order of arrival.
///
/// A task here costs its bytes and some 7 more (a slot: 200): 3 of them in a run of up to 64 KiB, 4
/// in the index of numbers, which leads to the run. With a journal, runs that it holds give up
/// their bytes when there are too many: then a task is 4 bytes in memory, and its run is read
/// back when its turn comes. A run that is opened leaves the backlog as a whole.
class Backlog {
 public:
  using Run = std::uint32_t;
  /// Shows the unsettled tasks of a range of numbers, as the journal has them, to `visit`, which
  /// says whether it was one of those looked for: there are `expected` of them. Throws if it
  /// cannot.
  using Visit = std::function<bool(const PackedTask&)>;
  using Loader = std::function<void(SeqRange range, std::uint32_t expected, const Visit& visit)>;
  /// A run ends at so many bytes; a larger task is one by itself.
  static constexpr std::size_t kRunBytes = 64 * 1024;

  /// `standard` is what most tasks are like (its policy): what is alike takes no room. A run ends
  /// at `run_tasks`.
  Backlog(SeqIndex& numbers, const PackedTask& standard, std::uint32_t sinks,
          std::uint32_t run_tasks);

  /// From now on runs that are in the journal give up their bytes beyond `most` bytes of memory.
  void spill_beyond(std::size_t most, Loader loader);

  /// Takes a task in at the end of its queue. Its number was promised, or is in use elsewhere.
  void put(std::uint32_t type, std::uint32_t priority, const PackedTask& task);
  /// The same of one that the journal holds, as it is replayed: its bytes stay there.
  void put_written(std::uint32_t type, std::uint32_t priority, const PackedTask& task);

  struct Front {
    Run run = 0;
    std::uint32_t priority = 0;
    Seq first{};  ///< of the oldest task in it
  };
  /// The next run of a type, highest priority first.
  [[nodiscard]] std::optional<Front> front(std::uint32_t type);
  /// Tasks of this queue.
  [[nodiscard]] std::uint64_t count(std::uint32_t type, std::uint32_t priority) const;
  [[nodiscard]] std::uint64_t count(std::uint32_t type) const;

  /// Takes a run out: each of its tasks is handed over, in order.
  /// Its number leads nowhere until the visitor gives it another place, at once. The views
  /// are good for the call.
  struct Entry {
    std::uint32_t type = 0, priority = 0;
    bool written = false;  ///< the journal has it
    PackedTask task;
  };
  using Take = std::function<void(const Entry&)>;
  void open(Run run, const Take& take);
  /// The same of one task. It must be here.
  void take_out(Seq seq, const Take& take);

  [[nodiscard]] bool holds(Seq seq) const { return SeqIndex::is_far(numbers_.find(seq)); }
  /// A task whose bytes are in memory, which they are until it is written; good until it leaves or
  /// spill(). Cheap if asked in order of arrival.
  [[nodiscard]] Entry read(Seq seq);
  /// The journal is given this task now ...
  void written(Seq seq);
  /// ... and had no room for it.
  void not_written(Seq seq);
  /// Gives bytes up. Nobody looks at records of earlier turns any more.
  void spill();

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// Of keys and payloads in memory.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Of those in the journal only.
  [[nodiscard]] std::uint64_t spilled_bytes() const { return spilled_bytes_; }
  [[nodiscard]] std::uint64_t spilled() const { return spilled_; }

 private:
  friend class DispatcherAudit;
  struct Body {
    std::uint32_t type = 0, priority = 0;
    Seq first{}, low{}, high{};   // the oldest, the least and the greatest number
    std::uint64_t last = 0;       // the number packed last
    std::uint32_t entries = 0;    // taken out ones too
    std::uint32_t tasks = 0;      // not taken out
    std::uint32_t unwritten = 0;  // of `tasks`
    std::uint64_t bytes = 0;      // of keys and payloads of `tasks`
    bool closed = false;          // takes nothing more
    bool in_memory = true;
    std::vector<std::byte> packed;
  };
  struct Cursor {
    std::size_t at = 0;
    std::uint64_t last = 0;
  };
  struct Level {
    std::uint32_t priority = 0;
    std::uint64_t count = 0;
    std::deque<Run> runs;
  };
  struct Queue {
    std::uint64_t count = 0;
    std::vector<Level> levels;  // highest first
  };
  Level& level(std::uint32_t type, std::uint32_t priority);
  [[nodiscard]] const Level* find_level(std::uint32_t type, std::uint32_t priority) const;
  Run run_for(Level& level, std::uint32_t type, std::size_t bytes, bool in_memory);
  void add(std::uint32_t type, std::uint32_t priority, const PackedTask& task, bool in_memory);
  void pack(Body& body, const PackedTask& task);
  void unpack(const Body& body, Cursor& at, PackedTask& task) const;
  bool each(Run run, const std::function<bool(const PackedTask&)>& visit);
  Entry leave(Run run, const PackedTask& task);
  void close(Run run);
  void give_up(Run run);
  void drop_bytes(Run run);
  [[nodiscard]] Run run_of(Seq seq) const;
  void set_written(Seq seq, bool is_written);

  SeqIndex& numbers_;
  PackedTask standard_;
  std::uint32_t sinks_;
  std::uint32_t run_tasks_;
  std::size_t most_memory_ = 0;
  Loader load_;
  std::vector<Queue> queues_;  // by type
  std::vector<Body> runs_;
  std::vector<Run> free_;
  std::vector<Run> spillable_;  // closed, and written when they were last looked at
  std::uint64_t count_ = 0, spilled_ = 0, spilled_bytes_ = 0;
  std::size_t bytes_ = 0;   // of keys and payloads
  std::size_t memory_ = 0;  // of the packed form
  Run read_run_ = 0;        // where read() was last
  Cursor read_at_;
};

}  // namespace sluice::core
