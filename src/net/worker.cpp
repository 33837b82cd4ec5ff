// worker.cpp: the public Worker: handlers or commands, then a loop.
// SPDX-License-Identifier: MIT
#include <sluice/worker.hpp>

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <sluice/access.hpp>
#include <sluice/command.hpp>
#include <sluice/error.hpp>

#include "exec/command_runner.hpp"
#include "net/address_list.hpp"
#include "net/identity.hpp"
#include "net/worker_loop.hpp"
#include "wire/codec.hpp"
#include "wire/limits.hpp"

namespace sluice {
namespace {

constexpr std::uint32_t kMostSlots = 100'000;
constexpr std::uint32_t kMostExecutors = 4'096;
constexpr auto kMostWaitOfSeveral = std::chrono::seconds(2);
constexpr auto kStop = std::chrono::milliseconds(500);

std::optional<exec::CommandRunner::Options> supervisor_options(const WorkerOptions& options) {
  if (!options.run_commands) return std::nullopt;
  exec::CommandRunner::Options out;
  out.slots = options.slots;
  out.output_limit = options.output_limit;
  out.kill_grace = options.kill_grace;
  return out;
}

WorkerOptions checked(WorkerOptions options) {
  if (options.slots == 0) options.slots = std::max(std::thread::hardware_concurrency(), 1U);
  if (options.slots > kMostSlots)
    throw Error("a worker can have " + std::to_string(kMostSlots) + " slots at most");
  if (options.threads > kMostExecutors)
    throw Error("a worker can have " + std::to_string(kMostExecutors) + " threads at most");
  if (options.threads == 0) options.threads = kMostExecutors;
  options.threads = std::min(options.threads, options.slots);
  if (options.output_limit > kMostOutputLimit)
    throw Error("at most " + std::to_string(kMostOutputLimit) +
                " bytes of a command's output can be kept: let it write more to a file");
  if (options.name.size() > wire::kMaxName)
    throw Error("a worker's name may have 128 bytes at most");
  if (options.name.empty()) options.name = net::default_name();
  return options;
}

std::string read_endpoint(std::string& access_file) {
  try {
    access_file = Access::find(access_file);
    return net::addresses_of(Access::load(access_file));
  } catch (const Error& error) {
    throw Error("a worker needs the endpoint of a ventilator, or its access file: " +
                std::string(error.what()));
  }
}

}  // namespace

class SLUICE_LOCAL Worker::Impl {
 public:
  explicit Impl(WorkerOptions given) : options(checked(std::move(given))) {
    // Forked here, before the ZeroMQ context exists.
    if (const auto wanted = supervisor_options(options)) commands.emplace(*wanted);
  }

  void add(std::string type, net::TaskHandler handler) {
    const std::scoped_lock lock(mutex);
    if (options.run_commands)
      throw Error("a worker that runs commands takes no handlers: make a second worker for them");
    if (started) throw Error("handlers must be named before the worker starts");
    if (type.empty() || !wire::valid_name(type))
      throw Error("a task type must be 1 to 128 bytes of UTF-8");
    if (!handler.sync && !handler.async)
      throw Error("the handler of type \"" + type + "\" is empty");
    if (types.size() >= wire::kMaxTypes)
      throw Error("a worker can serve " + std::to_string(wire::kMaxTypes) + " types at most");
    if (std::find(types.begin(), types.end(), type) != types.end())
      throw Error("type \"" + type + "\" has a handler already");
    types.push_back(std::move(type));
    handlers.push_back(std::move(handler));
  }

  void start(const std::string& endpoint) {
    std::string where = endpoint.empty() ? options.connect : endpoint;
    std::string access_file = options.access_file;
    if (where.empty()) where = read_endpoint(access_file);
    await_welcome(make_loop(where, access_file), where);
  }

  // Null before start(). Once there, it stays until the worker's end.
  [[nodiscard]] net::WorkerLoop* loop() const {
    const std::scoped_lock lock(mutex);
    return started.get();
  }

  // Null if it was not started; then it never will be.
  net::WorkerLoop* stop() {
    const std::scoped_lock lock(mutex);
    stopped = true;
    return started.get();
  }

