// test_pipe.hpp: a pipe whose two ends a test holds.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::cli {

class TestPipe {
 public:
  TestPipe() {
    int ends[2] = {-1, -1};
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    read_ = ends[0];
    write_ = ends[1];
  }
  ~TestPipe() {
    close_read();
    close_write();
  }
  TestPipe(const TestPipe&) = delete;
  TestPipe& operator=(const TestPipe&) = delete;

  [[nodiscard]] int read_fd() const { return read_; }
  [[nodiscard]] int write_fd() const { return write_; }
  void close_read() { close(read_); }
  void close_write() { close(write_); }

  void put(std::string_view text) const {
    REQUIRE(::write(write_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  // What comes until the writing end is closed.
  [[nodiscard]] std::string rest() const {
    std::string result;
    char buffer[4096];
    ssize_t got = 0;
    while ((got = ::read(read_, buffer, sizeof buffer)) > 0) {
      result.append(buffer, static_cast<std::size_t>(got));
    }
    return result;
  }
  // All that was written; nothing can be written after it.
  [[nodiscard]] std::string text() {
    close_write();
    return rest();
  }

 private:
  static void close(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }

  int read_ = -1;
  int write_ = -1;
};

}  // namespace sluice::cli
