// execution.hpp: one command under way: its pipes, its output so far, its end.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "exec/spawn.hpp"
#include "exec/unique_fd.hpp"
#include "sluice/command.hpp"

namespace sluice::exec {

using Clock = std::chrono::steady_clock;

/// The output of one pipe. Keeps the first `limit` bytes and counts the rest,
/// so that the command never waits for a reader.
class Capture {
 public:
  Capture() = default;
  Capture(UniqueFd fd, std::uint64_t limit) : fd_(std::move(fd)), limit_(limit) {}

  [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }
  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Reads at most once into `scratch`. True if there may be more to read now.
  bool read_some(std::span<char> scratch);

  /// Reads what is there, but not for ever: a writer may be as fast as we are.
  void drain(std::span<char> scratch);

  void close() { fd_.reset(); }

  std::string kept;
  std::uint64_t cut = 0;

 private:
  UniqueFd fd_;
  std::uint64_t limit_ = 0;
};

/// What a command is doing, as far as its supervisor is concerned.
enum class Phase : std::uint8_t {
  running,
  stopping,   // has been sent TERM; KILL at the deadline
  killed,     // has been sent KILL; only its exit is awaited
  lingering,  // the leader has exited, somebody still holds a pipe
};

struct Execution {
  std::uint64_t token = 0;
  Phase phase = Phase::running;
  CommandResult::End stopped_by = CommandResult::End::exited;  // or timed_out, cancelled
  bool leader_exited = false;

  pid_t pid = 0;  // the leader's and the group's; stays ours until the leader is waited for
  UniqueFd pidfd;
  UniqueFd in;
  Capture out;
  Capture err;
  std::string input;
  std::size_t input_written = 0;

  std::string display;
  std::chrono::milliseconds timeout{0};
  std::int64_t started_us = 0;  // system clock
  Clock::time_point started;
  Clock::time_point exited;
  Clock::time_point kill_at = Clock::time_point::max();  // when stopping
  Clock::time_point deadline = Clock::time_point::max();

  /// Writes what the pipe takes and closes it when all is written, or when
  /// nobody reads it any more.
  void feed();

  /// A signal for the whole group. The leader has not been waited for, so the
  /// group's number cannot have passed to anybody else.
  void signal_group(int signal) const;

  /// True while a process of the group other than the leader lives that has
  /// become a child of this process, as all of an ended leader's children do.
  [[nodiscard]] bool group_lives_on() const;

  /// Ends what is left of the group, waits for the exited leader and says how
  /// it went. `out` and `err` are moved from.
  [[nodiscard]] CommandResult collect();
};

}  // namespace sluice::exec
