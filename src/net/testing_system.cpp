// testing_system.cpp: real roles in one process, and faults that a seed has chosen.
// SPDX-License-Identifier: MIT
#include <sluice/testing.hpp>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>

#include <sluice/error.hpp>
#include <sluice/sink.hpp>
#include <sluice/ventilator.hpp>

#include "core/random.hpp"

namespace sluice::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kHeartbeat{250};
constexpr std::uint32_t kOwnAttempts = 5;       // that a handler's own failures may use up
constexpr std::uint32_t kNeverBlamed = 10'000;  // deaths are ours, not the task's

enum class Fault : std::uint64_t {
  crash_before = 1,
  crash_after,
  failure,
  delay,
  delay_length,
  lost_lane
};

const char* name_of(Fault fault) {
  switch (fault) {
    case Fault::crash_before:
      return "crash before";
    case Fault::crash_after:
      return "crash after";
    case Fault::failure:
      return "failure";
    case Fault::lost_lane:
      return "lost lane";
    default:
      return "delay";
  }
}

std::uint64_t seed_from_environment(std::uint64_t given) {
  const char* const text = std::getenv("SLUICE_SEED");
  if (text == nullptr || *text == '\0') return given;
  const char* const end = text + std::strlen(text);
  std::uint64_t seed = 0;
  const auto [stop, error] = std::from_chars(text, end, seed);
  if (error != std::errc{} || stop != end)
    throw Error("SLUICE_SEED must be a number, not \"" + std::string(text) + "\"");
  return seed;
}

SystemOptions checked(SystemOptions options) {
  const Faults& faults = options.faults;
  for (const double p :
       {faults.crash_before, faults.crash_after, faults.failure, faults.delay, faults.lost_lane})
    if (!(p >= 0 && p <= 1)) throw Error("the probability of a fault must lie between 0 and 1");
  if (options.faults_per_task < 1 || options.faults_per_task > 10)
    throw Error("faults_per_task must lie between 1 and 10");
  if (options.workers == 0 || options.slots == 0)
    throw Error("a system needs at least one worker and one slot");
  options.seed = seed_from_environment(options.seed);
  return options;
}

}  // namespace

class SLUICE_LOCAL System::Impl {
 public:
  explicit Impl(const SystemOptions& given)
      : options(checked(given)),
        sink(sink_options(), [this](const OutcomeView& outcome) { take(outcome); }),
        ventilator(ventilator_options(sink.endpoint())) {}

  ~Impl() {
    {
      const std::scoped_lock lock(mutex);
      ending = true;
    }
    changed.notify_all();
    ventilator.stop();
    nodes.clear();  // waits for handlers
    dead.clear();
    sink.stop();
  }

  static SinkOptions sink_options() {
    SinkOptions out;
    out.heartbeat = kHeartbeat;
    return out;
  }
  static VentilatorOptions ventilator_options(const std::string& sink) {
    VentilatorOptions out;
    out.sinks = {sink};
    out.heartbeat = kHeartbeat;
    out.backoff = milliseconds(1);
    out.max_losses = kNeverBlamed;
    return out;
  }

  // --- what happens to an execution ------------------------------------------

  struct Node {
    std::unique_ptr<Worker> worker;
    bool crashed = false;        // guarded by mutex
    std::uint32_t handlers = 0;  // running, guarded by mutex
  };

  // Which execution of which task. Attempts will not do: a task that waited on a worker that died
  // may count as one that ran there, and which those are is up to threads.
  struct Execution {
    std::uint64_t seq = 0, number = 1;
  };

  Execution count_execution(const TaskView& task) {
    const std::scoped_lock lock(mutex);
    return {task.id.seq, ++reached[task.id.seq]};
  }

  [[nodiscard]] double chance(const Execution& task, Fault fault) const {
    std::uint64_t x = core::splitmix64(options.seed);
    for (const std::uint64_t part : {task.seq, task.number, static_cast<std::uint64_t>(fault)})
      x = core::splitmix64(x ^ part);
    return static_cast<double>(x >> 11) * 0x1p-53;
  }

