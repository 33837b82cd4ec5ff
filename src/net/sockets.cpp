// sockets.cpp: making, binding and connecting a socket.
// SPDX-License-Identifier: MIT
#include "net/sockets.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include "sluice/error.hpp"

namespace sluice::net {
namespace {

std::string cure(const Endpoint& where, int error) {
  const std::string port = std::to_string(where.port);
  switch (error) {
    case EADDRINUSE:
      return "port " + port + " is taken by another process (ss -ltnp 'sport = :" + port +
             "' shows which); stop that one or choose another port";
    case EACCES:
      return where.transport == Endpoint::Transport::tcp
                 ? "ports below 1024 are for root; choose a higher one"
                 : "choose a path in a directory that may be written";
    case EADDRNOTAVAIL:
    case ENODEV:
    case EINVAL:
      return "no interface here has that address; tcp://*:" + port + " listens on all of them";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    default: return "check the address";
  }
}

}  // namespace

Socket::Socket(std::shared_ptr<Context> context, zmq::socket_type type)
    : context_(std::move(context)) {
  try {
    socket_ = zmq::socket_t(context_->zmq(), type);
    fd_ = socket_.get(zmq::sockopt::fd);
  } catch (const zmq::error_t& error) {
    throw Error(std::string("cannot make a ZeroMQ socket: ") + error.what() +
                "; raise the limit of open files (ulimit -n)");
  }
  handle_ = socket_.handle();
}

Socket::Socket(Socket&& other) noexcept
    : context_(std::move(other.context_)),
      socket_(std::move(other.socket_)),
      handle_(std::exchange(other.handle_, nullptr)),
      fd_(std::exchange(other.fd_, -1)),
      quiet_(std::move(other.quiet_)) {}

int Socket::try_bind(const Endpoint& where) {
  set_quiet(false);
  // "*" listens for IPv4 and IPv6. A name or an interface means its IPv4 address: with IPv6
  // on, libzmq would prefer the other one, which those who connect try last.
  socket_.set(zmq::sockopt::ipv6, where.host == "*" || where.is_ipv6());
  return ::zmq_bind(handle_, where.text().c_str()) == 0 ? 0 : errno;
}

Endpoint Socket::bound(const Endpoint& asked) const {
  const Endpoint real = Endpoint::parse(ref().get(zmq::sockopt::last_endpoint));
  return asked.with_port(real.port);
}

Endpoint Socket::bind(const Endpoint& where) {
  const int error = try_bind(where);
  if (error != 0) {
    throw Error("cannot listen on " + where.text() + ": " + ::zmq_strerror(error) + "; " +
                cure(where, error));
  }
  return bound(where);
}

void Socket::connect(const Endpoint& where) {
  where.require_connectable();
  if (!where.is_literal()) {
    throw Error("cannot connect to " + where.text() + ": its host must be looked up first");
  }
  set_quiet(false);
  socket_.set(zmq::sockopt::ipv6, where.is_ipv6());
  if (::zmq_connect(handle_, where.text().c_str()) != 0) {
    throw Error("cannot connect to " + where.text() + ": " + ::zmq_strerror(errno) +
                "; check the address");
  }
}

}  // namespace sluice::net
