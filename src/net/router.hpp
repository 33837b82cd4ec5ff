// router.hpp: the bound ROUTER of a ventilator or a sink.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/chunk.hpp"
#include "core/ids.hpp"
#include "net/frame_io.hpp"
#include "net/ipc_lock.hpp"
#include "net/monitor.hpp"
#include "net/sockets.hpp"

namespace sluice::net {

/// What a ROUTER received.
struct Incoming {
  core::PeerId from{};
  core::Bytes frame;               ///< good until the next receive()
  std::uint32_t extra_frames = 0;  ///< > 0: it had more than one frame and was dropped
};

/// Talks to many peers, each known by the number libzmq gave its connection.
///
/// What a peer can do to it: a frame over max_frame cuts that peer's connection; a
/// message of several frames is dropped and counted; so is one under a routing id
/// that the peer chose itself. What remains: libzmq gathers all frames of a message before
/// it hands them over, so one endless message grows this process until something outside ends
/// it (a key that is refused, a memory limit). HWM and MAXMSGSIZE do not bound that.
///
/// Belongs to one thread, which may move it to another while it is idle.
class Router {
 public:
  struct Counters {
    std::uint64_t multipart = 0;     ///< messages dropped for having several frames
    std::uint64_t foreign_ids = 0;   ///< messages dropped for a routing id of the peer's own
    std::uint64_t unreachable = 0;   ///< sends to peers that were gone
    std::uint64_t refused_sends = 0; ///< sends that got `again`
  };

  /// Listens at `where`; throws Error with the cure, at once, if another process has it.
  Router(std::shared_ptr<Context> context, const Endpoint& where, std::uint64_t max_frame);
  /// The port or path is free again on return (it waits for libzmq's word on that,
  /// normally well under a millisecond, at most a second). Nothing queued is sent, unless
  /// send_queued_at_end() says so.
  ~Router();
  Router(Router&&) = default;
  Router& operator=(Router&&) = delete;

  /// Where it listens, with the real port.
  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

  /// The next message, nullopt if there is none. Never blocks.
  [[nodiscard]] std::optional<Incoming> receive();

  /// Never blocks. `again`: that peer does not read and its queue of 2000 messages is full;
  /// keep the message and try again after a while (no event tells when; 5 ms will do).
  [[nodiscard]] SendResult send(core::PeerId peer, core::Bytes bytes);
  [[nodiscard]] SendResult send(core::PeerId peer, OutFrame& frame);

  /// What is queued when the socket closes still goes out in the background, for so long at most.
  void send_queued_at_end(std::chrono::milliseconds most);

  /// A peer that sent something and whose connection has since ended; each once. A hint, and
  /// only for tcp and ipc. What it sent before may still be waiting in receive(). To be asked
  /// after the receive()s of a turn, which may come across departures themselves.
  [[nodiscard]] std::optional<core::PeerId> next_departed();

  /// Adds what it waits for. Until the next call only that is read which `poll` has found ready.
  void watch(PollSet& poll);

  /// The address a peer connects from, as far as it is known: for status pages.
  [[nodiscard]] std::string peer_address(core::PeerId peer) const;

  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] Pollable pollable() const { return socket_.pollable(); }
  /// Readable when next_departed() may have something.
  [[nodiscard]] Pollable departures() const { return monitor_->pollable(); }

 private:
  struct Peer {
    int fd = -1;
    std::string address;
  };
  void meet(std::uint32_t peer);
  void note_departures();
  void stop_listening();
  SendResult send_id(core::PeerId peer);

  std::optional<IpcLock> lock_;  // ipc only; before the socket: let go after it
  Socket socket_;
  std::optional<Monitor> monitor_;  // after the socket: ended before it
  Endpoint endpoint_;
  zmq::message_t id_;
  zmq::message_t frame_;
  std::unordered_map<std::uint32_t, Peer> peers_;
  std::unordered_map<int, std::uint32_t> peer_of_fd_;
  std::vector<std::uint32_t> departed_;  // not yet told of
  // Looking at a socket in vain costs system calls. Null: it must be looked at.
  const PollSet* polled_ = nullptr;
  std::size_t messages_slot_ = 0, departures_slot_ = 0;
  Counters counters_;
};

}  // namespace sluice::net
