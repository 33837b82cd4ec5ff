// supervisor.cpp: waiting for a worker's wishes and its commands' events.
// SPDX-License-Identifier: MIT
#include "exec/supervisor.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/assert.hpp"
#include "exec/pidfd.hpp"
#include "sluice/error.hpp"

namespace sluice::exec {
namespace {

constexpr std::size_t kScratchBytes = std::size_t{64} << 10;  // what a pipe holds
constexpr std::size_t kMinResultBytes = std::size_t{8} << 10;
constexpr std::size_t kResultOverhead = std::size_t{2} << 10;  // numbers, headers, the reason
constexpr int kMaxEventsPerTurn = 64;
constexpr int kMaxReadsPerTurn = 64;
constexpr std::uint32_t kMaxPlaces = std::uint32_t{1} << 24;

[[noreturn]] void fail(const char* what) {
  throw Error(std::string("cannot ") + what + " to supervise commands: " + std::strerror(errno));
}

UniqueFd child_signals() {
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGCHLD);
  if (::sigprocmask(SIG_BLOCK, &mask, nullptr) != 0) fail("block SIGCHLD");
  return UniqueFd(::signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC));
}

// From now to `deadline` in whole milliseconds, rounded up; -1 is for ever.
int milliseconds_until(Clock::time_point deadline) {
  if (deadline == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000));
}

}  // namespace

