// limits.hpp: how large what a peer sends may be.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace sluice::wire {

/// What a codec accepts (docs/PROTOCOL.md, "Limits"). The same numbers bind
/// whoever sends: a frame beyond them is refused whole by its reader.
struct Limits {
  std::size_t max_frame = 4 * 1024 * 1024;  ///< bytes of one message; at most kHardMaxFrame
  std::size_t max_body = 1024 * 1024;       ///< bytes of its msgpack part
  std::size_t max_entries = 4096;           ///< tasks, outcomes, acks, ... in one message

  /// The largest single payload: the rest of the frame is left to header and body.
  [[nodiscard]] constexpr std::size_t max_payload() const {
    return max_frame > kPayloadMargin ? max_frame - kPayloadMargin : 0;
  }

  static constexpr std::size_t kPayloadMargin = 64 * 1024;
};

inline constexpr std::size_t kHardMaxFrame = 64 * 1024 * 1024;

/// For the connecting sides, which take whatever size the binding side was set to.
[[nodiscard]] constexpr Limits widest_limits() {
  Limits limits;
  limits.max_frame = kHardMaxFrame;
  return limits;
}
inline constexpr std::size_t kMaxControlFrame = 64 * 1024;  // messages without a list of entries
inline constexpr std::size_t kMaxListFrame = 1024 * 1024;   // INVENTORY and other lists of numbers
inline constexpr std::size_t kMaxInventory = 16384;         // tasks in one INVENTORY or VERDICT
inline constexpr std::size_t kMaxName = 128;                // a name, a key, a type, a verb
inline constexpr std::size_t kMaxTypes = 256;               // task types in one message
inline constexpr std::size_t kMaxText = 512;                // text for people; more is cut off
inline constexpr std::size_t kMaxEndpoint = 512;            // a ZeroMQ endpoint or a host
inline constexpr std::size_t kMaxSinks = 256;
inline constexpr std::size_t kMaxResources = 64;
inline constexpr std::size_t kMaxQueryArgs = 1024;
inline constexpr int kMaxDepth = 4;  // arrays within arrays, the outer one counted

}  // namespace sluice::wire
