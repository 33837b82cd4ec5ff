// process.cpp: fork, exec, pipes and pidfds.
// SPDX-License-Identifier: MIT
#include "e2e/process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluice::e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kAskAgain = milliseconds(5);
constexpr auto kLastWords = milliseconds(2000);

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

// {reading end, writing end}, neither of which other children inherit.
std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{-1, -1};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  return ends;
}

std::vector<std::string> environment(const ProcessOptions& options) {
  std::vector<std::string> all;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view entry = *at;
    bool replaced = entry.starts_with("SLUICE_ACCESS=");  // of whoever runs the tests
    for (const auto& [name, value] : options.env)
      replaced = replaced || entry.starts_with(name + "=");
    if (!replaced) all.emplace_back(entry);
  }
  for (const auto& [name, value] : options.env) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

// In the child, between fork and exec: only calls that are safe there.
[[noreturn]] void become(char** words, char** env, const char* cwd, int in, int out, int err) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpgid(0, 0);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(err, 2);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (*cwd != '\0' && ::chdir(cwd) != 0) ::_exit(127);
  ::execvpe(words[0], words, env);
  ::_exit(127);
}

// Appends what can be read; false at the end.
bool read_some(int fd, std::string& text) {
  std::array<char, 65536> buffer{};
  const ssize_t got = ::read(fd, buffer.data(), buffer.size());
  if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

}  // namespace

std::string sluice_program() {
  const char* const named = ::getenv("SLUICE");
  return named != nullptr && *named != '\0' ? named : SLUICE_BINARY_DIR "/sluice";
}

bool eventually(const std::function<bool()>& condition, milliseconds timeout) {
  const auto until = steady_clock::now() + timeout;
  while (!condition()) {
    if (steady_clock::now() >= until) return false;
    ::poll(nullptr, 0, static_cast<int>(kAskAgain.count()));
  }
  return true;
}

Process::Process(Words words, ProcessOptions options) {
  auto in = make_pipe(), out = make_pipe(), err = make_pipe();
  std::vector<std::string> env = environment(options);
  const std::vector<char*> argv = pointers(words), envp = pointers(env);
  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0)
    become(const_cast<char**>(argv.data()), const_cast<char**>(envp.data()), options.cwd.c_str(),
           in[0], out[1], err[1]);
  ::setpgid(pid_, pid_);  // whoever comes first
  pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  REQUIRE(pidfd_ >= 0);
  for (int* const theirs : {in.data(), &out[1], &err[1]}) close_fd(*theirs);
  in_ = in[1];
  out_pipe_ = out[0];
  err_pipe_ = err[0];
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  REQUIRE(stop_ >= 0);
  ::signal(SIGPIPE, SIG_IGN);
  collector_ = std::thread([this] { collect(); });
  write_input(options.input);
  if (!options.keep_input) close_input();
}

Process::~Process() {
  if (!status_) {
    ::kill(pid_, SIGKILL);
    (void)take_status(true);
  }
  ::kill(-pid_, SIGKILL);  // its process group, if anybody is left in it
  const std::uint64_t one = 1;
  (void)!::write(stop_, &one, sizeof one);
  collector_.join();
  for (int* const fd : {&pidfd_, &in_, &out_pipe_, &err_pipe_, &stop_}) close_fd(*fd);
}

void Process::signal(int number) const { REQUIRE(::kill(pid_, number) == 0); }

void Process::write_input(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t written = ::write(in_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // it reads no more; that is its own affair
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Process::close_input() { close_fd(in_); }

bool Process::take_status(bool block) {
  int raw = 0;
  if (::waitpid(pid_, &raw, block ? 0 : WNOHANG) != pid_) return false;
  status_ = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
  return true;
}

std::optional<int> Process::wait(milliseconds timeout) {
  if (!status_) {
    pollfd ended{pidfd_, POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(timeout.count()));
    if (!take_status(false)) return std::nullopt;
    std::unique_lock lock(mutex_);
    // A child it left behind may hold the pipes open for ever.
    changed_.wait_for(lock, kLastWords, [this] { return silent_; });
  }
  return status_;
}

std::string Process::out() const {
  const std::scoped_lock lock(mutex_);
  return out_;
}

std::string Process::err() const {
  const std::scoped_lock lock(mutex_);
  return err_;
}

bool Process::await(const std::string& stream, std::string_view text, milliseconds timeout) {
  std::unique_lock lock(mutex_);
  const auto found = [&] { return stream.find(text) != std::string::npos; };
  changed_.wait_for(lock, timeout, [&] { return found() || silent_; });
  return found();
}

bool Process::prints(std::string_view text, milliseconds timeout) {
  return await(out_, text, timeout);
}

bool Process::complains(std::string_view text, milliseconds timeout) {
  return await(err_, text, timeout);
}

void Process::collect() {
  std::array<pollfd, 3> fds{{{out_pipe_, POLLIN, 0}, {err_pipe_, POLLIN, 0}, {stop_, POLLIN, 0}}};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[2].revents != 0) break;
    const std::scoped_lock lock(mutex_);
    if (fds[0].revents != 0 && !read_some(out_pipe_, out_)) fds[0].fd = -1;
    if (fds[1].revents != 0 && !read_some(err_pipe_, err_)) fds[1].fd = -1;
    changed_.notify_all();
  }
  const std::scoped_lock lock(mutex_);
  silent_ = true;
  changed_.notify_all();
}

Ran run(Words words, ProcessOptions options, milliseconds timeout) {
  Process process(std::move(words), std::move(options));
  const auto code = process.wait(timeout);
  return {code.value_or(-1), process.out(), process.err()};
}

}  // namespace sluice::e2e
