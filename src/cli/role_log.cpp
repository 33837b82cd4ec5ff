// role_log.cpp: spdlog, set up once.
// SPDX-License-Identifier: MIT
#include "cli/role_log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include "cli/terminal.hpp"

namespace sluice::cli {

void add_log_level(CLI::App& verb, LogLevel& level) {
  CLI::Option* const quiet =
      verb.add_flag("-q,--quiet", level.quiet, "Log warnings and errors only");
  verb.add_flag("-v,--verbose", level.verbose, "Log details, too")->excludes(quiet);
}

RoleLog::RoleLog(LogLevel level) {
  const auto mode = use_colour(2) ? spdlog::color_mode::always : spdlog::color_mode::never;
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(mode);
  logger_ = std::make_unique<spdlog::logger>("sluice", std::move(sink));
  logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
  logger_->set_level(level.quiet     ? spdlog::level::warn
                     : level.verbose ? spdlog::level::debug
                                     : spdlog::level::info);
  logger_->flush_on(spdlog::level::trace);
}

RoleLog::~RoleLog() = default;

// The text is an argument, never a format: it may hold braces.
void RoleLog::detail(const std::string& text) const { logger_->debug("{}", text); }
void RoleLog::info(const std::string& text) const { logger_->info("{}", text); }
void RoleLog::warn(const std::string& text) const { logger_->warn("{}", text); }

}  // namespace sluice::cli
