// rig.hpp: what the tests of exec share: commands, folders, and waiting for events.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "exec/command_runner.hpp"
#include "exec/pidfd.hpp"
#include "exec/process_tree.hpp"
#include "exec/unique_fd.hpp"
#include "sluice/command.hpp"
#include "support/temp_folder.hpp"

namespace sluice::exec::test {

using End = CommandResult::End;
using std::chrono::milliseconds;

/// For events that come in any case; only a broken program waits so long.
constexpr milliseconds kPatience{30'000};

inline Command shell(const std::string& script) {
  Command command;
  command.argv = {"/bin/sh", "-c", script};
  return command;
}

inline Command program(std::vector<std::string> argv) {
  Command command;
  command.argv = std::move(argv);
  return command;
}

inline bool wait_for(int fd, milliseconds patience = kPatience) {
  pollfd poll{fd, POLLIN, 0};
  return ::poll(&poll, 1, static_cast<int>(patience.count())) > 0;
}

/// A FIFO by which a command tells the test how far it is: `echo word > path`.
class Word {
 public:
  explicit Word(const TempFolder& folder, const std::string& name = "word")
      : path_(folder.file(name)) {
    REQUIRE(::mkfifo(path_.c_str(), 0600) == 0);
    // Open for writing, too, so that writers never wait and readers see no end.
    fd_.reset(::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(fd_);
  }

  [[nodiscard]] const std::string& path() const { return path_; }

  /// The next line; empty if none comes.
  std::string line() {
    for (;;) {
      const std::size_t end = buffer_.find('\n');
      if (end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
      }
      char part[256];
      if (!wait_for(fd_.get())) return "";
      const ssize_t n = ::read(fd_.get(), part, sizeof part);
      if (n > 0) buffer_.append(part, static_cast<std::size_t>(n));
    }
  }

  pid_t pid() {
    const std::string text = line();
    REQUIRE(!text.empty());
    return static_cast<pid_t>(std::stol(text));
  }

 private:
  std::string path_;
  UniqueFd fd_;
  std::string buffer_;
};

/// Watches a process that is alive when this is made.
class Watched {
 public:
  explicit Watched(pid_t pid) : pid_(pid), fd_(open_pidfd(pid)) { REQUIRE(fd_); }

  [[nodiscard]] bool is_running() const { return !wait_for(fd_.get(), milliseconds(0)); }
  [[nodiscard]] bool ends() const { return wait_for(fd_.get()); }
  /// True if not even a zombie is left.
  [[nodiscard]] bool is_collected() const {
    return !signal_pidfd(fd_, 0);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
  UniqueFd fd_;
};

/// A runner and the shortest way to run one command by it.
class Rig {
 public:
  explicit Rig(const CommandOptions& options = {}) : runner(options) {}

  std::uint64_t start(const Command& command, milliseconds timeout = milliseconds(0),
                      const Variables& task_env = {}) {
    runner.run(++last_token_, command.encode(), task_env, timeout);
    return last_token_;
  }

  /// The next one to finish. Fails the test if none does.
  Finished next() {
    Finished finished;
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!runner.receive(finished)) {
      REQUIRE(runner.alive());
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      wait(kPatience);
    }
    return finished;
  }

  /// Waits for the runner's socket once and writes what waits.
  void wait(milliseconds patience) {
    pollfd poll{runner.fd(), POLLIN, 0};
    if (runner.wants_write()) poll.events |= POLLOUT;
    ::poll(&poll, 1, static_cast<int>(patience.count()));
    runner.flush();
  }

  /// Waits until the supervisor is gone; drops what still comes.
  bool wait_until_gone() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    Finished finished;
    while (std::chrono::steady_clock::now() < deadline) {
      while (runner.receive(finished)) {
      }
      if (!runner.alive()) return true;
      wait(kPatience);
    }
    return false;
  }

  CommandResult run(const Command& command, milliseconds timeout = milliseconds(0),
                    const Variables& task_env = {}) {
    const std::uint64_t token = start(command, timeout, task_env);
    const Finished finished = next();
    CHECK(finished.token == token);
    error = finished.error;
    return result_of(finished);
  }

  static CommandResult result_of(const Finished& finished) {
    auto result = CommandResult::decode(finished.result);
    REQUIRE(result.has_value());
    CHECK(result->end == finished.end);
    CHECK(result->ok() == finished.ok);
    return std::move(*result);
  }

  CommandRunner runner;
  std::string error;  // of the last run()

 private:
  std::uint64_t last_token_ = 0;
};

/// Runs `body` in a forked process and gives its id; the process never returns.
template <typename Body>
pid_t fork_helper(Body body) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    body();
    ::_exit(0);
  }
  return pid;
}

}  // namespace sluice::exec::test
