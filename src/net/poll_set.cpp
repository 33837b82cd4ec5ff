// poll_set.cpp: ppoll over descriptors, some of them libzmq's.
// SPDX-License-Identifier: MIT
#include "net/poll_set.hpp"

#include <algorithm>
#include <cerrno>

#include <zmq.h>

#include "core/assert.hpp"
#include "net/clock.hpp"

namespace sluice::net {
namespace {

timespec to_timespec(core::Duration d) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(d);
  timespec t{};
  t.tv_sec = seconds.count();
  t.tv_nsec = (d - seconds).count();
  return t;
}

}  // namespace

void PollSet::clear() {
  items_.clear();
  fds_.clear();
}

std::size_t PollSet::watch(Pollable socket, Want want) {
  items_.push_back({socket.socket, socket.quiet, want, false, false});
  fds_.push_back({socket.fd, POLLIN, 0});  // libzmq's descriptor only ever becomes readable
  return items_.size() - 1;
}

std::size_t PollSet::watch_fd(int fd, Want want) {
  const std::size_t slot = watch({nullptr, fd}, want);
  if (want == Want::read_and_write) fds_[slot].events = POLLIN | POLLOUT;
  return slot;
}

// libzmq's descriptor is edge-triggered: it tells that something happened since one last
// looked, not that something is there. So its events are asked for before each sleep and after it.
// Asking costs system calls, so before the sleep those are left out that were found empty and not
// touched since, and after it only those are asked whose descriptor stirred.
bool PollSet::look_at_sockets(bool stirred_only) {
  bool any = false;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    Item& item = items_[i];
    if (item.socket == nullptr || (stirred_only && fds_[i].revents == 0)) continue;
    const bool reads = item.want == Want::read;
    if (!stirred_only && reads && item.quiet != nullptr && *item.quiet) continue;
    int events = 0;
    std::size_t size = sizeof events;
    SLUICE_ASSERT(::zmq_getsockopt(item.socket, ZMQ_EVENTS, &events, &size) == 0);
    item.readable = (events & ZMQ_POLLIN) != 0;
    if (item.quiet != nullptr) *item.quiet = !item.readable;
    item.writable = item.want == Want::read_and_write && (events & ZMQ_POLLOUT) != 0;
    any = any || item.readable || item.writable;
  }
  return any;
}

void PollSet::wait(std::optional<core::Time> deadline) {
  for (;;) {
    bool ready = look_at_sockets(false);
    timespec left{};
    if (!ready && deadline) {
      left = to_timespec(std::max(*deadline - Clock::now(), core::Duration::zero()));
    }
    const bool for_ever = !ready && !deadline;
    const int count = ::ppoll(fds_.data(), fds_.size(), for_ever ? nullptr : &left, nullptr);
    if (count < 0) {
      SLUICE_ASSERT(errno == EINTR);
      continue;
    }
    bool socket_stirred = false;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const bool stirred = count > 0 && fds_[i].revents != 0;
      if (items_[i].socket != nullptr) {
        socket_stirred = socket_stirred || stirred;
      } else {
        items_[i].readable = stirred && (fds_[i].revents & ~POLLOUT) != 0;
        items_[i].writable = stirred && (fds_[i].revents & POLLOUT) != 0;
        ready = ready || stirred;
      }
    }
    if (socket_stirred) ready = look_at_sockets(true) || ready;
    if (ready || count == 0) return;
    // libzmq was only busy with itself: sleep on.
  }
}

}  // namespace sluice::net
