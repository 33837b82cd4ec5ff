// ventilator.cpp: the public Ventilator: what is refused at once, and what the loop decides.
// SPDX-License-Identifier: MIT
#include <sluice/ventilator.hpp>

#include <mutex>
#include <optional>
#include <utility>

#include <sluice/error.hpp>

#include "net/published_access.hpp"
#include "net/task_check.hpp"
#include "net/ventilator_loop.hpp"
#include "wire/limits.hpp"

namespace sluice {
namespace {

void check(const VentilatorOptions& options) {
  const auto heartbeat = options.heartbeat;
  if (heartbeat < core::Timers::kLeastHeartbeat || heartbeat > core::Timers::kMostHeartbeat)
    throw Error("a heartbeat of " + std::to_string(heartbeat.count()) +
                " ms is out of range: give 250 ms to 30 s");
  if (options.sinks.empty())
    throw Error("a ventilator needs a sink for its outcomes: name at least one endpoint");
  if (options.sinks.size() > wire::kMaxSinks)
    throw Error("at most " + std::to_string(wire::kMaxSinks) + " sinks can be named");
  if (options.max_frame < 128 * 1024 || options.max_frame > wire::kHardMaxFrame)
    throw Error("max_frame must lie between 128 KiB and 64 MiB");
  if (options.lane_port_first > options.lane_port_last || options.lane_port_first == 0)
    throw Error("the range of lane ports is empty: the first port must not exceed the last");
  if (options.failover_after.count() < 1000 || options.failover_after.count() > 600'000)
    throw Error("failover_after must lie between 1 s and 10 min");
  if (options.journal_sync.count() < 0)
    throw Error("journal_sync must not be negative: 0 means before each confirm");
  if (options.max_bytes == 0)
    throw Error("max_bytes must not be zero");
}

}  // namespace

class SLUICE_LOCAL Ventilator::Impl {
 public:
  explicit Impl(const VentilatorOptions& options) : loop(options) {
    if (!options.access.empty())
      access.emplace(options.access, loop.endpoint(), options.sinks, loop.log(),
                     !options.journal.empty());
  }

  void stop() {
    {
      const std::scoped_lock lock(stopping);
      access.reset();  // first: nobody new is to come
    }
    loop.stop();
  }

  [[nodiscard]] TaskId id_of(core::Seq seq) const { return {loop.log(), core::raw(seq)}; }

  // A keyed task needs the core's answer: it may be one that is known already.
  std::optional<TaskId> submit_keyed(const Task& task, const Announce& announce) {
    core::SubmitEntry entry;
    entry.key = task.key;
    entry.priority = task.priority;
    entry.delay_ms = core::to_ms(task.delay);
    entry.ttl_ms = core::to_ms(task.ttl);
    entry.exec_ms = core::to_ms(task.timeout);
    entry.max_attempts = task.max_attempts;
    entry.payload = task.payload;
    std::optional<core::Seq> seq;
    core::Code code = core::Code::busy;
    loop.call([&](core::Dispatcher& core, core::Time now) {
      seq = core.reserve(1);
      if (!seq) return;
      code = core.submit(*seq, task.type, entry, now);
      if (code == core::Code::duplicate)
        seq = core.find_key(task.key);
      else if (code == core::Code::ok && announce)
        announce(id_of(*seq), false);
    });
    if (code == core::Code::conflict)
      throw Error("the key \"" + task.key + "\" belongs to another task of the last minutes");
    if (!seq) return std::nullopt;
    if (code == core::Code::duplicate && announce) announce(id_of(*seq), true);
    return id_of(*seq);
  }

  // A number from a block that was reserved before: nothing to wait for but room.
  std::optional<TaskId> submit_unkeyed(const Task& task, bool wait, const Announce& announce) {
    net::SubmitInbox::Announce told;
    if (announce) told = [&](core::Seq seq) { announce(id_of(seq), false); };
    core::Seq seq{};
    net::SubmitInbox& inbox = loop.inbox();
    auto result = wait ? inbox.put(task, seq, told) : inbox.try_put(task, seq, told);
    // The first task of all finds no numbers, and that alone is no reason to refuse it.
    if (result == net::SubmitInbox::Result::full && inbox.await_numbers())
      result = inbox.try_put(task, seq, told);
    if (result == net::SubmitInbox::Result::taken) return id_of(seq);
    if (result == net::SubmitInbox::Result::full) return std::nullopt;
    loop.rethrow_failure();
    throw Error("the ventilator has stopped: the task was not taken");
  }

  net::VentilatorLoop loop;
  std::mutex stopping;
  std::optional<net::PublishedAccess> access;
  std::atomic<bool> draining{false};
};

Ventilator::Ventilator(VentilatorOptions options) {
  check(options);
  if (!options.access.empty()) (void)net::check_access_free(options.access);
  impl_ = std::make_unique<Impl>(options);
}

Ventilator::~Ventilator() = default;

std::string Ventilator::endpoint() const { return impl_->loop.endpoint(); }

std::array<std::uint8_t, 16> Ventilator::log() const { return impl_->loop.log(); }

std::optional<TaskId> Ventilator::submit(const Task& task, bool wait, const Announce& announce) {
  net::check_task(task, impl_->loop.max_payload());
  for (;;) {
    if (impl_->draining) throw Error("this ventilator drains: it takes no more tasks");
    if (task.key.empty()) return impl_->submit_unkeyed(task, wait, announce);
    const auto id = impl_->submit_keyed(task, announce);
    if (id || !wait) return id;
    impl_->loop.wait_for_room();
  }
}

TaskId Ventilator::submit(const Task& task) { return *submit(task, true, {}); }

std::optional<TaskId> Ventilator::try_submit(const Task& task) { return submit(task, false, {}); }

std::size_t Ventilator::unsettled() const { return impl_->loop.unsettled(); }

bool Ventilator::wait_settled(std::chrono::milliseconds timeout) const {
  return impl_->loop.wait_settled(timeout);
}

// A turn passes that fetches what was submitted before, and writes it.
void Ventilator::flush() {
  impl_->loop.call([](core::Dispatcher&, core::Time) {});
}

bool Ventilator::cancel(const TaskId& id) {
  if (id.log != log()) return false;
  bool known = false;
  impl_->loop.call([&](core::Dispatcher& core, core::Time now) {
    known = core.cancel(static_cast<core::Seq>(id.seq), now);
  });
  return known;
}

std::string Ventilator::status_json() const { return impl_->loop.status_json(); }

std::size_t Ventilator::workers() const { return impl_->loop.workers(); }

std::vector<std::string> Ventilator::standbys() const {
  impl_->loop.check_ownership();
  return impl_->loop.standbys();
}

void Ventilator::drain() {
  impl_->draining = true;
  impl_->loop.call([](core::Dispatcher& core, core::Time) { core.drain(); });
}

void Ventilator::halt(bool stop_running) {
  impl_->draining = true;
  impl_->loop.call(
      [stop_running](core::Dispatcher& core, core::Time now) { core.halt(stop_running, now); });
}

void Ventilator::stop() { impl_->stop(); }

}  // namespace sluice
