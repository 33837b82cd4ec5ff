// private_world.hpp: a network and mounts of a test's own, which vanish with it.
// SPDX-License-Identifier: MIT
#pragma once

namespace sluice::chaos {

/// True in a process whose network and mounts nobody else sees, and in which it is root. Otherwise
/// it runs the current test case in such a process (unshare, with a user namespace unless root),
/// checks how that ended, or says loudly why it cannot be, and returns false:
///
///     if (!in_private_world()) return;
[[nodiscard]] bool in_private_world();

}  // namespace sluice::chaos
