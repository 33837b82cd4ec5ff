// supervisor_commands.cpp: what a supervisor does with one command, from start to end.
// SPDX-License-Identifier: MIT
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/assert.hpp"
#include "exec/describe.hpp"
#include "exec/process_tree.hpp"
#include "exec/supervisor.hpp"

namespace sluice::exec {
namespace {

constexpr int kCannotRun = 126;
constexpr std::size_t kMaxReason = 1024;
// Longer timeouts would overflow the clock; nobody can tell them from none.
constexpr std::chrono::milliseconds kLongestTimeout = std::chrono::hours(24 * 365 * 10);
constexpr std::chrono::milliseconds kGroupCheck{20};

std::int64_t system_now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::string display_of(const Command& command, std::size_t limit) {
  if (!command.display.empty()) return std::string(cut_text(command.display, limit));
  std::string joined;
  for (const std::string& argument : command.argv) {
    if (joined.size() > limit) break;
    if (!joined.empty()) joined += ' ';
    joined += argument;
  }
  return std::string(cut_text(joined, limit));
}

}  // namespace

void Supervisor::start(const RunFrame& run) {
  SLUICE_ASSERT(!stopping_ && !by_token_.contains(run.token));
  std::optional<Command> command = Command::decode(run.payload);
  if (!command) {
    return refuse(run.token, kCannotRun,
                  "not a command: the payload (" + std::to_string(run.payload.size()) +
                      " bytes) is not the array that a task of type exec carries",
                  "");
  }
  std::string display = display_of(*command, display_limit_);
  const std::int64_t started_us = system_now_us();
  const Clock::time_point started = Clock::now();
  Spawned spawned;
  SpawnFailure failure;
  if (!spawner_.start(*command, run.env, spawned, failure))
    return refuse(run.token, failure.exit_code, std::move(failure.reason), std::move(display));

  const std::uint64_t wanted =
      command->output_limit == 0 ? options_.output_limit : command->output_limit;
  const std::uint64_t limit = std::min(wanted, stream_limit_);
  const std::uint32_t index = take_place();
  Execution& execution = places_[index].execution;
  execution.token = run.token;
  execution.pid = spawned.pid;
  execution.pidfd = std::move(spawned.pidfd);
  execution.in = std::move(spawned.in);
  execution.out = Capture(std::move(spawned.out), limit);
  execution.err = Capture(std::move(spawned.err), limit);
  if (execution.in) execution.input = std::move(command->input);
  execution.input_written = spawned.input_written;
  execution.display = std::move(display);
  execution.timeout = std::min(run.timeout, kLongestTimeout);
  execution.started_us = started_us;
  execution.started = started;
  by_token_.emplace(run.token, index);
  leaders_.insert(execution.pid);
  if (!watch_all(index)) {
    const std::string reason = std::string("cannot watch the command: ") + std::strerror(errno);
    execution.signal_group(SIGKILL);
    ::waitpid(execution.pid, nullptr, 0);
    std::string shown = std::move(execution.display);
    give_place_back(index);
    return refuse(run.token, kCannotRun, reason, std::move(shown));
  }
  if (execution.timeout.count() > 0) set_deadline(index, started + execution.timeout);
}

bool Supervisor::watch_all(std::uint32_t index) {
  const Execution& execution = places_[index].execution;
  return watch(execution.pidfd.get(), EPOLLIN, Source::leader, index) &&
         watch(execution.out.fd(), EPOLLIN, Source::out, index) &&
         watch(execution.err.fd(), EPOLLIN, Source::err, index) &&
         (!execution.in || watch(execution.in.get(), EPOLLOUT, Source::in, index));
}

void Supervisor::refuse(std::uint64_t token, int exit_code, std::string reason,
                        std::string display) {
  CommandResult result;
  result.end = CommandResult::End::not_started;
  result.exit_code = exit_code;
  result.error = one_line(reason, kMaxReason);
  result.display = std::move(display);
  put_finished(token, result, std::chrono::milliseconds(0), system_now_us());
}

void Supervisor::begin_stop(std::uint32_t index, CommandResult::End why,
                            std::chrono::milliseconds grace) {
  Execution& execution = places_[index].execution;
  if (execution.phase == Phase::killed) return;
  if (execution.phase == Phase::lingering && execution.kill_at == Clock::time_point::max())
    return;  // it has ended by itself
  const Clock::time_point kill_at = Clock::now() + std::min(grace, kLongestTimeout);
  if (execution.phase == Phase::running) {
    execution.phase = Phase::stopping;
    execution.stopped_by = why;
    execution.signal_group(SIGTERM);
    execution.signal_group(SIGCONT);  // a stopped process cannot hear TERM
  }
  if (kill_at >= execution.kill_at) return;
  execution.kill_at = kill_at;
  if (execution.phase == Phase::lingering) return finish_or_linger(index);
  set_deadline(index, kill_at);
}

void Supervisor::stop(std::chrono::milliseconds grace) {
  stopping_ = true;
  for (std::uint32_t index = 0; index < places_.size(); ++index) {
    if (places_[index].used) begin_stop(index, CommandResult::End::cancelled, grace);
  }
}

void Supervisor::leader_exited(std::uint32_t index) {
  Execution& execution = places_[index].execution;
  // Closing does not end the events at once while a child that is just being
  // started holds a copy; hence a second one may come.
  if (execution.leader_exited) return;
  execution.leader_exited = true;
  execution.exited = Clock::now();
  execution.pidfd.reset();
  execution.in.reset();
  // A stopped one keeps its time for clean-up: `sh -c` dies of TERM at once,
  // while the program that it started still saves its work.
  if (execution.kill_at == Clock::time_point::max())
    set_deadline(index, execution.exited + options_.linger);
  execution.phase = Phase::lingering;
  execution.out.drain(scratch_);
  execution.err.drain(scratch_);
  finish_or_linger(index);
}

// The leader has exited. Its group ends with it, but not before its output is
// complete or the wait for that is over, nor before the group has had its grace.
void Supervisor::finish_or_linger(std::uint32_t index) {
  Execution& execution = places_[index].execution;
  if (execution.kill_at == Clock::time_point::max()) {
    if (!execution.out.is_open() && !execution.err.is_open()) finish(index);
    return;
  }
  const Clock::time_point now = Clock::now();
  if (now >= execution.kill_at || !execution.group_lives_on()) return finish(index);
  set_deadline(index, std::min(execution.kill_at, now + kGroupCheck));
}

void Supervisor::finish(std::uint32_t index) {
  Execution& execution = places_[index].execution;
  execution.signal_group(SIGKILL);
  execution.out.drain(scratch_);
  execution.err.drain(scratch_);
  const std::uint64_t token = execution.token;
  const std::chrono::milliseconds timeout = execution.timeout;
  const std::int64_t started_us = execution.started_us;
  const CommandResult result = execution.collect();
  give_place_back(index);
  put_finished(token, result, timeout, started_us);
}

void Supervisor::put_finished(std::uint64_t token, const CommandResult& result,
                              std::chrono::milliseconds timeout, std::int64_t started_us) {
  outbox_.begin(FrameKind::finished);
  outbox_.put(token);
  outbox_.put(static_cast<std::uint64_t>(result.end));
  outbox_.put(static_cast<std::uint64_t>(result.ok() ? 1 : 0));
  outbox_.put(static_cast<std::uint64_t>(std::max<std::int64_t>(0, started_us)));
  outbox_.put(static_cast<std::uint64_t>(result.wall.count()));
  outbox_.put(describe(result, timeout));
  outbox_.put(result.encode());
  outbox_.end();
}

void Supervisor::meet_deadlines() {
  const Clock::time_point now = Clock::now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const std::uint32_t index = deadlines_.begin()->second;
    Execution& execution = places_[index].execution;
    set_deadline(index, Clock::time_point::max());
    switch (execution.phase) {
      case Phase::running:
        begin_stop(index, CommandResult::End::timed_out, options_.kill_grace);
        break;
      case Phase::stopping:
        execution.phase = Phase::killed;
        execution.signal_group(SIGKILL);
        break;
      case Phase::killed:
        break;
      case Phase::lingering:
        execution.kill_at == Clock::time_point::max() ? finish(index) : finish_or_linger(index);
        break;
    }
  }
}

// Collects orphans that became our children. Leaders are left to their own
// event: while a leader is not waited for, its group's number is safe to signal.
void Supervisor::reap_strays() {
  for (;;) {
    siginfo_t info{};
    const int failed = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
    if (failed != 0 || info.si_pid == 0) {
      strays_to_reap_ = false;  // none is left
      return;
    }
    if (leaders_.contains(info.si_pid)) return;  // it hides the others; looked at again next turn
    ::waitpid(info.si_pid, nullptr, WNOHANG);
  }
}

void Supervisor::kill_everything() {
  for (const Place& place : places_) {
    if (place.used) place.execution.signal_group(SIGKILL);
  }
  kill_children([](pid_t) { return true; }, kLastKillPatience);
}

}  // namespace sluice::exec
