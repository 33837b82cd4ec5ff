// access.hpp: the file that tells workers and clients where a ventilator is.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

/// What an access file holds (JSON, readable by its owner only). Whoever may read it may
/// use the ventilator. On a cluster it lies on the shared file system.
struct Access {
  int version = 1;
  std::string endpoint;            ///< of the ventilator's control socket
  std::vector<std::string> sinks;  ///< endpoints of its sinks, in order
  std::string log;                 ///< 32 hex digits
  std::string host;                ///< where the ventilator runs
  std::int64_t pid = 0;            ///< of the ventilator, on that host
  std::string started;             ///< ISO 8601, UTC
  bool durable = false;            ///< its tasks survive its end

  /// Fills host, pid and started with those of this process.
  [[nodiscard]] static Access for_this_process();

  /// Reads `path`. Throws Error: no such file, not an access file, a newer version, or a
  /// stale one (its process on this host is gone); the text says what to do.
  [[nodiscard]] static Access load(const std::string& path);
  /// `path` if it is not empty, else $SLUICE_ACCESS. Throws Error if neither is given.
  [[nodiscard]] static std::string path_or_environment(const std::string& path);
  /// Writes it whole or not at all (a temporary file, then a rename), mode 0600. Throws Error.
  void write(const std::string& path) const;
  /// Removes `path` if it still is the file of this process. Never throws.
  void remove_if_mine(const std::string& path) const noexcept;
};

}  // namespace sluice
