// pool.cpp: the public Pool: a ventilator, a sink and perhaps a worker, and who waits for what.
// SPDX-License-Identifier: MIT
#include <sluice/pool.hpp>

#include <mutex>

#include <sluice/error.hpp>

#include "net/outcome_registry.hpp"
#include "net/promised_outcome.hpp"

namespace sluice {
namespace {

constexpr const char* kStopped = "the pool has stopped: nobody knows what became of the task";

PoolOptions checked(PoolOptions options) {
  if (!options.ventilator.sinks.empty())
    throw Error("a pool has a sink of its own: leave the list of sinks empty, or use Ventilator");
  if (!options.ventilator.access.empty())
    throw Error("the access file of a pool is named in PoolOptions::access");
  return options;
}

}  // namespace

class SLUICE_LOCAL Pool::Impl {
 public:
  explicit Impl(PoolOptions given)
      : options(checked(std::move(given))),
        sink(options.sink, [this](const OutcomeView& outcome) { registry.deliver(outcome); }) {
    VentilatorOptions of_ventilator = options.ventilator;
    of_ventilator.sinks = {sink.endpoint()};
    of_ventilator.access = options.access;
    ventilator.emplace(of_ventilator);
    if (options.workers > 0) {
      WorkerOptions of_worker;
      of_worker.slots = options.workers;
      worker = std::make_unique<Worker>(of_worker);
    }
  }

  ~Impl() { stop(); }

  // At the first task: then all handlers are named. Not for a pool whose workers are elsewhere.
  void start_worker() {
    if (!worker) return;
    std::call_once(worker_started, [this] { worker->start(ventilator->endpoint()); });
  }

  std::optional<TaskId> submit(const Task& task, bool wait,
                               net::OutcomeRegistry::Callback callback) {
    start_worker();
    // A callback that waits for room keeps the sink from making any.
    const bool would_hang = wait && registry.is_calling();
    const auto announce = [&](const TaskId& id, bool known) {
      if (known)
        registry.expect_known(id, std::move(callback));
      else
        registry.expect(id, std::move(callback));
    };
    const auto id = ventilator->submit(task, wait && !would_hang, announce);
    if (!id && would_hang)
      throw Error("the pool is full, and a callback cannot wait for room: use try_submit() there");
    return id;
  }

  void stop() {
    const std::scoped_lock lock(stopping);
    if (stopped) return;
    stopped = true;
    ventilator->stop();
    if (worker) worker->stop();
    sink.stop();
    registry.abandon(kStopped);
  }

  const PoolOptions options;
  net::OutcomeRegistry registry;  // before the sink, which calls it
  Sink sink;
  std::optional<Ventilator> ventilator;
  std::unique_ptr<Worker> worker;
  std::once_flag worker_started;
  std::mutex stopping;
  bool stopped = false;
};

Pool::Pool(PoolOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Pool::~Pool() = default;

Worker& Pool::worker() {
  if (impl_->worker) return *impl_->worker;
  throw Error(
      "this pool has no workers of its own: set PoolOptions::workers, or give the handler "
      "to a Worker that connects to its endpoint()");
}

std::future<Outcome> Pool::submit(const Task& task) {
  net::PromisedOutcome promised;
  (void)impl_->submit(task, true, std::move(promised.callback));
  return std::move(promised.future);
}

TaskId Pool::submit(const Task& task, Callback callback) {
  return *impl_->submit(task, true, std::move(callback));
}

std::optional<TaskId> Pool::try_submit(const Task& task, Callback callback) {
  return impl_->submit(task, false, std::move(callback));
}

Outcome Pool::call(const Task& task, std::chrono::milliseconds timeout) {
  if (impl_->registry.is_calling())
    throw Error("a callback cannot wait for another task of its pool: submit it with a callback");
  net::PromisedOutcome promised;
  const TaskId id = submit(task, std::move(promised.callback));
  if (promised.future.wait_for(timeout) == std::future_status::ready) return promised.future.get();
  Outcome outcome;
  outcome.id = id;
  outcome.status = Status::unknown;
  outcome.error = "it was not settled within " + std::to_string(timeout.count()) + " ms";
  return outcome;
}

bool Pool::wait(std::chrono::milliseconds timeout) {
  if (impl_->registry.is_calling())
    throw Error("a callback cannot wait for the tasks of its pool: do it on another thread");
  // After stop() too there may be something to be told: what a callback threw at the end.
  if (impl_->registry.waiting() == 0) return impl_->registry.wait(std::chrono::milliseconds(0));
  const auto until = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    impl_->sink.check();
    (void)impl_->ventilator->wait_settled(std::chrono::milliseconds(0));  // throws what failed
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    constexpr std::chrono::milliseconds kLook{500};
    if (left.count() <= 0) return impl_->registry.wait(std::chrono::milliseconds(0));
    if (impl_->registry.wait(std::min(left, kLook))) return true;
  }
}

std::size_t Pool::unsettled() const { return impl_->registry.waiting(); }

bool Pool::cancel(const TaskId& id) { return impl_->ventilator->cancel(id); }

std::string Pool::endpoint() const { return impl_->ventilator->endpoint(); }

std::string Pool::status_json() const { return impl_->ventilator->status_json(); }

std::size_t Pool::workers() const { return impl_->ventilator->workers(); }

void Pool::start() { impl_->start_worker(); }

void Pool::stop() {
  if (impl_->registry.is_calling())
    throw Error("a callback cannot stop its pool: tell another thread to do it");
  impl_->stop();
}

}  // namespace sluice
