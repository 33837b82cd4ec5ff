// submission.hpp: the tasks of one `sluice submit`, made one after the other.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/array_range.hpp"
#include "cli/command_line.hpp"
#include "cli/inputs.hpp"
#include "cli/placeholder.hpp"
#include "sluice/task.hpp"

namespace sluice::cli {

/// What the tasks are made of.
struct SubmissionOptions {
  std::vector<std::string> command;
  std::vector<InputSource> sources;
  std::string array;             ///< "1-100:2": each number is an argument; instead of sources
  std::string key;               ///< may hold placeholders
  std::vector<std::string> env;  ///< "NAME=VALUE", or "NAME" for its value here
  std::string cwd;
  bool null_separated = false;
  int stdin_fd = 0;
  std::uint32_t priority = 0;
  std::uint32_t max_attempts = 0;
  std::uint64_t output_limit = 0;
  std::chrono::milliseconds timeout{0}, delay{0}, ttl{0};
};

/// Fills records into the command, and both into tasks. One thread at a time.
class Submission {
 public:
  /// Throws sluice::Error for what does not fit together.
  explicit Submission(SubmissionOptions options);

  /// The next task, or nothing after the last. Waits for input. Throws sluice::Error: the input
  /// cannot be read, or a key without placeholders would name several tasks (nothing was given
  /// then).
  [[nodiscard]] std::optional<Task> next();

  /// How many tasks were given.
  [[nodiscard]] std::uint64_t given() const { return given_; }

 private:
  using Record = std::vector<std::string>;

  std::optional<Record> take_record();
  [[nodiscard]] Task make(const Record& record) const;
  void check() const;

  const SubmissionOptions options_;
  const CommandLine command_;
  const WordTemplate key_;
  std::vector<std::pair<std::string, std::string>> env_;
  std::optional<ArrayRange> array_;
  std::optional<Inputs> inputs_;
  std::uint64_t given_ = 0;
};

}  // namespace sluice::cli
