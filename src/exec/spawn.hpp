// spawn.hpp: starting one command as the leader of a process group of its own.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "exec/environment.hpp"
#include "exec/frames.hpp"
#include "exec/unique_fd.hpp"
#include "sluice/command.hpp"

namespace sluice::exec {

/// A started command: its leader, and our ends of its pipes, none of which blocks.
struct Spawned {
  pid_t pid = 0;       ///< of the leader, and of its process group
  UniqueFd pidfd;      ///< readable once the leader has exited
  UniqueFd in;         ///< empty if all input is already in the pipe, or there is none
  UniqueFd out;
  UniqueFd err;
  std::size_t input_written = 0;
};

/// Why nothing was started.
struct SpawnFailure {
  int exit_code = 126;  ///< as a shell would say it: 127 not found, 126 anything else
  std::string reason;
};

/// Starts commands. Belongs to a process with one thread, since it uses vfork.
class Spawner {
 public:
  /// `marker` is put into the environment of every command. Throws
  /// sluice::Error. Remembers which signals this process ignores now, for those
  /// are what a command would inherit.
  explicit Spawner(const Environment::Variable& marker);

  /// Returns after the program has been executed or could not be. On failure
  /// `spawned` is untouched and nothing is left behind.
  [[nodiscard]] bool start(const Command& command, const Variables& task_env, Spawned& spawned,
                           SpawnFailure& failure);

 private:
  struct Report;
  struct Plan;
  struct Pipes;

  [[nodiscard]] bool launch(const Command& command, Plan& plan, Spawned& spawned,
                            SpawnFailure& failure);
  [[nodiscard]] static SpawnFailure explain(const Report& report, const Command& command,
                                            const Plan& plan);

  [[nodiscard]] static Report await_report(const UniqueFd& pipe);
  static pid_t fork_and_exec(const Plan& plan);
  [[noreturn]] static void become(const Plan& plan);

  Environment environment_;
  UniqueFd null_;
  std::vector<int> ignored_signals_;
};

}  // namespace sluice::exec
