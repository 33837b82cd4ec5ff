// pool.hpp: a ventilator and its sink in this process, and a future or callback per task.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <sluice/export.hpp>
#include <sluice/outcome.hpp>
#include <sluice/sink.hpp>
#include <sluice/task.hpp>
#include <sluice/ventilator.hpp>
#include <sluice/worker.hpp>

namespace sluice {

struct PoolOptions {
  /// Slots in this process: so many tasks run at once on threads of its own, by the handlers
  /// given to on(). 0: none; workers connect from elsewhere, to endpoint().
  std::uint32_t workers = 0;
  /// An access file to write, for workers and `sluice status`; it goes with the pool. Empty: none.
  std::string access{};
  /// The ventilator's limits, retries and address. Its list of sinks, and its access file, must
  /// stay empty.
  VentilatorOptions ventilator{};
  /// Where the pool's sink listens, and the file that outcomes go to as well, if one is named.
  SinkOptions sink{};
};

/// Hands out tasks and brings their outcomes back into the program that submitted them.
///
///     sluice::Pool pool{{.workers = 8}};
///     pool.on<int>("square", [](int n) { return n * n; });
///     std::future<sluice::Outcome> nine = pool.submit("square", 3);
///     nine.get().as<int>();
///
/// Workers in this process, in others, on other machines: all take from the same pool. Several
/// pools fit in one process. All functions may be called from any thread. Nothing of this library
/// survives fork(): what a child inherits it must neither use nor destroy; it may make its own.
class SLUICE_API Pool {
 public:
  /// Called once per task, on the sink's thread: it must not block, nor wait for other tasks of
  /// this pool; it may submit with try_submit(). What it throws is kept for wait().
  using Callback = std::function<void(const Outcome&)>;
  static constexpr std::chrono::milliseconds kForever{INT32_MAX};

  /// Binds and starts. Throws Error: an address is taken, the access file belongs to a
  /// ventilator that lives, a limit is out of range.
  explicit Pool(PoolOptions options = {});
  /// As stop().
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Names a handler for the workers of this process, before the first task is submitted. See
  /// Worker::on() for what a handler may be. Throws Error: there are no such workers (the
  /// option `workers` is 0), they run already, the type has a handler.
  template <typename Handler>
  void on(std::string type, Handler&& handler) {
    worker().on(std::move(type), std::forward<Handler>(handler));
  }
  /// The same, with the payload unpacked.
  template <typename Arguments, typename Handler>
  void on(std::string type, Handler&& handler) {
    worker().template on<Arguments>(std::move(type), std::forward<Handler>(handler));
  }

  /// Starts the workers of this process, which the first submit() does otherwise: for pools whose
  /// tasks come from clients elsewhere. Throws Error if there is no handler.
  void start();

  /// Takes a task and promises its outcome; blocks while the ventilator is full. A key that is
  /// known stands for the first task of that key, and gives its outcome; one that had been
  /// handed out already is given as Status::unknown.
  /// Throws Error: bad type, key or payload, the key belongs to another task, the pool has
  /// stopped; and if it would have to wait on the thread that callbacks run on.
  [[nodiscard]] std::future<Outcome> submit(const Task& task);
  /// The same with a callback. It may be called before this returns.
  TaskId submit(const Task& task, Callback callback);
  /// The same; nullopt, and no callback, instead of waiting for room.
  [[nodiscard]] std::optional<TaskId> try_submit(const Task& task, Callback callback);

  /// With arguments that have a Codec (<sluice/typed.hpp>).
  template <typename Arguments>
    requires(!std::is_invocable_v<const Arguments&, const Outcome&>)  // that is a callback
  [[nodiscard]] std::future<Outcome> submit(std::string type, const Arguments& arguments) {
    return submit(Task::of(std::move(type), arguments));
  }
  template <typename Arguments>
  TaskId submit(std::string type, const Arguments& arguments, Callback callback) {
    return submit(Task::of(std::move(type), arguments), std::move(callback));
  }

  /// Submits and waits. An outcome of Status::unknown after `timeout`: the task goes on. Waiting
  /// for room, and for the workers of this process to start, is not part of it.
  [[nodiscard]] Outcome call(const Task& task, std::chrono::milliseconds timeout = kForever);

  /// A task for each element of a range; the results in the same order. Throws Error for the
  /// first task that is not done, after all have ended.
  template <typename Result, typename Range>
  [[nodiscard]] std::vector<Result> map(const std::string& type, const Range& range) {
    std::vector<std::future<Outcome>> outcomes;
    for (const auto& arguments : range) outcomes.push_back(submit(type, arguments));
    for (const auto& outcome : outcomes) outcome.wait();
    std::vector<Result> results;
    results.reserve(outcomes.size());
    for (auto& outcome : outcomes) results.push_back(outcome.get().template as<Result>());
    return results;
  }

  /// Waits until all tasks submitted here have their outcomes and all callbacks have returned;
  /// false after `timeout`. Throws what a callback has thrown, as soon as it has and once for each
  /// call; and Error if the pool has failed (its disk, for instance), and inside a callback.
  bool wait(std::chrono::milliseconds timeout = kForever);
  /// Tasks submitted here that have no outcome yet.
  [[nodiscard]] std::size_t unsettled() const;
  /// Asks for a task to end early; see Ventilator::cancel().
  bool cancel(const TaskId& id);

  /// Where workers connect.
  [[nodiscard]] std::string endpoint() const;
  /// See Ventilator::status_json().
  [[nodiscard]] std::string status_json() const;
  /// Workers connected now, those of this process included.
  [[nodiscard]] std::size_t workers() const;

  /// Ends within seconds: wait() first. Tasks without an outcome get one of Status::unknown here,
  /// and nobody runs them any more. Waits for handlers of this process that run. Not from a
  /// callback (Error), nor may one destroy the pool.
  void stop();

 private:
  Worker& worker();

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
