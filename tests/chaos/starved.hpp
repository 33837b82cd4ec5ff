// starved.hpp: a running process that can open no more.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <filesystem>
#include <set>
#include <string>

namespace sluice::chaos {

/// Lowers the limit of open files of a running process, so that it can open `spare` more; as long
/// as this object lives. Needs no rights beyond being the same user.
class Starved {
 public:
  Starved(pid_t pid, std::size_t spare) : pid_(pid) {
    std::set<std::uint64_t> open;
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
      open.insert(std::stoull(entry.path().filename().string()));
    rlim_t limit = 0;
    for (std::size_t free = 0; open.count(limit) > 0 || free++ < spare;) ++limit;
    REQUIRE(::prlimit(pid_, RLIMIT_NOFILE, nullptr, &before_) == 0);
    const rlimit low{limit, before_.rlim_max};
    REQUIRE(::prlimit(pid_, RLIMIT_NOFILE, &low, nullptr) == 0);
  }
  /// The process may have ended meanwhile.
  ~Starved() { ::prlimit(pid_, RLIMIT_NOFILE, &before_, nullptr); }
  Starved(const Starved&) = delete;
  Starved& operator=(const Starved&) = delete;

 private:
  pid_t pid_;
  rlimit before_{};
};

}  // namespace sluice::chaos
