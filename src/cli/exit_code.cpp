// exit_code.cpp: from numbers of failures to exit codes.
// SPDX-License-Identifier: MIT
#include "cli/exit_code.hpp"

namespace sluice::cli {

int exit_code_for_failures(std::uint64_t failed) {
  return failed > 100 ? kExitManyFailed : static_cast<int>(failed);
}

int exit_code_of_task(int exit_code, int signal) {
  if (exit_code != 0) return exit_code;
  return signal != 0 ? 128 + signal : 0;
}

}  // namespace sluice::cli
