// frame_io.cpp: zmq_msg_send and zmq_msg_recv, with their errors sorted.
// SPDX-License-Identifier: MIT
#include "net/frame_io.hpp"

#include <cerrno>
#include <new>

#include "core/assert.hpp"

namespace sluice::net {
namespace {

SendResult result_of(int rc) {
  if (rc >= 0) return SendResult::sent;
  if (errno == EHOSTUNREACH) return SendResult::unreachable;
  SLUICE_ASSERT(errno == EAGAIN || errno == EINTR);
  return SendResult::again;
}

// libzmq is done with the bytes: in its I/O thread, or in ours when it refused them.
void done_with(void* /*bytes*/, void* hint) {
  auto* const buffer = static_cast<PooledBuffer*>(hint);
  if (!buffer->refused) FramePool::give_back(std::unique_ptr<PooledBuffer>(buffer));
}

SendResult send_without_copy(Socket& socket, OutFrame& frame) {
  PooledBuffer* const buffer = frame.release().release();
  buffer->refused = false;
  zmq_msg_t message;
  if (::zmq_msg_init_data(&message, buffer->buffer.data(), buffer->buffer.size(), done_with,
                          buffer) != 0) {
    frame.take_back(std::unique_ptr<PooledBuffer>(buffer));
    throw std::bad_alloc();
  }
  if (::zmq_msg_send(&message, socket.ref().handle(), ZMQ_DONTWAIT) >= 0) return SendResult::sent;
  const SendResult result = result_of(-1);
  buffer->refused = true;
  ::zmq_msg_close(&message);
  frame.take_back(std::unique_ptr<PooledBuffer>(buffer));
  return result;
}

}  // namespace

SendResult send_frame(Socket& socket, core::Bytes bytes, int flags) {
  socket.set_quiet(false);
  return result_of(
      ::zmq_send(socket.ref().handle(), bytes.data(), bytes.size(), flags | ZMQ_DONTWAIT));
}

SendResult send_frame(Socket& socket, OutFrame& frame) {
  if (frame.bytes().size() < kLargeFrame) return send_frame(socket, frame.bytes());
  socket.set_quiet(false);
  return send_without_copy(socket, frame);
}

bool receive_part(Socket& socket, zmq::message_t& part) {
  const bool received = ::zmq_msg_recv(part.handle(), socket.ref().handle(), ZMQ_DONTWAIT) >= 0;
  SLUICE_ASSERT(received || errno == EAGAIN || errno == EINTR);
  socket.set_quiet(!received && errno == EAGAIN);
  return received;
}

std::uint32_t drop_rest(Socket& socket, zmq::message_t& part) {
  std::uint32_t dropped = 0;
  while (part.more() && receive_part(socket, part)) ++dropped;
  return dropped;
}

std::optional<core::Bytes> receive_single(Socket& socket, zmq::message_t& part,
                                          std::uint64_t& dropped) {
  for (int tries = 0; tries < kMostDropped && receive_part(socket, part); ++tries) {
    if (drop_rest(socket, part) == 0) return core::Bytes(part.data<std::byte>(), part.size());
    ++dropped;
  }
  return std::nullopt;
}

}  // namespace sluice::net
