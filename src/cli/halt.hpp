// halt.hpp: --halt, when a run stops before its tasks are all done.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::cli {

/// What --halt asks for.
struct HaltRule {
  enum class When : std::uint8_t { never, soon, now };
  enum class Why : std::uint8_t { fail, success, done };

  When when = When::never;
  Why why = Why::fail;
  std::uint64_t number = 0;  ///< so many tasks, or so many percent of them
  bool percent = false;
};

/// Reads "never" or "now|soon,fail|success|done=N|N%", and GNU parallel's old forms: 0 (never),
/// 1 and 2 (soon and now,fail=1), -1 and -2 (the same for success), N% (soon,fail=N%).
/// Throws sluice::Error, which lists the forms, for anything else.
[[nodiscard]] HaltRule parse_halt(std::string_view text);

/// Watches tasks finish, says when to stop, and knows the exit code of the run.
///
/// A percentage is of all tasks where their number is known. As long as it is not, it is of those
/// finished so far, and at least three must have finished: one early failure is not "100%".
class HaltPolicy {
 public:
  enum class Decision : std::uint8_t {
    keep_going,
    stop_soon,  ///< start no more tasks, wait for the running ones
    stop_now,   ///< start no more tasks, kill the running ones
  };

  explicit HaltPolicy(HaltRule rule) : rule_(rule) {}

  /// How many tasks there are altogether; may become known late.
  void set_total(std::uint64_t total) { total_ = total; }

  /// Takes note of one finished task. Once the rule is met the decision stays as it is.
  [[nodiscard]] Decision finished(int exit_code, int signal);

  /// Takes note of one that finished before the run was interrupted: it counts, but only what
  /// finishes now can meet the rule.
  void finished_before(bool failed) {
    ++finished_;
    if (failed) ++failed_;
  }

  [[nodiscard]] std::uint64_t failed() const { return failed_; }
  [[nodiscard]] std::uint64_t succeeded() const { return finished_ - failed_; }
  [[nodiscard]] bool halted() const { return halt_exit_code_.has_value(); }

  /// The exit code of the run, as GNU parallel gives it. When the rule was met: 0 for success=...;
  /// the task's own code for fail=1 and done=1; the percentage that failed, rounded up, for N%;
  /// else the number of failures as always.
  [[nodiscard]] int exit_code() const;

 private:
  [[nodiscard]] std::uint64_t base() const { return total_ ? *total_ : finished_; }
  [[nodiscard]] bool met(std::uint64_t count) const;
  [[nodiscard]] int code_when_met(int task_code) const;

  HaltRule rule_;
  std::optional<std::uint64_t> total_;
  std::uint64_t finished_ = 0;
  std::uint64_t failed_ = 0;
  std::optional<int> halt_exit_code_;
};

}  // namespace sluice::cli
