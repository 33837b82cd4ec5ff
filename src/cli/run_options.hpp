// run_options.hpp: what `sluice run` was told.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/halt.hpp"
#include "cli/inputs.hpp"
#include "cli/run_folder.hpp"

namespace sluice::cli {

struct RunOptions {
  enum class Output : std::uint8_t {
    text,   ///< what the tasks print
    json,   ///< one JSON object at the end instead
    quiet,  ///< nothing
  };
  std::vector<std::string> command;
  std::vector<InputSource> sources;
  bool null_separated = false;

  std::uint32_t jobs = 0;  ///< slots here
  bool keep_order = false;
  bool tag = false;
  bool bar = false;
  bool eta = false;
  bool dry_run = false;
  std::chrono::microseconds timeout{0};
  std::uint32_t retries = 1;  ///< executions of a task at most
  HaltRule halt;
  std::string joblog;
  std::string outcomes;
  std::string results;  ///< a folder for what each task wrote
  std::string journal;  ///< a folder from which the same line goes on
  bool resume = false;
  bool resume_failed = false;
  std::string workdir;
  std::uint64_t output_limit = std::uint64_t{1} << 20;
  Output output = Output::text;

  std::string access;  ///< where to write the access file, so that workers may join
  std::string listen = "127.0.0.1";
  std::string advertise;
  bool insecure = false;
};

/// What must be the same for --journal to go on. Throws sluice::Error if this folder is gone.
[[nodiscard]] RunIdentity identity_of(const RunOptions& options);

}  // namespace sluice::cli
