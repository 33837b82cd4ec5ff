// dealer.cpp: a connection and what becomes of it.
// SPDX-License-Identifier: MIT
#include "net/dealer.hpp"

#include "net/socket_options.hpp"

namespace sluice::net {
namespace {

constexpr int kEvents = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                        ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

}  // namespace

Dealer::Dealer(std::shared_ptr<Context> context, const Endpoint& where, std::uint64_t max_frame)
    : socket_(context, zmq::socket_type::dealer),
      monitor_(context, socket_, kEvents),
      endpoint_(where) {
  set_dealer_options(socket_.ref(), max_frame);
  socket_.connect(where);
}

std::optional<core::Bytes> Dealer::receive() {
  return receive_single(socket_, frame_, dropped_multipart_);
}

std::optional<LinkEvent> Dealer::next_event() {
  while (const auto event = monitor_.next()) {
    switch (event->what) {
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return LinkEvent::connected;
      case ZMQ_EVENT_DISCONNECTED: return LinkEvent::disconnected;
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return LinkEvent::refused;
      default: break;
    }
  }
  return std::nullopt;
}

}  // namespace sluice::net
