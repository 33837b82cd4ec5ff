// left_behind.hpp: that nothing runs on when a test's roles have ended.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "e2e/handler_cluster.hpp"

namespace sluice::chaos {

/// The commands below this process, for people.
[[nodiscard]] inline std::string who_is_left() {
  std::string out;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream children(thread.path() / "children");
    for (std::string pid; children >> pid;) {
      std::string name;
      std::getline(std::ifstream("/proc/" + pid + "/comm"), name);
      out += ' ' + pid + ' ' + name;
    }
  }
  return out;
}

/// Whether all processes below this one are gone soon; orphans among them, if become_reaper() was
/// called first. Every Process must have been waited for: whoever has ended is collected here.
[[nodiscard]] inline bool nobody_is_left() {
  return e2e::eventually([] {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
    return e2e::processes_below() == 0;
  });
}

}  // namespace sluice::chaos
