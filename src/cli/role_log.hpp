// role_log.hpp: the log that a long-lived role writes to stderr.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

namespace spdlog {
class logger;
}

namespace sluice::cli {

/// How much is logged; from --quiet and --verbose.
struct LogLevel {
  bool quiet = false;    ///< warnings and errors only
  bool verbose = false;  ///< details, too
};

/// Adds --quiet and --verbose, which exclude each other.
void add_log_level(CLI::App& verb, LogLevel& level);

/// Lines with time and level on stderr, in colour on a terminal. Any thread.
class RoleLog {
 public:
  explicit RoleLog(LogLevel level);
  ~RoleLog();
  RoleLog(const RoleLog&) = delete;
  RoleLog& operator=(const RoleLog&) = delete;

  void detail(const std::string& text) const;
  void info(const std::string& text) const;
  void warn(const std::string& text) const;

 private:
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace sluice::cli
