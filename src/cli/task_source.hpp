// task_source.hpp: where `sluice submit` gets its tasks from.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "cli/inputs.hpp"
#include "sluice/task.hpp"

namespace sluice::cli {

/// Tasks, one after the other, without blocking and without knowing how many. One thread at a time.
class TaskSource {
 public:
  TaskSource() = default;
  TaskSource(const TaskSource&) = delete;
  TaskSource& operator=(const TaskSource&) = delete;
  virtual ~TaskSource() = default;

  /// Fills `task` if there is one. On `wait`, wait until fd() is readable before trying again.
  /// Throws sluice::Error: the input cannot be read, or makes no task.
  [[nodiscard]] virtual Ready try_next(Task& task) = 0;
  /// What the next task waits for; -1 if that is no file.
  [[nodiscard]] virtual int fd() const = 0;
  /// How many tasks were given.
  [[nodiscard]] virtual std::uint64_t given() const = 0;
};

/// A key made of what the task is: its number in its input, its type and its payload. The same
/// input makes the same keys, and each line of it another one.
[[nodiscard]] std::string content_key(const Task& task, std::uint64_t number);

/// The word for --key that stands for content_key().
inline constexpr const char* kAutomaticKey = "auto";

}  // namespace sluice::cli
