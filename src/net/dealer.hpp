// dealer.hpp: the connecting DEALER of a worker, a client or a producer of outcomes.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "core/chunk.hpp"
#include "net/frame_io.hpp"
#include "net/monitor.hpp"
#include "net/sockets.hpp"

namespace sluice::net {

/// What became of a connection.
enum class LinkEvent : std::uint8_t {
  connected,     ///< handshake done; messages can go
  disconnected,  ///< libzmq tries again by itself, unless an error of protocol was the cause
  refused,       ///< the peer is no peer of ours or wants no one like us: use a new socket
};

/// One DEALER, one peer. libzmq reconnects after ordinary losses, but never after an error of
/// protocol, an oversized frame or a refusal: a watchdog must close a silent one and
/// make another. Nothing is queued for a peer that is not connected: send() says `again`.
/// Belongs to one thread.
class Dealer {
 public:
  /// `where` must be literal (see Resolver). Throws Error.
  Dealer(std::shared_ptr<Context> context, const Endpoint& where, std::uint64_t max_frame);
  Dealer(Dealer&&) = default;
  Dealer& operator=(Dealer&&) = delete;

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

  /// Never blocks. `again`: not connected; wait for PollSet::writable or for `connected`.
  [[nodiscard]] SendResult send(core::Bytes bytes) { return send_frame(socket_, bytes); }
  [[nodiscard]] SendResult send(OutFrame& frame) { return send_frame(socket_, frame); }

  /// The next message, good until the next receive(); nullopt if there is none. Messages of
  /// several frames are dropped and counted.
  [[nodiscard]] std::optional<core::Bytes> receive();

  [[nodiscard]] std::optional<LinkEvent> next_event();

  [[nodiscard]] std::uint64_t dropped_multipart() const { return dropped_multipart_; }
  [[nodiscard]] Pollable pollable() const { return socket_.pollable(); }
  /// Readable when next_event() may have something.
  [[nodiscard]] Pollable events() const { return monitor_.pollable(); }

 private:
  Socket socket_;
  Monitor monitor_;  // after the socket: ended before it
  Endpoint endpoint_;
  zmq::message_t frame_;
  std::uint64_t dropped_multipart_ = 0;
};

}  // namespace sluice::net
