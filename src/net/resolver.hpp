// resolver.hpp: host names become addresses without stopping a loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/endpoint.hpp"

namespace sluice::net {

/// What a name stands for now. Never both empty.
struct Resolution {
  std::vector<Endpoint> endpoints;  ///< literal, IPv4 first, else in the system's order
  std::string error;                ///< for people, when there are none

  /// The one to try at the n-th attempt (from 0): all take their turn.
  [[nodiscard]] const Endpoint& pick(std::size_t attempt) const {
    return endpoints[attempt % endpoints.size()];
  }
};

/// Looks up in the calling thread; may block for many seconds.
[[nodiscard]] Resolution resolve(const Endpoint& endpoint);

/// Looks up one name at a time in a thread of its own.
///
/// libzmq would call getaddrinfo in its I/O thread and freeze every socket of the process;
/// here a dead name server costs one waiting thread. A lookup cannot be stopped, so the
/// thread is let go when the resolver is: it touches nothing but what it owns. Names are looked
/// up anew for each connection, which follows changes of the DNS.
/// Belongs to one thread.
class Resolver {
 public:
  Resolver();
  ~Resolver();
  Resolver(Resolver&&) noexcept;
  Resolver& operator=(Resolver&&) noexcept;

  /// Starts a lookup; the answer to an earlier one will not come. Literal addresses are
  /// answered without a thread, by the next take(). Throws Error without descriptors.
  void start(const Endpoint& endpoint);
  [[nodiscard]] bool busy() const { return job_ != nullptr; }
  /// The answer, once; nullopt while it is not there. Never blocks.
  [[nodiscard]] std::optional<Resolution> take();
  /// For a poll set while busy(): readable when take() has the answer.
  [[nodiscard]] int fd() const;

 private:
  struct Job;
  std::shared_ptr<Job> job_;
};

}  // namespace sluice::net
