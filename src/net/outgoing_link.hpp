// outgoing_link.hpp: a connection that we make: a name looked up, then a DEALER.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/message.hpp"
#include "net/context.hpp"
#include "net/dealer.hpp"
#include "net/endpoint.hpp"
#include "net/frame_buffer.hpp"
#include "net/poll_set.hpp"
#include "net/resolver.hpp"
#include "wire/codec.hpp"

namespace sluice::net {

/// Opens, watches and closes the one socket to a peer that we connect to. Each opening
/// looks the name up anew, outside libzmq. Belongs to one thread.
class OutgoingLink {
 public:
  OutgoingLink(std::shared_ptr<Context> context, Endpoint endpoint, wire::Role role,
               const wire::Limits& limits, std::shared_ptr<FramePool> frames);

  /// Starts connecting on a new socket; whatever was there is closed. If that cannot be, the next
  /// event is `disconnected`.
  void open();
  void close();

  /// What happened since the last call; asked each turn, by hear() too.
  enum class Event : std::uint8_t { none, connected, disconnected };
  [[nodiscard]] Event next_event();
  /// The next message that could be read; frames that cannot be are counted and skipped.
  [[nodiscard]] std::optional<core::Envelope> receive(core::EntryPool& pool);
  /// Gives `each(envelope)` what has come, `most` messages at the most: `more` if that was the
  /// limit. With a connection that broke (`cut`, which the caller tells its core afterwards) it
  /// is all that was said before, a BYE perhaps, because it goes with the socket. Sends what
  /// had to wait.
  struct Heard {
    bool cut = false;
    bool more = false;
  };
  template <class Each>
  [[nodiscard]] Heard hear(core::EntryPool& pool, int most, const Each& each) {
    Heard heard{next_event() == Event::disconnected};
    flush();
    for (int i = 0; heard.cut || i < most; ++i) {
      auto envelope = receive(pool);
      if (!envelope) return heard;
      each(*envelope);
      pool.give_back(std::move(envelope->message));
    }
    heard.more = true;
    return heard;
  }

  /// Sends, or keeps the message until the connection is there; close() drops it.
  void send(const core::Envelope& envelope);
  /// To be called each turn: sends what had to wait.
  void flush();

  /// Adds what it waits for. Until the next call only that is read which `poll` has found ready.
  void watch(PollSet& poll);

  [[nodiscard]] bool is_open() const { return dealer_.has_value(); }
  /// Where it is told to go; the next open() goes there.
  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }
  void set_endpoint(const Endpoint& endpoint);
  /// The address in use, looked up; only while is_open().
  [[nodiscard]] const Endpoint& address() const { return dealer_->endpoint(); }
  /// Why the last attempt went wrong, for people.
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] std::uint64_t bad_frames() const { return bad_frames_; }

 private:
  std::shared_ptr<Context> context_;
  Endpoint endpoint_;
  wire::Codec codec_;
  std::shared_ptr<FramePool> frames_;
  OutFrame frame_;
  Resolver resolver_;
  std::optional<Dealer> dealer_;
  std::size_t attempt_ = 0;
  std::string error_;
  bool failed_ = false;  // open() was in vain, which next_event() has not told yet
  std::uint64_t bad_frames_ = 0;
  std::deque<OutFrame> waiting_;
  // Looking at a socket in vain costs system calls. Null: it must be looked at.
  const PollSet* polled_ = nullptr;
  std::size_t messages_slot_ = 0, events_slot_ = 0;
};

}  // namespace sluice::net
