// supervisor_process.hpp: turning a forked process into a supervisor.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include "exec/environment.hpp"
#include "exec/options.hpp"
#include "exec/unique_fd.hpp"

namespace sluice::exec {

/// For the child of a fork: sheds what it has from the worker (descriptors,
/// session, signal handling), supervises until the worker is gone or has said
/// stop, and leaves by _exit. Its first frame says whether it is ready.
[[noreturn]] void become_supervisor(const CommandOptions& options, UniqueFd socket, pid_t worker,
                                    const Environment::Variable& marker) noexcept;

}  // namespace sluice::exec
