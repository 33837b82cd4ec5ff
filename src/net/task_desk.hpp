// task_desk.hpp: where handlers leave what they have to say while they run, or afterwards.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/held_tasks.hpp"
#include "core/runner.hpp"
#include "net/job.hpp"
#include "net/report_buffer.hpp"
#include "net/wake.hpp"

namespace sluice::net {

/// What a handler's thread and the worker's loop both know of a task. There is one for each
/// place of HeldTasks; a handle says whose it is at the moment, and none comes twice.
struct TaskCell {
  static constexpr std::uint64_t kNobody = ~std::uint64_t{0};

  std::atomic<std::uint64_t> cancelled{kNobody};  ///< handle of the task that is to stop
  // Guarded by the desk's mutex:
  std::uint64_t speaker = kNobody;  ///< handle of the task that `text` is of
  bool is_news = false;             ///< the loop has not taken `text` yet
  std::string text;
};

/// Shared by a pool of executors and all views that asynchronous handlers hold, so that it lives
/// until the last of them is gone. Closed by the pool's end; then nothing reaches it any more.
class TaskDesk {
 public:
  /// Free slots are first, ..., last - 1. `wake` must stay good until close().
  TaskDesk(Wake& wake, std::uint32_t first, std::uint32_t last);
  TaskDesk(const TaskDesk&) = delete;
  TaskDesk& operator=(const TaskDesk&) = delete;

  // --- any thread ---------------------------------------------------------

  [[nodiscard]] bool is_closed() const { return closed_.load(std::memory_order_relaxed); }
  /// The newest word of a task; cut to 512 bytes, dropped if it is the same as before.
  void progress(TaskCell& cell, core::TaskHandle task, std::string_view text);
  /// The end of an asynchronous task, whose slot is free from now on.
  void finish(const JobReport& report, std::uint32_t slot);
  /// Waits for a free slot; nullopt once the desk is closed.
  [[nodiscard]] std::optional<std::uint32_t> take_slot();

  // --- the worker's loop --------------------------------------------------

  /// The task's cell; addresses stay good.
  [[nodiscard]] TaskCell& cell(core::TaskHandle task);
  [[nodiscard]] bool has_reports();
  /// Swaps what has been finished into `out`, which is empty.
  void take_reports(ReportBuffer& out);
  [[nodiscard]] bool has_progress();
  /// Appends up to `most` new texts.
  void take_progress(std::size_t most, std::vector<std::pair<core::TaskHandle, std::string>>& out);
  void close();

 private:
  std::deque<TaskCell> cells_;  // grown by the loop only; others go by addresses
  std::atomic<bool> closed_{false};

  std::mutex mutex_;  // guards what follows, and the texts of the cells
  std::condition_variable slot_freed_;
  Wake* wake_;  // null when closed
  std::vector<std::uint32_t> free_slots_;
  ReportBuffer reports_;
  std::deque<TaskCell*> news_;  // cells with is_news
};

}  // namespace sluice::net
