// executor_pool.hpp: the threads that run a worker's handlers.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sluice/task.hpp>

#include "core/chunk.hpp"
#include "core/held_tasks.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"
#include "net/job_queue.hpp"
#include "net/wake.hpp"

namespace sluice::net {

/// What an executor needs to know of a task. Its views must stay good until the task has
/// been reported.
struct Job {
  core::TaskHandle handle{};
  core::Seq seq{};
  core::Log log{};
  std::uint32_t type = 0;  ///< index of the handler
  std::uint32_t attempt = 1;
  std::uint64_t exec_ms = 0;
  core::Time expires = core::Time::max();  ///< not to be started from then on
  bool last_attempt = false;
  std::string_view key;
  core::Bytes payload;
};

/// How it went.
enum class JobEnd : std::uint8_t {
  done,
  failed,   ///< the handler threw; `error` is what it said
  expired,  ///< not started: its time to live was over
};
struct JobReport {
  core::TaskHandle handle{};
  JobEnd end{};
  std::uint64_t started_us = 0;  ///< since 1970
  std::uint64_t run_ns = 0;
  std::string_view error;
  core::Bytes result;
};

/// A fixed number of threads that take jobs in order, one at a time each.
///
/// A job costs no lock and no allocation: jobs go through a JobQueue, reports into a
/// buffer of each executor, which collect() swaps out. The first report after that wakes
/// the owner's loop; what is reported until it looks goes along, so batches form by
/// themselves. All functions but the handlers run on the owner's thread.
class ExecutorPool {
 public:
  using Handler = std::function<std::vector<std::byte>(const TaskView&)>;

  /// `wake` is signalled when there is something to collect; it must outlive the pool.
  ExecutorPool(std::vector<std::string> types, std::vector<Handler> handlers,
               std::uint32_t executors, std::size_t capacity, Wake& wake);
  /// Waits for the handlers that run; no other job is started.
  ~ExecutorPool();
  ExecutorPool(const ExecutorPool&) = delete;
  ExecutorPool& operator=(const ExecutorPool&) = delete;

  /// Queues a job. False: the pool is full, which its owner's credit should have prevented.
  [[nodiscard]] bool put(const Job& job);
  /// Wakes as many executors as there is work for; once after a number of put().
  void start_queued();
  /// Takes up to `count` unstarted jobs back, the oldest first, appending to `out`.
  void retract(std::size_t count, std::vector<core::TaskHandle>& out);
  /// No job is started after this instant (rule 10); each executor looks just before it
  /// claims one. In the past: nothing is started, and jobs stay where they are.
  void allow_until(core::Time until) { start_until_.store(until.time_since_epoch().count()); }

  /// Jobs that executors have claimed so far.
  [[nodiscard]] std::uint64_t claimed() const { return queue_.taken() - retracted_; }

  /// Something to collect: to be asked after Wake::going_to_sleep().
  [[nodiscard]] bool has_reports();

  /// Hands over what has ended since the last call. The views are good until the next call.
  template <typename Each>
  void collect(Each&& each) {
    for (auto& executor : executors_) {
      swap_reports(*executor);
      for (const Entry& entry : executor->taken.entries) each(report_of(entry, executor->taken));
    }
  }

 private:
  struct Entry {
    core::TaskHandle handle{};
    JobEnd end{};
    std::uint64_t started_us = 0, run_ns = 0;
    std::size_t at = 0, error_bytes = 0, result_bytes = 0;
  };
  struct Reports {
    std::vector<Entry> entries;
    std::vector<std::byte> bytes;
  };
  struct Executor {
    std::uint32_t slot = 0;
    std::mutex mutex;  // guards `reports`
    Reports reports;
    Reports taken;  // the owner's
    std::thread thread;
  };

  void run(Executor& executor);
  [[nodiscard]] bool may_start() const;
  void execute(Executor& executor, const Job& job);
  void report(Executor& executor, const Entry& entry, std::string_view error,
              const std::vector<std::byte>& result);
  static void swap_reports(Executor& executor);
  static JobReport report_of(const Entry& entry, const Reports& reports);

  const std::vector<std::string> types_;
  const std::vector<Handler> handlers_;
  Wake& wake_;
  JobQueue<Job> queue_;
  std::uint64_t retracted_ = 0;
  std::atomic<std::int64_t> start_until_{0};
  std::atomic<std::uint32_t> bell_{0};  // rung when there is work, or the end
  std::atomic<std::uint32_t> sleepers_{0};
  std::atomic<bool> stopping_{false};
  std::vector<std::unique_ptr<Executor>> executors_;
};

}  // namespace sluice::net
