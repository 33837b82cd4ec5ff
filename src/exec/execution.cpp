// execution.cpp: moving a command's bytes and reading its end.
// SPDX-License-Identifier: MIT
#include "exec/execution.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/assert.hpp"
#include "exec/process_tree.hpp"

namespace sluice::exec {
namespace {

constexpr int kMaxReadsPerDrain = 64;

std::chrono::microseconds to_microseconds(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

bool Capture::read_some(std::span<char> scratch) {
  if (!fd_) return false;
  ssize_t n = 0;
  do {
    n = ::read(fd_.get(), scratch.data(), scratch.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) return false;
  if (n <= 0) {
    close();
    return false;
  }
  const std::uint64_t size = static_cast<std::uint64_t>(n);
  const std::uint64_t taken = std::min(size, limit_ - std::min<std::uint64_t>(limit_, kept.size()));
  kept.append(scratch.data(), static_cast<std::size_t>(taken));
  cut += size - taken;
  return true;
}

void Capture::drain(std::span<char> scratch) {
  for (int i = 0; i < kMaxReadsPerDrain && read_some(scratch); ++i) {
  }
}

void Execution::feed() {
  while (in && input_written < input.size()) {
    const ssize_t n =
        ::write(in.get(), input.data() + input_written, input.size() - input_written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) break;  // EPIPE: the command does not want the rest
    input_written += static_cast<std::size_t>(n);
  }
  in.reset();
  std::string().swap(input);
}

void Execution::signal_group(int signal) const {
  SLUICE_ASSERT(pid > 1);
  // Fails only if nobody in the group may be signalled by us (a set-user-id
  // program): then there is nothing more that we could do.
  ::kill(-pid, signal);
}

bool Execution::group_lives_on() const {
  for (const pid_t child : children_of(::getpid())) {
    if (child == pid) continue;
    const auto status = process_status(child);
    if (status && status->group == pid && status->state != 'Z') return true;
  }
  return false;
}

CommandResult Execution::collect() {
  SLUICE_ASSERT(leader_exited);
  signal_group(SIGKILL);
  int status = 0;
  rusage usage{};
  pid_t waited = 0;
  do {
    waited = ::wait4(pid, &status, 0, &usage);
  } while (waited < 0 && errno == EINTR);
  SLUICE_ASSERT(waited == pid);

  CommandResult result;
  result.end = CommandResult::End::exited;
  if (WIFSIGNALED(status)) {
    result.end = CommandResult::End::signalled;
    result.signal = WTERMSIG(status);
    result.exit_code = 128 + result.signal;
  } else {
    result.exit_code = WEXITSTATUS(status);
  }
  if (stopped_by != CommandResult::End::exited) result.end = stopped_by;
  result.out = std::move(out.kept);
  result.err = std::move(err.kept);
  result.out_cut = out.cut;
  result.err_cut = err.cut;
  result.wall = std::chrono::duration_cast<std::chrono::microseconds>(exited - started);
  result.cpu_user = to_microseconds(usage.ru_utime);
  result.cpu_system = to_microseconds(usage.ru_stime);
  result.peak_memory_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  result.display = std::move(display);
  return result;
}

}  // namespace sluice::exec
