// through_wire.hpp: a message as its receiver gets it: encoded, decoded, or refused.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "wire/codec.hpp"

namespace sluice::fuzz {

using Frame = std::vector<std::byte>;

inline Frame packed(const core::Envelope& envelope) {
  static wire::Buffer buffer;
  wire::Codec::encode(envelope, buffer);
  const core::Bytes bytes = buffer.bytes();
  return {bytes.begin(), bytes.end()};
}

/// A frame that was read: the message, whose views point into it, or why there is none.
struct Arrived {
  explicit Arrived(wire::Role role, Frame bytes, const wire::Limits& limits = {})
      : frame(std::move(bytes)) {
    message = wire::Codec(role, limits).decode(frame, pool(), error);
  }
  ~Arrived() {
    if (message) pool().give_back(std::move(message->message));
  }
  Arrived(const Arrived&) = delete;
  Arrived& operator=(const Arrived&) = delete;

  static core::EntryPool& pool() {
    static core::EntryPool shared;
    return shared;
  }

  Frame frame;
  wire::DecodeError error;
  std::optional<core::Envelope> message;
};

/// What a machine of ours sends must be a frame that the other side reads.
inline void require_readable(wire::Role reader, const core::Envelope& envelope,
                             const wire::Limits& limits = {}) {
  const Arrived arrived(reader, packed(envelope), limits);
  require(arrived.message.has_value(), "what we send can be read");
}

}  // namespace sluice::fuzz
