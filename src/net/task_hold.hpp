// task_hold.hpp: what stands behind a TaskView.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/task.hpp>

#include "net/job.hpp"
#include "net/task_desk.hpp"

namespace sluice::net {

/// How an execution ends, once it has run.
struct Ending {
  JobEnd end = JobEnd::done;
  std::string error;
  std::uint64_t retry_ms = 0;
};
[[nodiscard]] Ending ending_of(const std::exception& failure);
/// Of the exception being handled.
[[nodiscard]] Ending ending_of_current_exception();

/// When a task was started, by both clocks.
struct Started {
  core::Time at{};
  std::uint64_t wall_us = 0;
  [[nodiscard]] std::uint64_t run_ns() const;
};

}  // namespace sluice::net

namespace sluice::detail {

/// The way from a view back to the worker. A synchronous task's belongs to its executor and is
/// used again for the next one.
class TaskHold {
 public:
  explicit TaskHold(net::TaskDesk& desk) : desk_(desk) {}

  void begin(const net::Job& job) {
    cell_ = job.cell;
    task_ = job.handle;
  }
  [[nodiscard]] bool cancelled() const;
  void progress(std::string_view text) const { desk_.progress(*cell_, task_, text); }

 protected:
  static TaskView make_view(std::shared_ptr<TaskHold> hold, bool asynchronous, const net::Job& job,
                            std::uint32_t slot);

  [[nodiscard]] net::TaskDesk& desk() const { return desk_; }
  [[nodiscard]] core::TaskHandle task() const { return task_; }

 private:
  friend class SyncCall;

  net::TaskDesk& desk_;
  net::TaskCell* cell_ = nullptr;
  core::TaskHandle task_{};
};

/// Lends a view to a synchronous handler, whose executor keeps the hold: no allocation.
class SyncCall {
 public:
  static TaskView view(TaskHold& hold, const net::Job& job, std::string_view type,
                       std::uint32_t slot);
};

/// A task that an asynchronous handler has: its bytes, and whether it is finished.
class AsyncTask : public TaskHold {
 public:
  AsyncTask(std::shared_ptr<net::TaskDesk> desk, const net::Job& job, std::string_view type,
            std::uint32_t slot, const net::Started& started);

  /// The one view of it.
  static TaskView view(const std::shared_ptr<AsyncTask>& task);

  /// Throws Error if it is finished already.
  void finish(const net::Ending& ending, core::Bytes result);
  /// Its view is gone.
  void dropped();
  /// The handler has returned, or thrown: `failure` says what.
  void call_ended(const std::optional<net::Ending>& failure);
  [[nodiscard]] bool is_finished();

 private:
  void report(const net::Ending& ending, core::Bytes result);

  const std::shared_ptr<net::TaskDesk> keep_;
  std::vector<std::byte> bytes_;  // type, key, payload
  net::Job job_;                  // its views are of bytes_
  std::string_view type_;
  const std::uint32_t slot_;
  const net::Started started_;

  std::mutex mutex_;  // guards what follows
  bool in_call_ = true;
  bool dropped_in_call_ = false;  // what the handler throws says more: wait for it
  bool finished_ = false;
};

}  // namespace sluice::detail