Supervisor::Supervisor(const CommandOptions& options, UniqueFd socket, pid_t worker,
                       const Environment::Variable& marker)
    : options_(options),
      socket_(std::move(socket)),
      worker_(open_pidfd(worker)),
      children_(child_signals()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      spawner_(marker),
      scratch_(kScratchBytes) {
  if (!worker_) fail("open a pidfd of the worker");
  if (!children_) fail("open a signalfd");
  if (!epoll_) fail("open an epoll");
  if (!watch(socket_.get(), EPOLLIN, Source::socket, 0) ||
      !watch(worker_.get(), EPOLLIN, Source::worker, 0) ||
      !watch(children_.get(), EPOLLIN, Source::children, 0))
    fail("watch the worker");
  const std::size_t result_bytes = std::max(options.max_result_bytes, kMinResultBytes);
  display_limit_ = result_bytes / 16;
  stream_limit_ = (result_bytes - display_limit_ - kResultOverhead) / 2;
}

void Supervisor::run() {
  outbox_.begin(FrameKind::ready);
  outbox_.put(std::string_view());
  outbox_.end();
  write_socket();
  while (turn()) {
  }
  kill_everything();
}

// Deadlines come after the events: a command that has ended in time must not
// be called late because both are seen in one turn.
bool Supervisor::turn() {
  wait_and_dispatch();
  if (worker_gone_) return false;
  meet_deadlines();
  if (strays_to_reap_) reap_strays();
  write_socket();
  return !worker_gone_ && !(stopping_ && by_token_.empty() && outbox_.empty());
}

void Supervisor::wait_and_dispatch() {
  std::array<epoll_event, kMaxEventsPerTurn> events{};
  const Clock::time_point next =
      deadlines_.empty() ? Clock::time_point::max() : deadlines_.begin()->first;
  const int n =
      ::epoll_wait(epoll_.get(), events.data(), kMaxEventsPerTurn, milliseconds_until(next));
  SLUICE_ASSERT(n >= 0 || errno == EINTR);
  for (int i = 0; i < n && !worker_gone_; ++i)
    dispatch(events[static_cast<std::size_t>(i)].data.u64);
}

bool Supervisor::watch(int fd, std::uint32_t events, Source source, std::uint32_t index) {
  const std::uint64_t generation = index < places_.size() ? places_[index].generation : 0;
  epoll_event event{};
  event.events = events;
  event.data.u64 =
      generation << 32 | std::uint64_t{index} << 8 | static_cast<std::uint64_t>(source);
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Supervisor::dispatch(std::uint64_t tag) {
  const Source source = static_cast<Source>(tag & 0xFF);
  const std::uint32_t index = static_cast<std::uint32_t>(tag >> 8) & (kMaxPlaces - 1);
  switch (source) {
    case Source::socket:
      return read_socket();
    case Source::worker:
      worker_gone_ = true;
      return;
    case Source::children: {
      signalfd_siginfo info{};
      while (::read(children_.get(), &info, sizeof info) > 0) {
      }
      strays_to_reap_ = true;
      return;
    }
    default:
      // An event of this very turn may speak of a command that has just finished.
      if (places_[index].used && places_[index].generation == tag >> 32)
        dispatch_execution(source, index);
  }
}

void Supervisor::dispatch_execution(Source source, std::uint32_t index) {
  Execution& execution = places_[index].execution;
  switch (source) {
    case Source::leader:
      return leader_exited(index);
    case Source::out:
      execution.out.read_some(scratch_);
      break;
    case Source::err:
      execution.err.read_some(scratch_);
      break;
    case Source::in:
      return execution.feed();
    default:
      return;
  }
  const bool ended = !execution.out.is_open() && !execution.err.is_open();
  if (ended && execution.leader_exited) finish_or_linger(index);
}

void Supervisor::read_socket() {
  for (int i = 0; i < kMaxReadsPerTurn; ++i) {
    const Inbox::Fill fill = inbox_.fill(socket_.get());
    if (fill == Inbox::Fill::empty) return;
    if (fill == Inbox::Fill::ended) {
      worker_gone_ = true;
      return;
    }
    while (const auto frame = inbox_.next()) handle(*frame);
  }
}

void Supervisor::write_socket() {
  const Outbox::Flush flush = outbox_.flush(socket_.get());
  if (flush == Outbox::Flush::broken) {
    worker_gone_ = true;
    return;
  }
  const bool blocked = flush == Outbox::Flush::blocked;
  if (blocked == waits_to_write_) return;
  waits_to_write_ = blocked;
  epoll_event event{};
  event.events = EPOLLIN;
  if (blocked) event.events |= EPOLLOUT;
  event.data.u64 = static_cast<std::uint64_t>(Source::socket);
  const int failed = ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket_.get(), &event);
  SLUICE_ASSERT(failed == 0);
}

void Supervisor::handle(std::span<const std::byte> frame) {
  FrameReader reader(frame);
  switch (reader.kind()) {
    case FrameKind::run:
      return start(read_run(reader));
    case FrameKind::cancel: {
      // One that is not there has finished already; its frame is under way.
      const auto found = by_token_.find(reader.number());
      if (found != by_token_.end())
        begin_stop(found->second, CommandResult::End::cancelled, options_.kill_grace);
      return;
    }
    case FrameKind::stop:
      return stop(std::chrono::milliseconds(reader.number()));
    case FrameKind::ready:
    case FrameKind::finished:
      break;
  }
  const bool comes_from_a_worker = false;
  SLUICE_ASSERT(comes_from_a_worker);
}

std::uint32_t Supervisor::take_place() {
  if (free_places_.empty()) {
    SLUICE_ASSERT(places_.size() < kMaxPlaces);
    places_.emplace_back();
    free_places_.push_back(static_cast<std::uint32_t>(places_.size() - 1));
  }
  const std::uint32_t index = free_places_.back();
  free_places_.pop_back();
  places_[index].used = true;
  return index;
}

void Supervisor::give_place_back(std::uint32_t index) {
  Place& place = places_[index];
  set_deadline(index, Clock::time_point::max());
  by_token_.erase(place.execution.token);
  leaders_.erase(place.execution.pid);
  place.execution = Execution{};  // closes its descriptors, and so ends their events
  place.used = false;
  ++place.generation;
  free_places_.push_back(index);
}

void Supervisor::set_deadline(std::uint32_t index, Clock::time_point deadline) {
  Execution& execution = places_[index].execution;
  if (execution.deadline != Clock::time_point::max())
    deadlines_.erase({execution.deadline, index});
  execution.deadline = deadline;
  if (deadline != Clock::time_point::max()) deadlines_.insert({deadline, index});
}

}  // namespace sluice::exec
