// frame_io.hpp: one frame in, one frame out, never blocking.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <zmq.hpp>

#include "core/chunk.hpp"
#include "net/frame_buffer.hpp"
#include "net/sockets.hpp"

namespace sluice::net {

/// What became of a message. `sent` means that libzmq has it, never that it arrived.
enum class SendResult : std::uint8_t {
  sent,
  unreachable,  ///< a ROUTER's peer is gone
  again,        ///< no connection yet, or its queue is full: the message is still the caller's
};

/// From here on a copy costs more than passing the memory itself (measured: 16 KiB).
inline constexpr std::size_t kLargeFrame = 16 * 1024;

/// `flags` beside ZMQ_DONTWAIT, which is always set.
[[nodiscard]] SendResult send_frame(Socket& socket, core::Bytes bytes, int flags = 0);
/// Leaves the bytes in `frame` unless they were large and sent.
[[nodiscard]] SendResult send_frame(Socket& socket, OutFrame& frame);

/// Replaces `part` by the next frame; false if there is none.
[[nodiscard]] bool receive_part(Socket& socket, zmq::message_t& part);
/// Reads and drops what is left of a message; returns how many frames that were. All of them are
/// here already: libzmq delivers a message only as a whole.
std::uint32_t drop_rest(Socket& socket, zmq::message_t& part);

/// The next message of one frame, in `part`; those of several frames before it are dropped and
/// counted. After kMostDropped of them it returns without one, to let the loop go on.
[[nodiscard]] std::optional<core::Bytes> receive_single(Socket& socket,
                                                        zmq::message_t& part,
                                                        std::uint64_t& dropped);
inline constexpr int kMostDropped = 16;

}  // namespace sluice::net
