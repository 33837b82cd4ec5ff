// context.cpp: making and ending the one ZeroMQ context.
// SPDX-License-Identifier: MIT
#include "net/context.hpp"

#include <algorithm>
#include <mutex>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

#include "sluice/error.hpp"

namespace sluice::net {

std::size_t raise_open_file_limit() {
  // More helps nobody, and programs that close every possible descriptor would take minutes.
  constexpr rlim_t kMost = 262'144;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlim_t wanted = std::min(limit.rlim_max, kMost);
  if (limit.rlim_cur < wanted) {
    rlimit raised = limit;
    raised.rlim_cur = wanted;
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return static_cast<std::size_t>(std::min(limit.rlim_cur, kMost));
}

Context::Context() : pid_(::getpid()) {
  const std::size_t files = raise_open_file_limit();
  try {
    context_ = std::make_unique<zmq::context_t>();
    context_->set(zmq::ctxopt::io_threads, 1);
    // A socket is at least one descriptor, a lane three. libzmq's own limit is 65535.
    max_sockets_ = std::clamp<std::size_t>(files / 2, 1023, 65'535);
    context_->set(zmq::ctxopt::max_sockets, static_cast<int>(max_sockets_));
    context_->set(zmq::ctxopt::blocky, false);  // LINGER 0 even where nobody sets it
  } catch (const zmq::error_t& error) {
    throw Error(std::string("cannot start ZeroMQ: ") + error.what() +
                "; raise the limit of open files (ulimit -n)");
  }
}

Context::~Context() {
  // The I/O thread does not exist in a forked child: ending the context there would spin for ever.
  if (::getpid() != pid_) static_cast<void>(context_.release());
}

std::shared_ptr<Context> Context::shared() {
  struct Registry {
    std::mutex mutex;
    std::weak_ptr<Context> context;
    int pid = 0;
  };
  // Never destroyed: somebody's static object may still want it while the program exits.
  static auto* const registry = new Registry;
  const std::lock_guard lock(registry->mutex);
  // A forked child has its parent's context, but not the thread that works for it.
  if (registry->pid != ::getpid()) registry->context.reset();
  std::shared_ptr<Context> context = registry->context.lock();
  if (!context) {
    context = std::shared_ptr<Context>(new Context);
    registry->context = context;
    registry->pid = ::getpid();
  }
  return context;
}

}  // namespace sluice::net
