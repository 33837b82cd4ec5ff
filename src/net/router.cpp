// router.cpp: routing ids, several frames, and who went.
// SPDX-License-Identifier: MIT
#include "net/router.hpp"

#include <array>
#include <cstdint>
#include <utility>

#include <unistd.h>

#include "core/assert.hpp"
#include "net/clock.hpp"
#include "net/socket_options.hpp"

namespace sluice::net {
namespace {

constexpr std::size_t kIdBytes = 5;  // of an id libzmq gave: a zero and a u32, big-endian

std::optional<std::uint32_t> number_of(const zmq::message_t& id) {
  const auto* const bytes = id.data<std::uint8_t>();
  if (id.size() != kIdBytes || bytes[0] != 0) return std::nullopt;
  std::uint32_t number = 0;
  for (std::size_t i = 1; i < kIdBytes; ++i) number = number << 8U | bytes[i];
  return number;
}

std::array<std::byte, kIdBytes> id_of(std::uint32_t number) {
  std::array<std::byte, kIdBytes> id{};
  for (std::size_t i = kIdBytes - 1; i > 0; --i, number >>= 8U) {
    id[i] = static_cast<std::byte>(number & 0xFFU);
  }
  return id;
}

// libzmq counts its ids up, past the end and on from 0.
bool is_newer(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) > 0; }

std::optional<IpcLock> lock_for(const Endpoint& where) {
  const bool has_file = where.transport == Endpoint::Transport::ipc && where.path[0] != '@';
  if (!has_file) return std::nullopt;
  return IpcLock(where.path);
}

}  // namespace

Router::Router(std::shared_ptr<Context> context, const Endpoint& where, std::uint64_t max_frame)
    : lock_(lock_for(where)), socket_(context, zmq::socket_type::router) {
  set_router_options(socket_.ref(), max_frame);
  monitor_.emplace(context, socket_,
                   ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_CLOSE_FAILED);
  endpoint_ = socket_.bind(where);
}

// Closing is the work of libzmq's I/O thread and goes on after zmq_close(). Its event is waited
// for, so that a role that starts again in this process finds its port free.
Router::~Router() {
  if (!socket_.is_open() || endpoint_.transport == Endpoint::Transport::inproc) return;
  stop_listening();
  if (lock_) ::unlink(endpoint_.path.c_str());  // libzmq leaves it there
}

void Router::stop_listening() {
  const std::string last = socket_.ref().get(zmq::sockopt::last_endpoint);
  if (::zmq_unbind(socket_.ref().handle(), last.c_str()) != 0) return;
  const core::Time deadline = Clock::now() + std::chrono::seconds(1);
  PollSet poll;
  poll.watch(monitor_->pollable());
  do {
    while (const auto event = monitor_->next()) {
      if (event->what != ZMQ_EVENT_DISCONNECTED) return;
    }
    poll.wait(deadline);
  } while (Clock::now() < deadline);
}

void Router::watch(PollSet& poll) {
  messages_slot_ = poll.watch(socket_.pollable());
  departures_slot_ = poll.watch(monitor_->pollable());
  polled_ = &poll;
}

// What somebody said before the departure that was seen has come by now, though the poll looked
// at the messages before it did.
std::optional<Incoming> Router::receive() {
  if (polled_ != nullptr && !polled_->readable(messages_slot_) &&
      !polled_->readable(departures_slot_))
    return std::nullopt;
  // Dropping what nobody may send must not keep the loop here; the rest waits for the next turn.
  for (int dropped = 0; dropped < kMostDropped; ++dropped) {
    if (!receive_part(socket_, id_)) return std::nullopt;
    if (!id_.more() || !receive_part(socket_, frame_)) continue;
    const std::optional<std::uint32_t> number = number_of(id_);
    if (number) meet(*number);
    const std::uint32_t extra = drop_rest(socket_, frame_);
    if (!number) {
      ++counters_.foreign_ids;
      continue;
    }
    const auto from = static_cast<core::PeerId>(*number);
    if (extra != 0) {
      ++counters_.multipart;
      return Incoming{from, {}, extra};
    }
    return Incoming{from, {frame_.data<std::byte>(), frame_.size()}, 0};
  }
  return std::nullopt;
}

// Learns which descriptor a peer's connection has, once, from the frame just received (libzmq
// 4.3.4 loses that of the routing id's frame).
void Router::meet(std::uint32_t peer) {
  if (peers_.contains(peer)) return;
  // Descriptors are used again. The word that its last user went was given before this one
  // came; taken in later, it would speak of this one.
  note_departures();
  const int fd = ::zmq_msg_get(frame_.handle(), ZMQ_SRCFD);
  if (fd < 0) return;  // inproc
  const auto other = peer_of_fd_.find(fd);
  if (other != peer_of_fd_.end()) {
    // One descriptor, two peers: the older one's connection is gone, though its messages may
    // still come after the newer one's first.
    if (!is_newer(peer, other->second)) return;
    peers_.erase(other->second);
    departed_.push_back(other->second);
  }
  peer_of_fd_[fd] = peer;
  const char* const address = ::zmq_msg_gets(frame_.handle(), "Peer-Address");
  peers_[peer] = Peer{fd, address == nullptr ? "" : address};
}

void Router::note_departures() {
  while (const auto event = monitor_->next()) {
    if (event->what != ZMQ_EVENT_DISCONNECTED) continue;
    const auto at = peer_of_fd_.find(static_cast<int>(event->value));
    if (at == peer_of_fd_.end()) continue;  // one that never said anything of ours
    departed_.push_back(at->second);
    peers_.erase(at->second);
    peer_of_fd_.erase(at);
  }
}

std::optional<core::PeerId> Router::next_departed() {
  const bool news = polled_ == nullptr || polled_->readable(departures_slot_);
  if (departed_.empty() && news) note_departures();
  if (departed_.empty()) return std::nullopt;
  const auto gone = static_cast<core::PeerId>(departed_.back());
  departed_.pop_back();
  return gone;
}

SendResult Router::send_id(core::PeerId peer) {
  const std::uint64_t number = core::raw(peer);
  SLUICE_ASSERT(number <= UINT32_MAX);
  const auto id = id_of(static_cast<std::uint32_t>(number));
  const SendResult result = send_frame(socket_, id, ZMQ_SNDMORE);
  if (result == SendResult::unreachable) ++counters_.unreachable;
  if (result == SendResult::again) ++counters_.refused_sends;
  return result;
}

// Whether there is room and a peer is decided by the id; what follows a taken id is always taken.
SendResult Router::send(core::PeerId peer, core::Bytes bytes) {
  const SendResult result = send_id(peer);
  if (result == SendResult::sent) {
    SLUICE_ASSERT(send_frame(socket_, bytes) == SendResult::sent);
  }
  return result;
}

SendResult Router::send(core::PeerId peer, OutFrame& frame) {
  const SendResult result = send_id(peer);
  if (result == SendResult::sent) {
    SLUICE_ASSERT(send_frame(socket_, frame) == SendResult::sent);
  }
  return result;
}

void Router::send_queued_at_end(std::chrono::milliseconds most) {
  socket_.ref().set(zmq::sockopt::linger, static_cast<int>(most.count()));
}

std::string Router::peer_address(core::PeerId peer) const {
  const auto at = peers_.find(static_cast<std::uint32_t>(core::raw(peer)));
  return at == peers_.end() ? std::string() : at->second.address;
}

}  // namespace sluice::net
