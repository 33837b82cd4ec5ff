// process_tree.hpp: who descends from a process, and ending them all.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace sluice::exec {

struct ProcessStatus {
  char state = '?';  ///< as in proc(5); 'Z' is a zombie
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
};

/// nullopt if there is no such process (any more).
[[nodiscard]] std::optional<ProcessStatus> process_status(pid_t pid);

/// True if `pid` was started with exactly `entry` ("NAME=value") in its
/// environment. nullopt if it shows none: it is a zombie, has an empty one, or
/// is executing a program at this very moment and will show it soon.
[[nodiscard]] std::optional<bool> started_with(pid_t pid, std::string_view entry);

/// The direct children of all threads of `pid`, zombies included.
[[nodiscard]] std::vector<pid_t> children_of(pid_t pid);

/// Children, their children and so on. A snapshot: whoever forks meanwhile may be missing.
[[nodiscard]] std::vector<pid_t> descendants_of(pid_t pid);

/// Kills those children of this process that `chosen` picks, with all their
/// descendants, and collects them, again and again until none is left or
/// `patience` is over (a process in an uninterruptible wait cannot be killed).
/// This process has to be a child subreaper: then a descendant cannot slip away
/// by losing its parent, it becomes our child and is met in the next pass.
/// Returns true if none is left.
bool kill_children(const std::function<bool(pid_t)>& chosen, std::chrono::milliseconds patience);

}  // namespace sluice::exec
