// pidfd.hpp: descriptors for processes; unlike a process id, one never comes to mean another.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "exec/unique_fd.hpp"

namespace sluice::exec {

// By syscall(), because sys/pidfd.h of glibc 2.36 cannot be linked from C++: it
// declares its functions without extern "C".

/// Readable once the process has exited. Closed on exec. Empty on failure, see errno.
[[nodiscard]] inline UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
}

/// False if the process is gone (or may not be signalled, see errno). Signal 0 only asks.
inline bool signal_pidfd(const UniqueFd& pidfd, int signal) {
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0U) == 0;
}

}  // namespace sluice::exec
