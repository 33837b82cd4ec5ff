// worker.hpp: the side that runs tasks.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <sluice/export.hpp>
#include <sluice/task.hpp>

namespace sluice {
namespace testing {
class System;
}  // namespace testing

namespace detail {

/// What a handler returned, as the bytes of a result.
template <typename Call>
std::vector<std::byte> result_of_call(Call&& call) {
  using Result = std::remove_cvref_t<decltype(call())>;
  if constexpr (std::is_void_v<Result>) {
    call();
    return {};
  } else if constexpr (std::is_same_v<Result, std::vector<std::byte>>) {
    return call();
  } else {
    static_assert(Encodable<Result>,
                  "a handler returns std::vector<std::byte>, void, or a type that has a "
                  "sluice::Codec: include <sluice/typed.hpp> or specialize it");
    if constexpr (Encodable<Result>) return pack<Result>(call());
  }
}

}  // namespace detail

struct WorkerOptions {
  /// The ventilator's endpoint; may be given to start() or run() instead. If neither is, it is
  /// read from access_file, or from the file that SLUICE_ACCESS names.
  std::string connect{};
  /// The ventilator's access file. A ventilator that was killed says nothing; its file tells
  /// within seconds that it has gone, and the worker ends then, with an Error that says so, having
  /// let what runs go on for 5 s. Empty and not read either: the worker waits for another one at
  /// the same address.
  std::string access_file{};
  /// Shown in status and in outcomes; default "hostname-pid".
  std::string name{};
  /// Tasks run at once, at most 100,000; 0: as many as this machine has cores. A task that an
  /// asynchronous handler has taken holds its slot until it is finished.
  std::uint32_t slots = 0;
  /// Threads that handlers are called on, at most 4,096; 0: one for each slot. Fewer make sense
  /// for asynchronous handlers. A synchronous handler holds its thread while it runs: a worker
  /// that has no other handlers has no more slots than threads.
  std::uint32_t threads = 0;
  /// Tasks held per slot, the running one included; 1: strictly one at a time.
  /// 0: tunes itself to about 1 ms of work beyond what runs.
  std::uint32_t prefetch = 0;
  /// Runs tasks of type "exec" as commands instead of handlers. The constructor then forks a
  /// supervisor process: create the worker before threads of your own.
  bool run_commands = false;
  /// For commands: bytes kept of stdout and of stderr each, where the task does not say.
  std::uint64_t output_limit = std::uint64_t{1} << 20;
  /// For commands: from TERM to KILL after a timeout or a cancel.
  std::chrono::milliseconds kill_grace{2000};
  /// False: tasks come over the control connection from the start.
  bool push_lane = true;
  /// How long start() and run() try to reach the ventilator for the first time; 0: for ever.
  std::chrono::milliseconds connect_timeout{0};
  /// End when the ventilator says that it ends for good (true), or wait for another at
  /// the same address. One that was killed says nothing: see access_file.
  bool end_with_ventilator = true;
};

/// Connects to a ventilator, takes tasks under its own credit, runs each in one of its
/// slots, and delivers the outcomes to the sinks. Reconnects by itself.
///
/// A handler that throws has failed that attempt; what() is kept, cut to 512 bytes. Fail and
/// WrongType fail the task at once, Retry says when the next attempt is wanted. Handlers run on
/// threads of the worker, several at once. A worker has either handlers or commands.
///
/// All functions may be called from any thread; on() before start().
class SLUICE_API Worker {
 public:
  /// Returns the result's bytes.
  using Handler = std::function<std::vector<std::byte>(const TaskView&)>;
  /// May return before the task is finished (see TaskView). If it throws before the task is
  /// finished, the attempt has failed.
  using AsyncHandler = std::function<void(TaskView)>;

  /// Throws Error: an option is out of range, the supervisor cannot be started.
  explicit Worker(WorkerOptions options);
  /// As stop().
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Names the handler of a type (1..128 bytes of UTF-8); before start(). Throws Error:
  /// run_commands is set, more than 256 types, a type named twice, an empty handler.
  void on(std::string type, Handler handler);

