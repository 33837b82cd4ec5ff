// lane.cpp: opening both ends of a lane.
// SPDX-License-Identifier: MIT
#include "net/lane.hpp"

#include <cerrno>
#include <utility>

#include "net/socket_options.hpp"
#include "sluice/error.hpp"

namespace sluice::net {

std::string lane_host(const Endpoint& control) {
  return control.transport == Endpoint::Transport::tcp ? control.host : "127.0.0.1";
}

std::optional<LanePush> LanePush::open(const std::shared_ptr<Context>& context,
                                       const std::string& host, LanePorts& ports,
                                       core::Time now) try {
  Socket socket(context, zmq::socket_type::push);
  set_lane_push_options(socket.ref());
  for (int tries = 0; tries < kMostTries; ++tries) {
    const std::optional<std::uint16_t> port = ports.take(now);
    if (!port) return std::nullopt;
    Endpoint where;
    where.host = host;
    where.port = *port;
    const int error = socket.try_bind(where);
    if (error == 0) return LanePush(std::move(socket), *port);
    ports.skip(*port);
    // Neither another port nor a later lane would help here; the shell falls back to inline.
    if (error != EADDRINUSE) return std::nullopt;
  }
  return std::nullopt;
} catch (const Error&) {
  return std::nullopt;  // no socket left: the budget is spent, which is an ordinary day here
}

LanePull::LanePull(std::shared_ptr<Context> context, const Endpoint& where,
                   std::uint64_t max_frame)
    : socket_(std::move(context), zmq::socket_type::pull), endpoint_(where) {
  set_lane_pull_options(socket_.ref(), max_frame);
  socket_.connect(where);
}

std::optional<core::Bytes> LanePull::receive() {
  return receive_single(socket_, frame_, dropped_multipart_);
}

}  // namespace sluice::net
