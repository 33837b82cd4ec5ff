// wake.cpp: the eventfd behind a wake-up.
// SPDX-License-Identifier: MIT
#include "net/wake.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include <sys/eventfd.h>
#include <unistd.h>

#include "core/assert.hpp"
#include "sluice/error.hpp"

namespace sluice::net {

Wake::Wake() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!fd_) {
    throw Error(std::string("cannot create an eventfd: ") + std::strerror(errno) +
                "; raise the limit of open files (ulimit -n)");
  }
}

void Wake::signal() {
  if (!sleeping_.load() || !sleeping_.exchange(false)) return;  // awake, or already being woken
  const std::uint64_t one = 1;
  while (::write(fd_.get(), &one, sizeof one) < 0) {
    if (errno == EAGAIN) return;  // the counter is full, so it is readable
    SLUICE_ASSERT(errno == EINTR);
  }
}

void Wake::awake() {
  // If nobody took `sleeping` away, nobody wrote: no system call then.
  const bool signalled = !sleeping_.exchange(false);
  if (!signalled && !write_pending_) return;
  std::uint64_t count = 0;
  write_pending_ = false;
  while (::read(fd_.get(), &count, sizeof count) < 0) {
    if (errno == EAGAIN) {  // the signaller is about to write; that is to be taken back later
      write_pending_ = true;
      return;
    }
    SLUICE_ASSERT(errno == EINTR);
  }
}

}  // namespace sluice::net
