// command_runner.cpp: the worker's end of the socketpair.
// SPDX-License-Identifier: MIT
#include "exec/command_runner.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "core/assert.hpp"
#include "exec/pidfd.hpp"
#include "exec/process_tree.hpp"
#include "exec/supervisor_process.hpp"
#include "sluice/error.hpp"

namespace sluice::exec {
namespace {

constexpr std::chrono::milliseconds kReadyPatience{10'000};
constexpr std::chrono::milliseconds kExitPatience{6'000};  // the supervisor kills for up to 5 s
constexpr std::chrono::milliseconds kOrphanPatience{2'000};
constexpr std::chrono::milliseconds kExecPatience{50};  // for a process to show its environment

[[noreturn]] void fail(const char* what) {
  throw Error(std::string("cannot ") + what +
              " for the supervisor of commands: " + std::strerror(errno));
}

// Tells our processes from all others, also from those of another runner.
std::string random_mark() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) fail("get random bytes");
  char text[16];
  const auto end = std::to_chars(std::begin(text), std::end(text), number, 16).ptr;
  return std::to_string(::getpid()) + "-" + std::string(text, end);
}

// Waits until `fd` is readable or hung up; false if `patience` is over first.
bool wait_readable(int fd, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd poll{fd, POLLIN, 0};
    const int n = ::poll(&poll, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (n > 0) return true;
    if (n == 0) return false;
    if (errno != EINTR) return false;
  }
}

}  // namespace

CommandRunner::CommandRunner(const Options& options)
    : options_(options), marker_("SLUICE_SUPERVISOR", random_mark()) {
  if (options_.adopt_orphans && ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail("become a subreaper");
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("open a socketpair");
  socket_.reset(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t worker = ::getpid();
  supervisor_ = ::fork();
  if (supervisor_ < 0) fail("fork");
  if (supervisor_ == 0) become_supervisor(options_, std::move(theirs), worker, marker_);
  theirs.reset();
  supervisor_pidfd_ = open_pidfd(supervisor_);
  if (!supervisor_pidfd_) {
    const int error = errno;
    ::kill(supervisor_, SIGKILL);
    ::waitpid(supervisor_, nullptr, 0);
    errno = error;
    fail("open a pidfd");
  }
  await_ready();
}

void CommandRunner::await_ready() {
  std::string problem = "the supervisor of commands does not answer";
  while (wait_readable(socket_.get(), kReadyPatience)) {
    const bool ended = inbox_.fill(socket_.get()) == Inbox::Fill::ended;
    if (const auto frame = inbox_.next()) {
      problem = FrameReader(*frame).text();
      break;
    }
    if (ended) break;
  }
  if (problem.empty()) return;
  supervisor_gone();
  throw Error(problem);
}

CommandRunner::~CommandRunner() {
  if (alive_) supervisor_gone();
}

void CommandRunner::run(std::uint64_t token, std::span<const std::byte> command_payload,
                        std::span<const std::pair<std::string, std::string>> task_env,
                        std::chrono::milliseconds timeout) {
  SLUICE_ASSERT(!stopping_);
  SLUICE_ASSERT(under_way_.size() < options_.slots);
  const bool is_new = under_way_.insert(token).second;
  SLUICE_ASSERT(is_new);
  if (!alive_) return;  // lost, like all that is under way
  put_run(outbox_, token, timeout, task_env, command_payload);
  flush();
}

void CommandRunner::cancel(std::uint64_t token) {
  if (!alive_ || !under_way_.contains(token)) return;
  outbox_.begin(FrameKind::cancel);
  outbox_.put(token);
  outbox_.end();
  flush();
}

void CommandRunner::stop(std::chrono::milliseconds grace) {
  stopping_ = true;
  if (!alive_) return;
  outbox_.begin(FrameKind::stop);
  outbox_.put(static_cast<std::uint64_t>(std::max<std::int64_t>(0, grace.count())));
  outbox_.end();
  flush();
}

// A broken socket is left for receive() to notice, after the frames that came before.
void CommandRunner::flush() {
  if (outbox_.flush(socket_.get()) == Outbox::Flush::broken) outbox_ = Outbox();
}

bool CommandRunner::receive(Finished& finished) {
  for (;;) {
    if (const auto frame = inbox_.next()) {
      FrameReader reader(*frame);
      SLUICE_ASSERT(reader.kind() == FrameKind::finished);
      finished.token = reader.number();
      finished.end = static_cast<CommandResult::End>(reader.number());
      finished.ok = reader.number() != 0;
      finished.started_us = static_cast<std::int64_t>(reader.number());
      finished.run_us = static_cast<std::int64_t>(reader.number());
      finished.error = reader.text();
      const std::span<const std::byte> result = reader.bytes();
      finished.result.assign(result.begin(), result.end());
      const bool was_under_way = under_way_.erase(finished.token) == 1;
      SLUICE_ASSERT(was_under_way);
      return true;
    }
    if (!alive_) return false;
    const Inbox::Fill fill = inbox_.fill(socket_.get());
    if (fill == Inbox::Fill::empty) return false;
    if (fill == Inbox::Fill::ended) {
      supervisor_gone();
      return false;
    }
  }
}

// Makes sure that the supervisor and all that came from it has ended. It is not
// waited for until the end, because its process id, which is also its session's,
// cannot pass to anybody else before that.
void CommandRunner::supervisor_gone() {
  alive_ = false;
  ::shutdown(socket_.get(), SHUT_RDWR);  // for a living one: the word to kill everything
  signal_pidfd(supervisor_pidfd_, SIGCONT);  // somebody may have stopped it
  if (!wait_readable(supervisor_pidfd_.get(), kExitPatience)) {
    // It waits for a process that cannot be killed.
    signal_pidfd(supervisor_pidfd_, SIGKILL);
    wait_readable(supervisor_pidfd_.get(), kExitPatience);
  }
  if (options_.adopt_orphans) kill_orphans();
  ::waitpid(supervisor_, nullptr, WNOHANG);
}

void CommandRunner::kill_orphans() {
  const std::string mark = marker_.first + "=" + marker_.second;
  bool undecided = false;
  const auto is_ours = [&](pid_t child) {
    const auto status = process_status(child);
    if (child == supervisor_ || !status) return false;
    if (status->session == supervisor_) return true;
    if (status->state == 'Z') return false;
    const std::optional<bool> marked = started_with(child, mark);
    if (!marked) undecided = true;
    return marked.value_or(false);
  };
  const auto deadline = std::chrono::steady_clock::now() + kExecPatience;
  do {
    undecided = false;
    kill_children(is_ours, kOrphanPatience);
    if (undecided) ::poll(nullptr, 0, 1);  // one of them may be between two programs
  } while (undecided && std::chrono::steady_clock::now() < deadline);
}

}  // namespace sluice::exec
