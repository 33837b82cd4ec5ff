// binding.hpp: whether an address may be listened on, as long as nobody has to show a key.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace sluice::cli {

/// Why listening on `endpoint` is dangerous: a sentence for a warning, or empty if only this
/// machine can reach it. Throws sluice::Error if it is no endpoint, and, naming the cure, if others
/// can reach it and `insecure` is false.
[[nodiscard]] std::string exposure(const std::string& endpoint, bool insecure);

/// The same, with the warning on stderr.
void require_loopback_or_insecure(const std::string& endpoint, bool insecure);

/// As exposure(), for an address of a program's own: inproc://, which no other process can
/// reach, is refused.
[[nodiscard]] std::string exposure_of_role(const std::string& endpoint, bool insecure);

/// Where the sink of a ventilator that listens on `endpoint` listens itself: any free port of the
/// same host, or a path beside it.
[[nodiscard]] std::string sink_beside(const std::string& endpoint);

}  // namespace sluice::cli