  /// The same for any `f`, by what it takes:
  ///
  ///     worker.on("a", [](const TaskView& task) { return ...; });  // synchronous
  ///     worker.on("b", [](TaskView task) { ... });                 // asynchronous, returns void
  ///
  /// A synchronous one returns bytes, nothing, or whatever has a Codec.
  template <typename F>
  void on(std::string type, F f) {
    if constexpr (std::is_invocable_v<F&, const TaskView&>) {
      on(std::move(type), Handler([f = std::move(f)](const TaskView& task) mutable {
           return detail::result_of_call([&]() -> decltype(auto) { return f(task); });
         }));
    } else {
      static_assert(std::is_invocable_v<F&, TaskView>,
                    "a handler takes const sluice::TaskView& (synchronous) or sluice::TaskView "
                    "(asynchronous); for typed arguments say worker.on<Arguments>(type, f)");
      if constexpr (std::is_invocable_v<F&, TaskView>) {
        static_assert(std::is_void_v<std::invoke_result_t<F&, TaskView>>,
                      "an asynchronous handler returns void: it finishes its task with "
                      "TaskView::done(), fail() or retry()");
        on_async(std::move(type), AsyncHandler(std::move(f)));
      }
    }
  }

  /// The same with the payload unpacked to `Args` by its Codec; where that fails, the task fails
  /// at once:
  ///
  ///     worker.on<int>("square", [](int x) { return x * x; });
  ///     worker.on<Page>("render", [](const Page& page, const TaskView& task) { ... });
  ///     worker.on<Page>("print", [](Page page, TaskView task) { ... });  // asynchronous
  template <typename Args, typename F>
  void on(std::string type, F f) {
    static_assert(Encodable<Args>,
                  "these arguments have no sluice::Codec: include <sluice/typed.hpp> or "
                  "specialize it");
    if constexpr (!Encodable<Args>) {
      return;
    } else if constexpr (std::is_invocable_v<F&, Args, const TaskView&>) {
      on(std::move(type), Handler([f = std::move(f)](const TaskView& task) mutable {
           return detail::result_of_call(
               [&]() -> decltype(auto) { return f(task.as<Args>(), task); });
         }));
    } else if constexpr (std::is_invocable_v<F&, Args, TaskView>) {
      static_assert(std::is_void_v<std::invoke_result_t<F&, Args, TaskView>>,
                    "an asynchronous handler returns void: it finishes its task with "
                    "TaskView::done(), fail() or retry()");
      on_async(std::move(type), AsyncHandler([f = std::move(f)](TaskView task) mutable {
                 Args args = task.as<Args>();
                 f(std::move(args), std::move(task));
               }));
    } else {
      static_assert(std::is_invocable_v<F&, Args>,
                    "a typed handler takes Args, or Args and const sluice::TaskView& "
                    "(synchronous), or Args and sluice::TaskView (asynchronous)");
      if constexpr (std::is_invocable_v<F&, Args>) {
        on(std::move(type), Handler([f = std::move(f)](const TaskView& task) mutable {
             return detail::result_of_call([&]() -> decltype(auto) { return f(task.as<Args>()); });
           }));
      }
    }
  }

  /// Starts the worker's threads and returns once the ventilator has welcomed it, or stop() was
  /// called. Throws Error: no handler, connect_timeout passed, the endpoint is no address, it
  /// was started or stopped before.
  void start(const std::string& endpoint = {});
  /// start(), then waits until it has ended: drained, stopped, or because the ventilator
  /// ended. Throws Error if something broke that it cannot mend.
  void run(const std::string& endpoint = {});

  /// Takes no more tasks, gives back what has not started, finishes what runs, waits for
  /// the sink. After `deadline` it gives up; what is unfinished runs elsewhere. Returns at once.
  void drain(std::chrono::milliseconds deadline);
  /// Waits until it has ended; false after `timeout`. Throws as run().
  [[nodiscard]] bool wait_ended(std::chrono::milliseconds timeout);
  /// Ends within half a second: commands are killed, handlers see cancelled(); what is unfinished
  /// then runs elsewhere. Tasks that asynchronous handlers hold are not waited for; a synchronous
  /// handler that still runs is, but only by the destructor.
  void stop();

  struct Stats {
    bool connected = false;
    std::uint64_t queued = 0, running = 0;  ///< tasks held
    std::uint64_t unconfirmed = 0;          ///< outcomes no sink has confirmed
    std::uint64_t done = 0, failed = 0;     ///< executions ended
    std::uint64_t returned = 0;             ///< given back unstarted
    std::uint64_t given_up = 0;             ///< outcomes for a former ventilator's sinks, dropped
    std::uint64_t sessions = 0;             ///< times it was welcomed
    bool push_lane = false;
    bool ended_clean = true;  ///< nothing was given up at the end
  };
  [[nodiscard]] Stats stats() const;

 private:
  friend class testing::System;  // plays the death of a worker
  void on_async(std::string type, AsyncHandler handler);
  // Cuts all connections without a word; on return nothing will leave it any more.
  void vanish();
  // Breaks the lane's connection, and what is on it is lost.
  void lose_lane();

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
