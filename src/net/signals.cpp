// signals.cpp: masks and signalfd.
// SPDX-License-Identifier: MIT
#include "net/signals.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <sys/signalfd.h>
#include <unistd.h>

#include "core/assert.hpp"
#include "sluice/error.hpp"

namespace sluice::net {
namespace {

sigset_t all_but_crashes() {
  sigset_t set;
  ::sigfillset(&set);
  // These come from the thread's own fault; blocking them would only hide where.
  for (const int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
    ::sigdelset(&set, crash);
  }
  return set;
}

}  // namespace

void block_signals_in_this_thread() {
  const sigset_t set = all_but_crashes();
  SLUICE_ASSERT(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
}

SignalsBlocked::SignalsBlocked() {
  const sigset_t set = all_but_crashes();
  SLUICE_ASSERT(::pthread_sigmask(SIG_BLOCK, &set, &before_) == 0);
}

SignalsBlocked::~SignalsBlocked() {
  SLUICE_ASSERT(::pthread_sigmask(SIG_SETMASK, &before_, nullptr) == 0);
}

SignalReader::SignalReader(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  SLUICE_ASSERT(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  SLUICE_ASSERT(::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  fd_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) {
    throw Error(std::string("cannot create a signalfd: ") + std::strerror(errno) +
                "; raise the limit of open files (ulimit -n)");
  }
}

std::optional<int> SignalReader::next() {
  signalfd_siginfo info{};
  const ssize_t got = ::read(fd_.get(), &info, sizeof info);
  if (got != static_cast<ssize_t>(sizeof info)) return std::nullopt;  // EAGAIN: none came
  return static_cast<int>(info.ssi_signo);
}

}  // namespace sluice::net
