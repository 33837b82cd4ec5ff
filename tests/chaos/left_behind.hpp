// left_behind.hpp: that nothing runs on when a test's roles have ended.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "chaos/plan.hpp"
#include "e2e/handler_cluster.hpp"

namespace sluice::chaos {

/// The first child of a process's first thread, such as the supervisor of a worker; 0 if none.
[[nodiscard]] inline pid_t child_of(pid_t pid) {
  const std::string id = std::to_string(pid);
  pid_t child = 0;
  std::ifstream("/proc/" + id + "/task/" + id + "/children") >> child;
  return child;
}

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

/// A worker ends with its ventilator. BYE is said once: who is between two sessions just then, or
/// too slow, waits for another ventilator (`sluice worker` notices by the access file). Such a one
/// is told of and ended.
inline void see_off(e2e::Process& worker) {
  if (worker.wait(std::chrono::milliseconds(10'000)).has_value()) return;
  tell("a worker has not heard that its ventilator ended");
  worker.signal(SIGTERM);
  CHECK(worker.wait(e2e::kHangs).has_value());
}

/// Whether all processes below this one are gone soon; orphans among them, if become_reaper() was
/// called first. Every Process must have been waited for: whoever has ended is collected here.
[[nodiscard]] inline bool nobody_is_left() {
  return e2e::eventually([] {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
    return e2e::processes_below() == 0;
  });
}

/// Stands first in a test case, so that it goes last, after all roles: nobody may be left then.
class AloneAtTheEnd {
 public:
  AloneAtTheEnd() { e2e::become_reaper(); }
  ~AloneAtTheEnd() {
    const bool alone = nobody_is_left();
    INFO("left behind:", who_is_left());
    CHECK(alone);
  }
  AloneAtTheEnd(const AloneAtTheEnd&) = delete;
  AloneAtTheEnd& operator=(const AloneAtTheEnd&) = delete;
};

}  // namespace sluice::chaos
