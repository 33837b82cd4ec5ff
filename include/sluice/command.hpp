// command.hpp: a task of type "exec": which command to run, and what came of it.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sluice/export.hpp>

namespace sluice {

/// The type under which workers that run commands announce themselves.
inline constexpr const char* kCommandType = "exec";

/// The most that can be kept of stdout and of stderr each: an outcome must fit into a frame.
/// Let commands write larger outputs to files.
inline constexpr std::uint64_t kMostOutputLimit = std::uint64_t{1400} << 10;

/// What to run. The program is found by PATH and started without a shell, in a
/// process group of its own. The command ends with this first process: what it
/// leaves running in its group is killed then, after a moment in which its
/// last output is still collected.
struct SLUICE_API Command {
  std::vector<std::string> argv;  ///< the program and its arguments; must not be empty
  /// Added to the worker's own environment; of one name the last counts.
  std::vector<std::pair<std::string, std::string>> env;
  std::string cwd;    ///< working folder; empty: the worker's own
  std::string input;  ///< bytes for its standard input; empty: /dev/null
  /// Bytes kept of stdout and of stderr each; 0: the worker's limit (1 MiB).
  /// A worker bounds the whole result, too.
  std::uint64_t output_limit = 0;
  std::string display;  ///< the command as its author wrote it, for logs; empty: argv joined

  /// As the payload of a task (msgpack; the layout is in docs/PROTOCOL.md, "Commands").
  [[nodiscard]] std::vector<std::byte> encode() const;
  /// Reads a payload; nullopt if it is not a command. Unknown trailing fields are ignored.
  [[nodiscard]] static std::optional<Command> decode(std::span<const std::byte> payload);
};

/// How one execution ended.
struct SLUICE_API CommandResult {
  enum class End : std::uint8_t {
    exited,       ///< by itself; see exit_code
    signalled,    ///< killed by `signal` that was not ours
    timed_out,    ///< its timeout passed: TERM, then KILL, to its whole group
    cancelled,    ///< stopped because the task was cancelled or the worker stops now
    not_started,  ///< could not be started (not found, no permission, ...); see `error`
  };
  End end = End::exited;
  int exit_code = 0;  ///< as a shell says it: 126/127 when not started, 128+signal when killed
  int signal = 0;     ///< the signal that ended it, or 0
  std::string out;    ///< captured stdout, binary safe
  std::string err;    ///< captured stderr
  std::uint64_t out_cut = 0;  ///< bytes of stdout beyond the limit that were dropped
  std::uint64_t err_cut = 0;
  std::chrono::microseconds wall{0};
  std::chrono::microseconds cpu_user{0};
  std::chrono::microseconds cpu_system{0};
  /// Largest resident set of any one process of the task. Linux counts the
  /// moment before the program is loaded, so it is never below a few MB.
  std::uint64_t peak_memory_bytes = 0;
  std::string error;    ///< why it could not be started, in words
  std::string display;  ///< the command as its author wrote it

  [[nodiscard]] bool ok() const { return end == End::exited && exit_code == 0; }
  /// As the payload of an outcome (msgpack; docs/PROTOCOL.md, "Commands").
  [[nodiscard]] std::vector<std::byte> encode() const;
  [[nodiscard]] static std::optional<CommandResult> decode(std::span<const std::byte> payload);
};

}  // namespace sluice
