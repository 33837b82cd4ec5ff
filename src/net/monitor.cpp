// monitor.cpp: reading libzmq's event frames.
// SPDX-License-Identifier: MIT
#include "net/monitor.hpp"

#include <atomic>
#include <cstring>
#include <string>
#include <utility>

#include "net/frame_io.hpp"
#include "net/socket_options.hpp"
#include "sluice/error.hpp"

namespace sluice::net {
namespace {

std::string next_name() {
  static std::atomic<std::uint64_t> count{0};
  return "sluice-monitor-" + std::to_string(count.fetch_add(1));
}

}  // namespace

Monitor::Monitor(const std::shared_ptr<Context>& context, const Socket& watched, int mask)
    : reader_(context, zmq::socket_type::pair), watched_(watched.ref().handle()) {
  Endpoint events;
  events.transport = Endpoint::Transport::inproc;
  events.path = next_name();
  set_monitor_options(reader_.ref());
  if (::zmq_socket_monitor(watched_, events.text().c_str(), mask) != 0) {
    throw Error(std::string("cannot watch the connections of a socket: ") +
                ::zmq_strerror(errno) + "; raise the limit of open files (ulimit -n)");
  }
  reader_.connect(events);
}

Monitor::Monitor(Monitor&& other) noexcept
    : reader_(std::move(other.reader_)), watched_(std::exchange(other.watched_, nullptr)) {}

// Stopped before its reader closes: libzmq would wait for ever to write to a closed one.
Monitor::~Monitor() {
  if (watched_ != nullptr) ::zmq_socket_monitor(watched_, nullptr, 0);
}

std::optional<MonitorEvent> Monitor::next() {
  zmq::message_t part;
  if (!receive_part(reader_, part)) return std::nullopt;
  MonitorEvent event;
  std::uint16_t what = 0;
  if (part.size() >= sizeof what + sizeof event.value) {  // it always is: u16, u32, native order
    const auto* const bytes = part.data<std::byte>();
    std::memcpy(&what, bytes, sizeof what);
    std::memcpy(&event.value, bytes + sizeof what, sizeof event.value);
  }
  event.what = what;
  drop_rest(reader_, part);  // the endpoint
  return event;
}

}  // namespace sluice::net
