// process.cpp: links, and frames.
// SPDX-License-Identifier: MIT
#include "sim/process.hpp"

#include <utility>

#include "sim/world.hpp"

namespace sluice::sim {

std::string encode(const core::Envelope& envelope) {
  static wire::Buffer buffer;  // one thread only
  wire::Codec::encode(envelope, buffer);
  return std::string(core::as_text(buffer.bytes()));
}

core::Envelope decode_or_break(const wire::Codec& codec, const std::string& frame,
                               core::EntryPool& pool) {
  wire::DecodeError error;
  auto envelope = codec.decode(core::as_bytes(frame), pool, error);
  if (!envelope)
    broken("a frame of type " + std::to_string(error.type) +
           " cannot be read: " + std::string(error.what));
  return std::move(*envelope);
}

void Link::open(const std::string& address) {
  close();
  socket_ = world_.network.connect(host_, SocketKind::dealer, address);
}

void Link::close() {
  if (socket_ != 0) world_.network.close(std::exchange(socket_, 0));
  waiting_.clear();
}

bool Link::was_cut() {
  bool cut = false;
  for (auto event = world_.network.next_event(socket_); event != Network::LinkEvent::none;
       event = world_.network.next_event(socket_))
    cut = cut || event == Network::LinkEvent::disconnected;
  return cut;
}

void Link::flush() {
  while (socket_ != 0 && !waiting_.empty() && world_.network.send(socket_, waiting_.front()))
    waiting_.pop_front();
}

std::optional<std::string> Link::next() {
  auto arrival = world_.network.receive(socket_);
  if (!arrival) return std::nullopt;
  return std::move(arrival->frame);
}

void Link::send(const core::Envelope& envelope) {
  world_.point(host_);
  std::string frame = encode(envelope);
  if (socket_ != 0 && waiting_.empty() && world_.network.send(socket_, frame)) return;
  waiting_.push_back(std::move(frame));
}

}  // namespace sluice::sim
