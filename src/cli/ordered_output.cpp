// ordered_output.cpp: holding outputs back, tagging and writing them.
// SPDX-License-Identifier: MIT
#include "cli/ordered_output.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <system_error>
#include <utility>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

// Keeps SIGPIPE from this thread while it lives, so that a broken pipe is an error code and
// nothing else, whatever the program does about signals. One that our write caused is taken
// away; one that was pending before stays.
class NoSigpipe {
 public:
  NoSigpipe() {
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    sigset_t pipe_only;
    ::sigemptyset(&pipe_only);
    ::sigaddset(&pipe_only, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_only, &before_);
  }
  ~NoSigpipe() {
    if (broken_ && !was_pending_) {
      sigset_t pipe_only;
      ::sigemptyset(&pipe_only);
      ::sigaddset(&pipe_only, SIGPIPE);
      const timespec at_once{};
      while (::sigtimedwait(&pipe_only, nullptr, &at_once) < 0 && errno == EINTR) {
      }
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

  void broken() { broken_ = true; }

 private:
  sigset_t before_{};
  bool was_pending_ = false;
  bool broken_ = false;
};

std::size_t bytes_of(const TaskOutput& output) {
  return output.label.size() + output.out.size() + output.err.size();
}

}  // namespace

bool write_all(int fd, std::string_view text) {
  if (text.empty()) return true;
  NoSigpipe guard;
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      guard.broken();
      return false;
    } else if (errno == EAGAIN) {
      pollfd entry{fd, POLLOUT, 0};
      ::poll(&entry, 1, -1);  // whatever it says, write() knows better
    } else if (errno != EINTR) {
      const int error = errno;
      const std::string where = fd == 1   ? "standard output"
                                : fd == 2 ? "standard error"
                                          : "file descriptor " + std::to_string(fd);
      throw Error("cannot write to " + where + ": " + std::generic_category().message(error));
    }
  }
  return true;
}

std::string tagged(std::string_view text, std::string_view tag) {
  std::string result;
  result.reserve(text.size() + tag.size() * 8);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t length = end == std::string_view::npos ? text.size() : end + 1;
    result += tag;
    result += text.substr(0, length);
    text.remove_prefix(length);
  }
  return result;
}

bool has_new_reader(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return false;
  if (S_ISREG(status.st_mode)) return status.st_size == 0;
  return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode);
}

OrderedOutput::OrderedOutput(OutputOptions options)
    : options_(std::move(options)), next_(options_.first_seq) {}

bool OrderedOutput::print_to(int fd, const TaskOutput& output, const std::string& text) {
  return options_.tag ? write_all(fd, tagged(text, output.label + '\t')) : write_all(fd, text);
}

bool OrderedOutput::print(const TaskOutput& output) {
  if (!reader_gone_ && !(print_to(options_.out_fd, output, output.out) &&
                         print_to(options_.err_fd, output, output.err))) {
    reader_gone_ = true;
  }
  if (!reader_gone_ && options_.printed) options_.printed(output);
  return !reader_gone_;
}

bool OrderedOutput::add(TaskOutput output) {
  if (!options_.keep_order) {
    next_ = std::max(next_, output.seq + 1);
    return print(output);
  }
  if (output.seq < next_ || held_.count(output.seq) != 0) return !reader_gone_;
  if (output.seq != next_) {
    held_bytes_ += bytes_of(output);
    held_.emplace(output.seq, std::move(output));
    return !reader_gone_;
  }
  print(output);
  ++next_;
  for (auto first = held_.begin(); first != held_.end() && first->first == next_; ++next_) {
    print(first->second);
    held_bytes_ -= bytes_of(first->second);
    first = held_.erase(first);
  }
  return !reader_gone_;
}

bool OrderedOutput::finish() {
  for (const auto& [seq, output] : held_) {
    print(output);
    next_ = seq + 1;
  }
  held_.clear();
  held_bytes_ = 0;
  return !reader_gone_;
}

}  // namespace sluice::cli
