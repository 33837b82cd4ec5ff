// context.hpp: the one ZeroMQ context of a process.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>

#include <zmq.hpp>

namespace sluice::net {

/// All roles in a process share one context and its one I/O thread: several contexts bring
/// nothing (measured) and touch known teardown faults of libzmq 4.3.4. Every socket holds its
/// context, so the last one to go ends it, and nothing can hang on an open socket.
class Context {
 public:
  /// The process's context; made at the first call and gone with the last holder. A forked child
  /// has its own; what it inherited is of no use there.
  /// From any thread. Throws Error.
  [[nodiscard]] static std::shared_ptr<Context> shared();

  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] zmq::context_t& zmq() { return *context_; }
  /// Sockets that may be open at once. A lane takes one and three descriptors.
  [[nodiscard]] std::size_t max_sockets() const { return max_sockets_; }

 private:
  Context();

  std::unique_ptr<zmq::context_t> context_;
  std::size_t max_sockets_ = 0;
  int pid_ = 0;
};

/// Raises the soft limit of open files towards the hard one (at most 262144) and returns what
/// it is now. Context::shared() does it; it takes no effect on descriptors already open.
std::size_t raise_open_file_limit();

}  // namespace sluice::net
