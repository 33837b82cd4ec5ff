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
#include "cli/task_source.hpp"
#include "sluice/command.hpp"
#include "sluice/task.hpp"

namespace sluice::cli {

/// What the tasks are made of.
struct SubmissionOptions {
  std::vector<std::string> command;
  std::vector<InputSource> sources;
  std::string array;             ///< "1-100:2": each number is an argument; instead of sources
  std::string key;               ///< may hold placeholders; "auto": content_key()
  std::vector<std::string> env;  ///< "NAME=VALUE", or "NAME" for its value here
  std::string cwd;
  bool null_separated = false;
  int stdin_fd = 0;
  std::uint32_t priority = 0;
  std::uint32_t max_attempts = 0;
  std::uint64_t output_limit = 0;
  std::chrono::milliseconds timeout{0}, delay{0}, ttl{0};
};

/// What the options say of every command: where it starts, its variables, its limit of output.
class CommandEnvironment {
 public:
  /// Throws sluice::Error for a variable that is not there.
  explicit CommandEnvironment(const SubmissionOptions& options);
  [[nodiscard]] std::vector<std::byte> encode(Command command) const;

 private:
  std::vector<std::pair<std::string, std::string>> env_;
  const std::string cwd_;
  const std::uint64_t output_limit_;
};

/// Fills records into the command, and both into tasks. One thread at a time.
class Submission : public TaskSource {
 public:
  /// Throws sluice::Error for what does not fit together.
  explicit Submission(SubmissionOptions options);

  /// Throws sluice::Error: the input cannot be read, or a key without placeholders would name
  /// several tasks (nothing was given then).
  [[nodiscard]] Ready try_next(Task& task) override;
  [[nodiscard]] int fd() const override { return inputs_ ? inputs_->fd() : -1; }
  /// The same, but waits for input; nothing after the last.
  [[nodiscard]] std::optional<Task> next();

  [[nodiscard]] std::uint64_t given() const override { return given_; }

 private:
  using Record = std::vector<std::string>;

  [[nodiscard]] Ready take_record(Record& record);
  [[nodiscard]] bool has_one_key() const;
  [[nodiscard]] Task make(const Record& record) const;
  void check() const;

  const SubmissionOptions options_;
  const CommandLine command_;
  const WordTemplate key_;
  const CommandEnvironment environment_;
  std::optional<ArrayRange> array_;
  std::optional<Inputs> inputs_;
  std::optional<Record> only_;  // read, and given once it is known to be the only one
  std::uint64_t given_ = 0;
};

}  // namespace sluice::cli
