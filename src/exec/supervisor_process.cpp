// supervisor_process.cpp: the first and the last moments of a supervisor.
// SPDX-License-Identifier: MIT
#include "exec/supervisor_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "exec/frames.hpp"
#include "exec/process_tree.hpp"
#include "exec/supervisor.hpp"
#include "sluice/error.hpp"

namespace sluice::exec {
namespace {

void require(bool done, const char* what) {
  if (!done) throw Error(std::string("cannot ") + what + " in the supervisor: " +
                         std::strerror(errno));
}

// Whatever the worker has open must end with the worker, not with us. 0 and 1
// become /dev/null; 2 stays for a last message, so 0 to 2 are never free.
UniqueFd keep_only(UniqueFd socket) {
  UniqueFd kept(::fcntl(socket.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  require(static_cast<bool>(kept), "copy the socket");
  socket = UniqueFd();
  const int null = ::open("/dev/null", O_RDWR);
  require(null >= 0, "open /dev/null");
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    const bool is_free = ::fcntl(fd, F_GETFD) < 0;
    if (fd == STDERR_FILENO && !is_free) continue;
    require(fd == null || ::dup2(null, fd) == fd, "redirect a standard stream");
  }
  const unsigned socket_fd = static_cast<unsigned>(kept.get());
  const unsigned first = STDERR_FILENO + 1;
  require(socket_fd == first || ::close_range(first, socket_fd - 1, 0) == 0, "close descriptors");
  require(::close_range(socket_fd + 1, ~0U, 0) == 0, "close descriptors");
  return kept;
}

// A terminal's ^C and a TERM for all of a job reach us too, but it is the worker
// that decides what becomes of its commands. A handler of the worker's must not run here.
void reset_signals() {
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = SIG_DFL;
    ::sigaction(signal, &action, nullptr);  // KILL and STOP refuse
  }
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD}) {
    struct sigaction action {};
    action.sa_handler = signal == SIGCHLD ? SIG_DFL : SIG_IGN;  // ignored children leave no status
    require(::sigaction(signal, &action, nullptr) == 0, "set a signal's disposition");
  }
  sigset_t none;
  ::sigemptyset(&none);
  require(::sigprocmask(SIG_SETMASK, &none, nullptr) == 0, "unblock signals");
}

void supervise(const CommandOptions& options, UniqueFd& socket, pid_t worker,
               const Environment::Variable& marker) {
  reset_signals();
  require(::setsid() >= 0, "start a session");
  require(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "become a subreaper");
  require(::prctl(PR_SET_NAME, "sluice-exec") == 0, "set the process's name");
  socket = keep_only(std::move(socket));
  UniqueFd own(::fcntl(socket.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  require(static_cast<bool>(own), "copy the socket");
  Supervisor supervisor(options, std::move(own), worker, marker);
  socket.reset();
  supervisor.run();
}

void report(const UniqueFd& socket, const char* what) {
  if (!socket) {  // the worker has had our first frame; this is for its log
    std::fprintf(stderr, "sluice: the supervisor of commands ends: %s\n", what);
    return;
  }
  Outbox outbox;
  outbox.begin(FrameKind::ready);
  outbox.put(std::string_view(what));
  outbox.end();
  if (outbox.flush(socket.get()) != Outbox::Flush::sent)
    std::fprintf(stderr, "sluice: no supervisor of commands: %s\n", what);
}

}  // namespace

void become_supervisor(const CommandOptions& options, UniqueFd socket, pid_t worker,
                       const Environment::Variable& marker) noexcept {
  try {
    supervise(options, socket, worker, marker);
  } catch (const std::exception& error) {
    report(socket, error.what());
    kill_children([](pid_t) { return true; }, kLastKillPatience);
    ::_exit(1);
  }
  // Not exit(): the worker's destructors and buffered output are not ours.
  ::_exit(0);
}

}  // namespace sluice::exec
