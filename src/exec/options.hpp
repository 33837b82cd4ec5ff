// options.hpp: the limits under which commands run.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::exec {

struct CommandOptions {
  /// How many commands may be under way at once, from run() until their Finished is received.
  std::size_t slots = 1;

  /// Bytes kept of stdout and of stderr each, for commands that do not say.
  std::uint64_t output_limit = std::uint64_t{1} << 20;

  /// Most bytes of one encoded result, whatever a command asks for. At least 8 KiB.
  std::size_t max_result_bytes = std::size_t{3} << 20;

  /// From TERM to KILL when a command runs out of time or is cancelled.
  std::chrono::milliseconds kill_grace{2000};

  /// How long output is still awaited after a command has exited while a
  /// process it left behind holds its stdout or stderr open.
  std::chrono::milliseconds linger{200};

  /// Makes this process a child subreaper, so that it can end what a killed
  /// supervisor left behind. It stays one; see CommandRunner.
  bool adopt_orphans = true;
};

}  // namespace sluice::exec
