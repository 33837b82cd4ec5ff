// execution_test.cpp: a capture is bounded, and feeding a pipe never blocks.
// SPDX-License-Identifier: MIT
#include "exec/execution.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>

#include <array>

namespace sluice::exec {
namespace {

struct Pipe {
  Pipe() {
    int ends[2] = {-1, -1};
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  void write(std::string_view text) const {
    REQUIRE(::write(writer.get(), text.data(), text.size()) ==
            static_cast<ssize_t>(text.size()));
  }
  UniqueFd reader, writer;
};

}  // namespace

TEST_SUITE_BEGIN("execution");

TEST_CASE("a capture keeps up to its limit and counts the rest") {
  Pipe pipe;
  std::array<char, 4> scratch{};
  Capture capture(std::move(pipe.reader), 5);
  pipe.write("abcdefgh");
  capture.drain(scratch);
  CHECK(capture.kept == "abcde");
  CHECK(capture.cut == 3);
  CHECK(capture.is_open());
  pipe.write("i");
  pipe.writer.reset();
  capture.drain(scratch);
  CHECK(capture.kept == "abcde");
  CHECK(capture.cut == 4);
  CHECK_FALSE(capture.is_open());
}

TEST_CASE("an empty pipe does not end a capture") {
  Pipe pipe;
  std::array<char, 4> scratch{};
  Capture capture(std::move(pipe.reader), 5);
  CHECK_FALSE(capture.read_some(scratch));
  CHECK(capture.is_open());
}

TEST_CASE("input is fed as far as the pipe takes it and closed at the end") {
  Pipe pipe;
  Execution execution;
  execution.in = std::move(pipe.writer);
  execution.input = std::string(200'000, 'i');
  execution.feed();
  CHECK(execution.in);
  CHECK(execution.input_written < 200'000);
  std::size_t got = 0;
  std::vector<char> part(100'000);
  for (;;) {
    const ssize_t n = ::read(pipe.reader.get(), part.data(), part.size());
    if (n == 0) break;
    if (n > 0) got += static_cast<std::size_t>(n);
    execution.feed();
  }
  CHECK(got == 200'000);
}

TEST_CASE("input that nobody reads is given up") {
  Pipe pipe;
  struct sigaction ignore {}, before {};
  ignore.sa_handler = SIG_IGN;
  REQUIRE(::sigaction(SIGPIPE, &ignore, &before) == 0);
  Execution execution;
  execution.in = std::move(pipe.writer);
  execution.input = "text";
  pipe.reader.reset();
  execution.feed();
  CHECK_FALSE(execution.in);
  REQUIRE(::sigaction(SIGPIPE, &before, nullptr) == 0);
}

TEST_SUITE_END();

}  // namespace sluice::exec
