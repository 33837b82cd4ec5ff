// rig.hpp: real sockets on loopback, and waiting for what they do.
// SPDX-License-Identifier: MIT
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <zmq.hpp>

#include "core/chunk.hpp"
#include "exec/unique_fd.hpp"
#include "net/clock.hpp"
#include "net/context.hpp"
#include "net/endpoint.hpp"
#include "net/frame_io.hpp"
#include "net/poll_set.hpp"

namespace sluice::net::rig {

inline constexpr std::uint64_t kMaxFrame = 64 * 1024;

inline Endpoint any_port() { return Endpoint::parse("tcp://127.0.0.1:0"); }

/// Waits for the sockets until `done()` says true; false if ten seconds were not enough. Without
/// sockets there is no event to wait for (libzmq's own thread is at work), so it looks often.
template <typename Done>
bool wait_until(std::initializer_list<Pollable> sockets, Done done) {
  const core::Time deadline = Clock::now() + std::chrono::seconds(10);
  PollSet poll;
  for (;;) {
    if (done()) return true;
    if (Clock::now() >= deadline) return false;
    poll.clear();
    for (const Pollable& socket : sockets) poll.watch(socket);
    poll.wait(sockets.size() == 0 ? Clock::now() + std::chrono::milliseconds(1) : deadline);
  }
}

/// The next message of anything with receive() and pollable(); nullopt after ten seconds.
template <typename Receiver>
auto next_message(Receiver& receiver) {
  auto message = receiver.receive();
  wait_until({receiver.pollable()}, [&] {
    if (!message) message = receiver.receive();
    return message.has_value();
  });
  return message;
}

/// Sends when the connection is there; false if it never comes.
template <typename Sender>
bool send_when_connected(Sender& sender, std::string_view text) {
  const core::Time deadline = Clock::now() + std::chrono::seconds(10);
  PollSet poll;
  while (Clock::now() < deadline) {
    if (sender.send(core::as_bytes(text)) == SendResult::sent) return true;
    poll.clear();
    poll.watch(sender.pollable(), PollSet::Want::read_and_write);
    poll.wait(deadline);
  }
  return false;
}

/// A peer that keeps to no rules of ours: any kind of ZeroMQ socket, blocking.
class Stranger {
 public:
  explicit Stranger(zmq::socket_type type)
      : context_(Context::shared()), socket_(context_->zmq(), type) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::sndtimeo, 10'000);
  }
  [[nodiscard]] zmq::socket_t& socket() { return socket_; }
  void connect(const Endpoint& where) { socket_.connect(where.text()); }
  void send_parts(int count, std::string_view part) {
    for (int i = 1; i <= count; ++i) {
      const auto flags = i < count ? zmq::send_flags::sndmore : zmq::send_flags::none;
      static_cast<void>(socket_.send(zmq::buffer(part), flags));
    }
  }

 private:
  std::shared_ptr<Context> context_;
  zmq::socket_t socket_;
};

/// A plain TCP connection to a port on 127.0.0.1.
inline exec::UniqueFd tcp_connect(std::uint16_t port) {
  exec::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return {};
  return fd;
}

/// A plain TCP listener on 127.0.0.1, on a port of the kernel's choice.
struct TcpListener {
  exec::UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint16_t port = 0;

  TcpListener() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), size) != 0) return;
    if (::listen(fd.get(), 8) != 0) return;
    if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0) return;
    port = ntohs(at.sin_port);
  }
};

}  // namespace sluice::net::rig