  [[nodiscard]] bool is_hit(const Execution& task, Fault fault, double probability) const {
    const bool lasting = fault != Fault::delay;
    if (lasting && task.number > options.faults_per_task) return false;
    return chance(task, fault) < probability;
  }

  void note(const Execution& task, Fault fault, std::uint64_t& count) {
    const std::scoped_lock lock(mutex);
    ++count;
    log += "task " + std::to_string(task.seq) + ", execution " + std::to_string(task.number) +
           ": " + name_of(fault) + '\n';
  }

  std::vector<std::byte> execute(Node& node, const Worker::Handler& handler, const TaskView& view) {
    const Busy busy(*this, node);
    const Execution task = count_execution(view);
    const Faults& faults = options.faults;
    if (is_hit(task, Fault::delay, faults.delay)) delay(task);
    if (is_hit(task, Fault::lost_lane, faults.lost_lane)) {
      note(task, Fault::lost_lane, counts.lost_lanes);
      node.worker->lose_lane();
    }
    if (is_hit(task, Fault::crash_before, faults.crash_before)) {
      note(task, Fault::crash_before, counts.crashes_before);
      crash(node);
      return {};
    }
    begin(task);
    std::vector<std::byte> result = handler(view);
    const bool dies = is_hit(task, Fault::crash_after, faults.crash_after);
    const bool fails = !dies && is_hit(task, Fault::failure, faults.failure);
    finished(task);
    if (dies) {
      note(task, Fault::crash_after, counts.crashes_after);
      crash(node);
    }
    if (fails) {
      note(task, Fault::failure, counts.failures);
      throw std::runtime_error("a failure made by sluice::testing, seed " +
                               std::to_string(options.seed));
    }
    return result;
  }

  void delay(const Execution& task) {
    note(task, Fault::delay, counts.delays);
    const double share = chance(task, Fault::delay_length);
    const auto most = std::chrono::duration<double, std::milli>(options.faults.longest_delay);
    std::unique_lock lock(mutex);
    changed.wait_for(lock, most * share, [this] { return ending; });
  }

  void begin(const Execution& task) {
    const std::scoped_lock lock(mutex);
    ++counts.executions;
    if (done_once.count(task.seq) > 0) ++counts.repeated;
  }
  void finished(const Execution& task) {
    const std::scoped_lock lock(mutex);
    done_once.insert(task.seq);
  }

  // On return nothing of what it holds, or still makes, will leave that worker.
  void crash(Node& node) {
    node.worker->vanish();
    const std::scoped_lock lock(mutex);
    node.crashed = true;
    changed.notify_all();
  }

  // Counts a handler, so that no worker is destroyed while one of its handlers runs.
  class Busy {
   public:
    Busy(Impl& impl, Node& node) : impl_(impl), node_(node) {
      const std::scoped_lock lock(impl_.mutex);
      ++node_.handlers;
    }
    ~Busy() {
      const std::scoped_lock lock(impl_.mutex);
      --node_.handlers;
      impl_.changed.notify_all();
    }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    Impl& impl_;
    Node& node_;
  };

  // --- a run -------------------------------------------------------------------

  void take(const OutcomeView& outcome) {
    const std::scoped_lock lock(mutex);
    if (!outcomes.try_emplace(outcome.id.seq, outcome).second)
      second = "task " + std::to_string(outcome.id.seq) + " had a second outcome";
    awaited.erase(outcome.id.seq);
    if (awaited.empty() || !second.empty()) changed.notify_all();
  }

  std::unique_ptr<Node> start_node() {
    auto node = std::make_unique<Node>();
    WorkerOptions of_worker;
    of_worker.slots = options.slots;
    of_worker.name = "worker " + std::to_string(++started);
    node->worker = std::make_unique<Worker>(of_worker);
    for (const auto& [type, handler] : handlers)
      node->worker->on(
          type, Worker::Handler([this, at = node.get(), &handler = handler](const TaskView& task) {
            return execute(*at, handler, task);
          }));
    node->worker->start(ventilator.endpoint());
    return node;
  }

