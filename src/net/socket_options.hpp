// socket_options.hpp: the options of every kind of socket, in one place.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <zmq.hpp>

namespace sluice::net {

/// The smallest max_frame that still lets a handshake through.
inline constexpr std::uint64_t kLeastFrame = 1024;

/// Each to be called before bind or connect. `max_frame` is the largest message in bytes; a
/// peer that sends a larger one is disconnected by libzmq.
void set_router_options(zmq::socket_ref socket, std::uint64_t max_frame);  // control, sink; binds
void set_dealer_options(zmq::socket_ref socket, std::uint64_t max_frame);  // connects
void set_lane_push_options(zmq::socket_ref socket);                        // binds
void set_lane_pull_options(zmq::socket_ref socket, std::uint64_t max_frame);  // connects
void set_monitor_options(zmq::socket_ref socket);  // the PAIR that reads a monitor

}  // namespace sluice::net