 private:
  // A worker without asynchronous handlers cannot run more tasks than it has threads.
  [[nodiscard]] std::uint32_t slots() const {
    const bool any_async =
        std::any_of(handlers.begin(), handlers.end(),
                    [](const net::TaskHandler& h) { return h.async != nullptr; });
    return commands || any_async ? options.slots : options.threads;
  }

  std::unique_ptr<net::WorkerSlots> make_slots(std::size_t capacity, net::Wake& wake) {
    if (commands) return std::make_unique<net::WorkerSlots>(*commands, options.slots);
    const net::ExecutorPool::Size size{slots(), options.threads, capacity};
    return std::make_unique<net::WorkerSlots>(types, handlers, size, wake);
  }

  net::WorkerLoop& make_loop(const std::string& where, const std::string& access_file) {
    const std::scoped_lock lock(mutex);
    if (started) throw Error("this worker was started before; make another one");
    if (stopped) throw Error("this worker was stopped before it started; make another one");
    if (!commands && types.empty())
      throw Error("a worker needs a handler (on) or run_commands before it starts");
    core::RunnerOptions runner;
    runner.name = options.name;
    runner.types = commands ? std::vector<std::string>{kCommandType} : types;
    runner.slots = slots();
    runner.executors = commands ? 0 : options.threads;
    runner.prefetch = options.prefetch;
    runner.push_lane = options.push_lane;
    net::AddressList addresses(where);
    // Half of the attempts go to who stands by.
    if (addresses.size() > 1) runner.reconnect_most = kMostWaitOfSeveral;
    started = std::make_unique<net::WorkerLoop>(
        std::move(addresses), access_file, runner, options.end_with_ventilator,
        [this](std::size_t capacity, net::Wake& wake) { return make_slots(capacity, wake); });
    return *started;
  }

  void await_welcome(net::WorkerLoop& loop, const std::string& where) const {
    const auto limit = options.connect_timeout;
    const bool ready = loop.wait_ready(
        limit.count() > 0 ? std::optional(limit) : std::optional<std::chrono::milliseconds>{});
    if (ready || loop.wait_ended(std::chrono::milliseconds(0))) return;
    const std::string trouble = loop.trouble();
    throw Error("no ventilator welcomed this worker at " + where + " within " +
                std::to_string(limit.count()) + " ms" + (trouble.empty() ? "" : ": " + trouble) +
                "; check that it runs and that its address is right");
  }

  const WorkerOptions options;
  std::optional<exec::CommandRunner> commands;  // before the loop: outlives it

  mutable std::mutex mutex;  // guards what follows
  std::vector<std::string> types;
  std::vector<net::TaskHandler> handlers;
  bool stopped = false;
  std::unique_ptr<net::WorkerLoop> started;
};

Worker::Worker(WorkerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Worker::~Worker() = default;

void Worker::on(std::string type, Handler handler) {
  impl_->add(std::move(type), {std::move(handler), nullptr});
}

void Worker::on_async(std::string type, AsyncHandler handler) {
  impl_->add(std::move(type), {nullptr, std::move(handler)});
}

void Worker::start(const std::string& endpoint) { impl_->start(endpoint); }

void Worker::run(const std::string& endpoint) {
  start(endpoint);
  (void)impl_->loop()->wait_ended(std::nullopt);
}

void Worker::drain(std::chrono::milliseconds deadline) {
  if (auto* const loop = impl_->loop()) loop->drain(core::DrainMode::return_queued, deadline);
}

bool Worker::wait_ended(std::chrono::milliseconds timeout) {
  auto* const loop = impl_->loop();
  return loop == nullptr || loop->wait_ended(timeout);
}

void Worker::stop() {
  auto* const loop = impl_->stop();
  if (loop == nullptr) return;
  loop->drain(core::DrainMode::stop, kStop);
  (void)loop->wait_ended(std::nullopt);
}

void Worker::vanish() {
  if (auto* const loop = impl_->loop()) loop->vanish();
}

void Worker::lose_lane() {
  if (auto* const loop = impl_->loop()) loop->lose_lane();
}

Worker::Stats Worker::stats() const {
  const auto* const loop = impl_->loop();
  return loop != nullptr ? loop->stats() : Stats{};
}

}  // namespace sluice
