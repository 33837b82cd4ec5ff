// jsonl_tasks.hpp: tasks from lines of JSON, for `sluice submit --jsonl`.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cli/inputs.hpp"
#include "cli/submission.hpp"
#include "cli/task_source.hpp"

namespace sluice::cli {

/// One object a line, {"type": "resize", "args": [...], "key": "k", "priority": 1, "delay_s": 1.5,
/// "ttl_s": 60, "timeout_s": 10, "max_attempts": 3}; only `type` must be there.
///
/// `args` is any JSON value and becomes one msgpack value (nil if it is left out). For type
/// "exec" it is a command: an array of words, or a string for sh -c. What a line does not say is as
/// the options have it.
///
/// A line that is no such object stops it: try_next() throws, naming the line, and given() is
/// the number of good lines before it.
class JsonlTasks : public TaskSource {
 public:
  /// `path` "-" is standard input. Throws sluice::Error if it cannot be opened.
  JsonlTasks(const std::string& path, SubmissionOptions options);
  ~JsonlTasks() override;

  [[nodiscard]] Ready try_next(Task& task) override;
  [[nodiscard]] int fd() const override { return reader_->fd(); }
  [[nodiscard]] std::uint64_t given() const override { return given_; }

 private:
  [[nodiscard]] Task parse(std::string_view line) const;

  const SubmissionOptions options_;
  const CommandEnvironment environment_;
  const std::string name_;
  int owned_fd_ = -1;
  std::unique_ptr<LineReader> reader_;
  std::string line_;
  std::uint64_t given_ = 0;
};

}  // namespace sluice::cli
