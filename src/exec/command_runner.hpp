// command_runner.hpp: a worker's way to run commands in processes of their own.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "exec/environment.hpp"
#include "exec/frames.hpp"
#include "exec/options.hpp"
#include "exec/unique_fd.hpp"
#include "sluice/command.hpp"

namespace sluice::exec {

/// How one command came out.
struct Finished {
  std::uint64_t token = 0;  ///< as given to run()
  bool ok = false;          ///< it exited by itself with code 0
  CommandResult::End end = CommandResult::End::exited;
  std::vector<std::byte> result;  ///< an encoded CommandResult
  std::string error;              ///< one line for people, e.g. "exit code 3"; empty if ok
  std::int64_t started_us = 0;    ///< system clock, microseconds since 1970
  std::int64_t run_us = 0;        ///< from the start to the exit of the command's first process
};

/// Runs commands through a supervisor: a small process with one thread that
/// starts them, feeds and reads their pipes, and keeps their time. The worker
/// only exchanges frames with it and never waits.
///
/// A command is the leader of a process group of its own, without a terminal.
/// Its environment is the worker's at construction, then Command::env, then
/// task_env; later wins. SLUICE_SUPERVISOR is set, too.
///
/// **The end of a command is the end of its first process.** What is left of
/// its group is killed then: at once if it has closed stdout and stderr, or
/// after `linger` while it holds one open; its output up to then belongs to the
/// command. After a timeout or a cancel the group gets TERM and has
/// `kill_grace` to end before it is killed. A process that left the group (a
/// daemon that called setsid) lives on, at most as long as the supervisor.
///
/// **Nothing outlives the worker.** If it ends in whatever way, SIGKILL
/// included, the supervisor kills all that descends from it, daemons too. If
/// the supervisor is killed, so are the commands (by the kernel), and the
/// runner ends their orphans: for that the worker becomes a child subreaper,
/// which also makes it the parent of orphans of its other children; an
/// embedding program that minds switches off CommandOptions::adopt_orphans. Only
/// processes of the supervisor's session, or started with its mark in
/// SLUICE_SUPERVISOR, are taken for orphans of ours.
///
/// Construct it early: the supervisor is a fork, so before the process has
/// threads, a ZeroMQ context or much memory (a command's peak memory is never
/// less than the supervisor's). Belongs to one thread.
class CommandRunner {
 public:
  using Options = CommandOptions;

  /// Returns when the supervisor is ready. Throws sluice::Error.
  explicit CommandRunner(const Options& options);
  /// Kills all commands. Takes a few seconds at the very most.
  ~CommandRunner();
  CommandRunner(const CommandRunner&) = delete;
  CommandRunner& operator=(const CommandRunner&) = delete;

  /// To be polled for reading while alive(), and for writing while
  /// wants_write(); then call receive() and flush().
  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] bool wants_write() const { return alive_ && !outbox_.empty(); }

  /// Starts a command. `token` must not be in use, and fewer than
  /// Options::slots may be under way. A payload that is no command is answered
  /// like any other, with End::not_started. Timeout 0: none.
  void run(std::uint64_t token, std::span<const std::byte> command_payload,
           std::span<const std::pair<std::string, std::string>> task_env,
           std::chrono::milliseconds timeout);

  /// Stops a command, which then comes back from receive(), cancelled unless it
  /// had just ended. A token that is not under way is ignored.
  void cancel(std::uint64_t token);

  /// Stops all commands: TERM, and KILL after `grace`. They come back from
  /// receive(); then the supervisor ends and alive() turns false. No run()
  /// after this; a second stop with a shorter grace is allowed.
  void stop(std::chrono::milliseconds grace);

  /// Writes what waits to be written. Never blocks.
  void flush();

  /// The next command that has ended; false if there is none now. Does not
  /// block, but for the clean-up when the supervisor turns out to be gone.
  [[nodiscard]] bool receive(Finished& finished);

  /// Commands under way: started and not yet received.
  [[nodiscard]] std::size_t under_way() const { return under_way_.size(); }

  /// False once the supervisor is gone: after stop(), or because somebody
  /// killed it. Once receive() returns false, what is still under way is lost.
  [[nodiscard]] bool alive() const { return alive_; }

 private:
  void await_ready();
  void supervisor_gone();
  void kill_orphans();

  Options options_;
  Environment::Variable marker_;
  UniqueFd socket_;
  pid_t supervisor_ = 0;
  UniqueFd supervisor_pidfd_;
  Inbox inbox_;
  Outbox outbox_;
  std::unordered_set<std::uint64_t> under_way_;
  bool alive_ = true;
  bool stopping_ = false;
};

}  // namespace sluice::exec
