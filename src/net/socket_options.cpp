// socket_options.cpp: the options sheet, with the reasons.
// SPDX-License-Identifier: MIT
#include "net/socket_options.hpp"

#include <algorithm>

namespace sluice::net {
namespace {

// What CURVE adds to a frame; MAXMSGSIZE counts it.
constexpr std::uint64_t kCurveBytes = 33;

std::int64_t max_message(std::uint64_t max_frame) {
  return static_cast<std::int64_t>(std::max(max_frame, kLeastFrame) + kCurveBytes);
}

void set_common(zmq::socket_ref socket) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::sndtimeo, 0);
  socket.set(zmq::sockopt::rcvtimeo, 0);
  socket.set(zmq::sockopt::handshake_ivl, 5000);
  // The kernel's keepalive waits two hours; MAXRT is what covers data nobody acknowledges.
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 15);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 5);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  socket.set(zmq::sockopt::tcp_maxrt, 20'000);
}

void set_connecting(zmq::socket_ref socket) {
  socket.set(zmq::sockopt::connect_timeout, 5000);
  socket.set(zmq::sockopt::reconnect_ivl, 100);
  socket.set(zmq::sockopt::reconnect_ivl_max, 5000);
}

void set_heartbeat(zmq::socket_ref socket, int every_ms, int timeout_ms, int ttl_ms) {
  socket.set(zmq::sockopt::heartbeat_ivl, every_ms);
  socket.set(zmq::sockopt::heartbeat_timeout, timeout_ms);
  socket.set(zmq::sockopt::heartbeat_ttl, ttl_ms);
}

}  // namespace

// Heartbeat: never on a bound socket that receives. A peer that fills its queue and
// goes away makes libzmq 4.3.4 abort this process (assertion in stream_engine_base.cpp).
// The TTL which the connecting side sends lets dead peers be reaped all the same.
//
// HWM: bounded, although credit bounds what an honest peer has in flight. Credit binds nobody
// who does not keep to it: without RCVHWM such a peer fills this process's memory as
// fast as its line allows; without SNDHWM one that asks and never reads does so with
// the answers. With it, libzmq stops reading that one connection, and a send gets
// EAGAIN. Honest inline workers can meet that too, as credit may be many thousand tasks
// and each in its own message, so EAGAIN means "keep it and try again". It is never a drop:
// MANDATORY is on.
void set_router_options(zmq::socket_ref socket, std::uint64_t max_frame) {
  set_common(socket);
  set_heartbeat(socket, 0, 0, 0);
  socket.set(zmq::sockopt::sndhwm, 2000);
  socket.set(zmq::sockopt::rcvhwm, 2000);
  socket.set(zmq::sockopt::router_mandatory, true);
  socket.set(zmq::sockopt::immediate, false);
  socket.set(zmq::sockopt::backlog, 4096);  // with 100, a thousand workers wait 15 s to connect
  socket.set(zmq::sockopt::maxmsgsize, max_message(max_frame));
}

// RCVHWM 0, as a full queue would stop the heartbeat's answers and cut a healthy connection.
// IMMEDIATE: nothing is queued for a peer that is not there; retention is the core's.
void set_dealer_options(zmq::socket_ref socket, std::uint64_t max_frame) {
  set_common(socket);
  set_connecting(socket);
  set_heartbeat(socket, 2000, 10'000, 20'000);
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::immediate, true);
  socket.set(zmq::sockopt::maxmsgsize, max_message(max_frame));
}

// A PUSH receives nothing, so a heartbeat is safe here and small frames are enough.
void set_lane_push_options(zmq::socket_ref socket) {
  set_common(socket);
  set_heartbeat(socket, 5000, 30'000, 0);
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::immediate, false);
  socket.set(zmq::sockopt::backlog, 16);
  socket.set(zmq::sockopt::maxmsgsize, std::int64_t{4096});
}

void set_lane_pull_options(zmq::socket_ref socket, std::uint64_t max_frame) {
  set_common(socket);
  set_connecting(socket);
  set_heartbeat(socket, 5000, 30'000, 60'000);  // a TTL above 65535 would wrap to almost nothing
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::immediate, false);
  socket.set(zmq::sockopt::maxmsgsize, max_message(max_frame));
}

// libzmq writes events with a blocking send: a limit here could stop its I/O thread.
void set_monitor_options(zmq::socket_ref socket) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::rcvhwm, 0);
}

}  // namespace sluice::net
