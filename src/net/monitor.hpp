// monitor.hpp: what libzmq tells about the connections of a socket.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "net/sockets.hpp"

namespace sluice::net {

struct MonitorEvent {
  int what = 0;             ///< ZMQ_EVENT_...
  std::uint32_t value = 0;  ///< the descriptor, or an error number
};

/// The events of one socket, as hints: liveness is the protocol's own. To be drained in the
/// loop that owns the socket, and destroyed before it. Its queue has no limit, so
/// that a loop that is late cannot stall libzmq's I/O thread.
class Monitor {
 public:
  /// Only the events of `mask` (ZMQ_EVENT_... ORed) are reported. Throws Error.
  Monitor(const std::shared_ptr<Context>& context, const Socket& watched, int mask);
  Monitor(Monitor&& other) noexcept;
  Monitor& operator=(Monitor&&) = delete;
  ~Monitor();

  /// The next event, or nothing. Never blocks.
  [[nodiscard]] std::optional<MonitorEvent> next();
  [[nodiscard]] Pollable pollable() const { return reader_.pollable(); }

 private:
  Socket reader_;
  void* watched_;
};

}  // namespace sluice::net
