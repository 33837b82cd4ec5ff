// testing.hpp: a whole system in one process that loses workers, lanes and time on purpose.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sluice/export.hpp>
#include <sluice/outcome.hpp>
#include <sluice/task.hpp>
#include <sluice/worker.hpp>

namespace sluice::testing {

/// How likely each fault is for one execution of one task, from 0 to 1. Which executions are hit
/// is decided by the seed, the task's number and how often it was reached before, not by threads.
struct Faults {
  double crash_before = 0;  ///< the worker dies before the handler is called
  double crash_after =
      0;               ///< ... after the handler has returned: its work is done, its outcome lost
  double failure = 0;  ///< the attempt fails after the handler has returned
  double delay = 0;    ///< the handler is called late
  std::chrono::milliseconds longest_delay{20};
  double lost_lane = 0;  ///< the worker's lane breaks while the task runs; what was on it is lost
};

struct SystemOptions {
  /// Decides which executions are hit; SLUICE_SEED in the environment overrides it.
  std::uint64_t seed = 1;
  std::uint32_t workers = 3;  ///< a worker that dies is replaced at once
  std::uint32_t slots = 2;    ///< of each
  Faults faults{.crash_before = 0.05, .crash_after = 0.1, .failure = 0.05, .delay = 0.1};
  /// Crashes, failures and lost lanes hit a task so often at most: then it ends as its handler
  /// lets it. 1 to 10.
  std::uint32_t faults_per_task = 2;
};

/// For tests of handlers: does the same result come out when a task runs twice, late, or on a
/// worker that dies right after the work was done?
///
///     sluice::testing::System system({.seed = 7});
///     system.on("book", [&](const sluice::TaskView& task) { return ledger.book(task); });
///     const auto outcomes = system.run(tasks);   // one for each, in order
///     CHECK(ledger.balance() == expected);       // though some were executed twice
///     INFO(system.trace());
///
/// Ventilator, sink and workers are the real ones, over real sockets on loopback; only the
/// death of a worker is played: its connections are cut and its results dropped, while the
/// handler's thread lives. run() and on() belong to one thread; handlers run on several.
class SLUICE_API System {
 public:
  /// Throws Error: a probability is not within 0 and 1, faults_per_task is out of range.
  explicit System(SystemOptions options = {});
  ~System();
  System(const System&) = delete;
  System& operator=(const System&) = delete;

  /// Names the handler of a type, before the first run(). As for Worker::on(), synchronous ones.
  void on(std::string type, Worker::Handler handler);

  /// Submits the tasks, waits for all of them, and gives the outcomes in the same order. A task
  /// without max_attempts may fail five times more than faults make it. Throws
  /// Error if not all are settled within `timeout`, or a task had a second outcome; the text
  /// names the seed.
  [[nodiscard]] std::vector<Outcome> run(
      const std::vector<Task>& tasks, std::chrono::milliseconds timeout = std::chrono::minutes(1));

  struct Counts {
    std::uint64_t executions = 0;  ///< times a handler was called
    std::uint64_t repeated = 0;    ///< of those, for a task that a handler had finished before
    std::uint64_t crashes_before = 0, crashes_after = 0, failures = 0, delays = 0, lost_lanes = 0;
  };
  [[nodiscard]] Counts counts() const;
  /// What was done to which task, one line each in the order it happened: "task 17, execution 1:
  /// crash after". Begins with the seed.
  [[nodiscard]] std::string trace() const;
  /// The seed in use.
  [[nodiscard]] std::uint64_t seed() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::testing
