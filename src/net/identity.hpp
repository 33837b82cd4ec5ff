// identity.hpp: what a role calls itself when nobody named it.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace sluice::net {

/// "hostname-pid": unique among the processes of a cluster, and people find it again.
/// At most 128 bytes of printable ASCII.
[[nodiscard]] std::string default_name();

}  // namespace sluice::net