  // What crashed is replaced at once, and goes when its last handler has returned.
  void replace_crashed(std::unique_lock<std::mutex>& lock) {
    for (auto& node : nodes) {
      if (!node->crashed) continue;
      dead.push_back(std::move(node));
      lock.unlock();
      auto fresh = start_node();
      lock.lock();
      node = std::move(fresh);
    }
    std::vector<std::unique_ptr<Node>> gone;
    for (auto& node : dead)
      if (node->handlers == 0) gone.push_back(std::move(node));
    std::erase(dead, nullptr);
    lock.unlock();
    gone.clear();
    lock.lock();
  }

  [[nodiscard]] bool has_crashed() const {
    return std::any_of(nodes.begin(), nodes.end(), [](const auto& node) { return node->crashed; });
  }

  std::vector<Outcome> run(const std::vector<Task>& tasks, milliseconds timeout) {
    while (nodes.size() < options.workers) nodes.push_back(start_node());
    const auto until = steady_clock::now() + timeout;
    std::vector<std::uint64_t> seqs;
    for (Task task : tasks) {
      task.max_attempts =
          (task.max_attempts > 0 ? task.max_attempts : kOwnAttempts) + options.faults_per_task;
      seqs.push_back(ventilator.submit(task).seq);
    }
    std::unique_lock lock(mutex);
    for (const std::uint64_t seq : seqs)
      if (outcomes.count(seq) == 0) awaited.insert(seq);
    const auto something = [this] { return has_crashed() || !second.empty() || awaited.empty(); };
    while (second.empty() && !awaited.empty()) {
      if (!changed.wait_until(lock, until, something))
        throw Error(missing() + " not settled within " + std::to_string(timeout.count()) +
                    " ms; SLUICE_SEED=" + std::to_string(options.seed) + " does it again");
      replace_crashed(lock);
    }
    if (!second.empty())
      throw Error(second + "; SLUICE_SEED=" + std::to_string(options.seed) + " does it again");
    std::vector<Outcome> out;
    for (const std::uint64_t seq : seqs) out.push_back(outcomes.at(seq));
    return out;
  }

  [[nodiscard]] std::string missing() const {
    std::string which;
    std::size_t count = 0;
    for (const std::uint64_t seq : awaited)
      if (++count <= 5) which += (which.empty() ? "" : ", ") + std::to_string(seq);
    return std::to_string(count) + " tasks (" + which + (count > 5 ? ", ..." : "") + ") were";
  }

  const SystemOptions options;
  std::map<std::string, Worker::Handler> handlers;
  std::uint64_t started = 0;

  mutable std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  bool ending = false;
  Counts counts;
  std::string log;
  std::map<std::uint64_t, std::uint64_t> reached;  // times that a task came to a slot
  std::set<std::uint64_t> done_once;               // tasks that a handler has finished
  std::map<std::uint64_t, Outcome> outcomes;
  std::set<std::uint64_t> awaited;
  std::string second;

  Sink sink;
  Ventilator ventilator;
  std::vector<std::unique_ptr<Node>> nodes, dead;
};

System::System(SystemOptions options) : impl_(std::make_unique<Impl>(options)) {}

System::~System() = default;

void System::on(std::string type, Worker::Handler handler) {
  if (impl_->started > 0) throw Error("handlers must be named before the first run()");
  if (!impl_->handlers.emplace(type, std::move(handler)).second)
    throw Error("type \"" + type + "\" has a handler already");
}

std::vector<Outcome> System::run(const std::vector<Task>& tasks, milliseconds timeout) {
  if (impl_->handlers.empty()) throw Error("a system needs a handler: name one with on()");
  return impl_->run(tasks, timeout);
}

System::Counts System::counts() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->counts;
}

std::string System::trace() const {
  const std::scoped_lock lock(impl_->mutex);
  return "seed " + std::to_string(impl_->options.seed) + '\n' + impl_->log;
}

std::uint64_t System::seed() const { return impl_->options.seed; }

}  // namespace sluice::testing
