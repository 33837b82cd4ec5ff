// poll_set.hpp: a loop waits for sockets, descriptors and a deadline at once.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <poll.h>

#include "core/time.hpp"

namespace sluice::net {

/// What a socket shows to a poll set; good while the socket lives, also when it moved.
struct Pollable {
  void* socket = nullptr;
  int fd = -1;  ///< libzmq's own: to be waited for, never read
  /// Nothing is there, and the descriptor will tell when something is: no need to ask. Kept by
  /// the socket; null: not known.
  bool* quiet = nullptr;
};

/// Waits with ppoll() instead of zmq_poll(): deadlines are met to the timer's
/// precision (zmq_poll counts in whole milliseconds, which would spin or be late), and a
/// wait costs one system call less. Lanes need not be in it: credit tells when to send.
///
///   poll.clear();
///   const auto control = poll.watch(router.pollable());
///   const auto inbox = poll.watch_fd(wake.fd());
///   poll.wait(core.next_deadline());
///   if (poll.readable(control)) ...
///
/// Belongs to one thread, the one that owns the sockets.
class PollSet {
 public:
  enum class Want : std::uint8_t { read, read_and_write };

  void clear();
  /// Returns the slot to ask for afterwards.
  std::size_t watch(Pollable socket, Want want = Want::read);
  std::size_t watch_fd(int fd, Want want = Want::read);

  /// Returns when something is ready or the deadline has come; a deadline in the past
  /// only looks. Without one it waits for ever. A signal does not end it.
  void wait(std::optional<core::Time> deadline);

  [[nodiscard]] bool readable(std::size_t slot) const { return items_[slot].readable; }
  [[nodiscard]] bool writable(std::size_t slot) const { return items_[slot].writable; }

 private:
  struct Item {
    void* socket = nullptr;
    bool* quiet = nullptr;
    Want want = Want::read;
    bool readable = false;
    bool writable = false;
  };
  bool look_at_sockets(bool stirred_only);

  std::vector<Item> items_;
  std::vector<pollfd> fds_;  // the same order
};

}  // namespace sluice::net
