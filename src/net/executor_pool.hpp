// executor_pool.hpp: the threads that run a worker's handlers.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sluice/task.hpp>

#include "core/held_tasks.hpp"
#include "core/time.hpp"
#include "net/job.hpp"
#include "net/job_queue.hpp"
#include "net/report_buffer.hpp"
#include "net/task_desk.hpp"
#include "net/task_hold.hpp"
#include "net/wake.hpp"

namespace sluice::net {

/// A type's handler: one of the two is set.
struct TaskHandler {
  std::function<std::vector<std::byte>(const TaskView&)> sync;
  std::function<void(TaskView)> async;
};

/// A fixed number of threads that take jobs in order.
///
/// A synchronous job holds its executor until it ends; it costs no lock and no allocation: jobs
/// go through a JobQueue, reports into a buffer of each executor, which collect() swaps out. The
/// first report after that wakes the owner's loop; what is reported until it looks goes along,
/// so batches form by themselves.
///
/// An asynchronous job takes its executor's slot along, and the executor waits for another one
/// before it claims the next job. So there are never more unfinished jobs than slots, and each
/// has a slot of its own. Such jobs come back through the TaskDesk.
///
/// All functions but the handlers run on the owner's thread.
class ExecutorPool {
 public:
  struct Size {
    std::uint32_t slots = 1;
    std::uint32_t threads = 1;  ///< at most as many as slots
    std::size_t queue = 1;      ///< jobs that wait
  };

  /// `wake` is signalled when there is something to collect; it must outlive the pool.
  ExecutorPool(std::vector<std::string> types, std::vector<TaskHandler> handlers, Size size,
               Wake& wake);
  /// Waits for the handlers that run, but not for asynchronous jobs; no other job is started.
  ~ExecutorPool();
  ExecutorPool(const ExecutorPool&) = delete;
  ExecutorPool& operator=(const ExecutorPool&) = delete;

  /// Queues a job. False: the pool is full, which its owner's credit should have prevented.
  [[nodiscard]] bool put(Job job);
  /// Wakes as many executors as there is work for; once after a number of put().
  void start_queued();
  /// Takes up to `count` unstarted jobs back, the oldest first, appending to `out`.
  void retract(std::size_t count, std::vector<core::TaskHandle>& out);
  /// No job is started after this instant (rule 10); each executor looks just before it
  /// claims one. In the past: nothing is started, and jobs stay where they are.
  void allow_until(core::Time until) { start_until_.store(until.time_since_epoch().count()); }

  /// Lets the job's handler know that it is to stop; nothing happens to a job that has ended.
  void cancel(core::TaskHandle handle);

  /// Jobs that executors have claimed so far.
  [[nodiscard]] std::uint64_t claimed() const { return queue_.taken() - retracted_; }

  /// Something to collect: to be asked after Wake::going_to_sleep().
  [[nodiscard]] bool has_reports();

  /// Hands over what has ended since the last call. The views are good until the next call.
  template <typename Each>
  void collect(Each&& each) {
    for (auto& executor : executors_) {
      swap_reports(*executor);
      executor->taken.for_each(each);
    }
    finished_elsewhere_.clear();
    desk_->take_reports(finished_elsewhere_);
    finished_elsewhere_.for_each(each);
  }

  /// Some handler has said how far it is.
  [[nodiscard]] bool has_progress() { return desk_->has_progress(); }
  /// Appends up to `most` of the texts that are new.
  void take_progress(std::size_t most, std::vector<std::pair<core::TaskHandle, std::string>>& out) {
    desk_->take_progress(most, out);
  }

 private:
  struct Executor {
    explicit Executor(TaskDesk& desk) : hold(desk) {}
    std::optional<std::uint32_t> slot;  // gone with an asynchronous job: another must be found
    detail::TaskHold hold;
    std::mutex mutex;  // guards `reports`
    ReportBuffer reports;
    ReportBuffer taken;  // the owner's
    std::thread thread;
  };

  void run(Executor& executor);
  [[nodiscard]] bool may_start() const;
  void execute(Executor& executor, const Job& job);
  void execute_sync(Executor& executor, const Job& job, const Started& started);
  void execute_async(Executor& executor, const Job& job, const Started& started);
  void report(Executor& executor, const JobReport& report);
  static void swap_reports(Executor& executor);

  const std::vector<std::string> types_;
  const std::vector<TaskHandler> handlers_;
  Wake& wake_;
  const std::shared_ptr<TaskDesk> desk_;
  JobQueue<Job> queue_;
  std::uint64_t retracted_ = 0;
  std::atomic<std::int64_t> start_until_{0};
  std::atomic<std::uint32_t> bell_{0};  // rung when there is work, or the end
  std::atomic<std::uint32_t> sleepers_{0};
  std::atomic<bool> stopping_{false};
  ReportBuffer finished_elsewhere_;  // collected; the owner's
  std::vector<std::unique_ptr<Executor>> executors_;
};

}  // namespace sluice::net
