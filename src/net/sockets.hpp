// sockets.hpp: what all sockets have in common: owning, binding, connecting.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <zmq.hpp>

#include "net/context.hpp"
#include "net/endpoint.hpp"
#include "net/poll_set.hpp"

namespace sluice::net {

/// A socket and the context it lives in. Closing never blocks, for every kind has LINGER 0
/// (but for a Router's last words): what must arrive is retained by the core, not by libzmq.
/// Used by one thread at a time.
class Socket {
 public:
  Socket(std::shared_ptr<Context> context, zmq::socket_type type);  // throws Error
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&&) = delete;

  /// False only for one that was moved away.
  [[nodiscard]] bool is_open() const { return handle_ != nullptr; }
  [[nodiscard]] zmq::socket_ref ref() const { return zmq::socket_ref(zmq::from_handle, handle_); }
  [[nodiscard]] Pollable pollable() const { return {handle_, fd_, quiet_.get()}; }

  /// A receive found nothing: from now on its descriptor tells (libzmq has then taken in all
  /// that was announced). False again as soon as anything is done with the socket.
  void set_quiet(bool quiet) const { *quiet_ = quiet; }

  /// Listens; returns 0 or what errno was. IPv6 is on where the host asks for it or is "*".
  [[nodiscard]] int try_bind(const Endpoint& where);
  /// Where it listens, with the real port and the host as it was asked for.
  [[nodiscard]] Endpoint bound(const Endpoint& asked) const;
  /// Listens, or throws Error with the cure.
  Endpoint bind(const Endpoint& where);
  /// Connects in the background; throws Error unless `where` is literal and connectable.
  void connect(const Endpoint& where);

 private:
  std::shared_ptr<Context> context_;  // before the socket: ended after it
  zmq::socket_t socket_;
  void* handle_ = nullptr;
  int fd_ = -1;
  std::unique_ptr<bool> quiet_ = std::make_unique<bool>(false);
};

}  // namespace sluice::net
