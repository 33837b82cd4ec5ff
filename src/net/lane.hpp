// lane.hpp: the PUSH pipe to one worker, and its other end.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/chunk.hpp"
#include "net/frame_io.hpp"
#include "net/lane_ports.hpp"
#include "net/sockets.hpp"

namespace sluice::net {

/// The host lanes listen at, given where the control socket listens: the same for tcp,
/// loopback for ipc and inproc (then WELCOME must name it; a worker could not know).
[[nodiscard]] std::string lane_host(const Endpoint& control);

/// The ventilator's end. What it took is lost with the connection; lane numbers tell.
/// Belongs to one thread. Closing it drops all; then give its port back to LanePorts.
class LanePush {
 public:
  /// Ports tried in one call, so that a crowded range cannot hold up the loop.
  static constexpr int kMostTries = 64;

  /// Listens on a port of `ports` at `host`, where the control socket already listens. nullopt
  /// if no port was free or no socket was left: the session goes inline then.
  [[nodiscard]] static std::optional<LanePush> open(const std::shared_ptr<Context>& context,
                                                    const std::string& host, LanePorts& ports,
                                                    core::Time now);

  [[nodiscard]] std::uint16_t port() const { return port_; }

  /// Never blocks. `again`: the worker is not connected; the message is still the caller's.
  [[nodiscard]] SendResult send(core::Bytes bytes) { return send_frame(socket_, bytes); }
  [[nodiscard]] SendResult send(OutFrame& frame) { return send_frame(socket_, frame); }
  /// To be watched for writing while the probe waits for its worker; never for reading.
  [[nodiscard]] Pollable pollable() const { return socket_.pollable(); }

 private:
  LanePush(Socket socket, std::uint16_t port) : socket_(std::move(socket)), port_(port) {}

  Socket socket_;
  std::uint16_t port_;
};

/// The worker's end. Credit bounds what can be queued in it. Belongs to one thread.
class LanePull {
 public:
  /// `where` must be literal. Throws Error.
  LanePull(std::shared_ptr<Context> context, const Endpoint& where, std::uint64_t max_frame);

  /// The next message, good until the next receive(); nullopt if there is none. Messages of
  /// several frames are dropped and counted.
  [[nodiscard]] std::optional<core::Bytes> receive();

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }
  [[nodiscard]] std::uint64_t dropped_multipart() const { return dropped_multipart_; }
  [[nodiscard]] Pollable pollable() const { return socket_.pollable(); }

 private:
  Socket socket_;
  Endpoint endpoint_;
  zmq::message_t frame_;
  std::uint64_t dropped_multipart_ = 0;
};

}  // namespace sluice::net
