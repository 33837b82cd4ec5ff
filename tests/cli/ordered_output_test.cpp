// ordered_output_test.cpp: what is printed, in which order, and what happens when nobody reads.
// SPDX-License-Identifier: MIT
#include "cli/ordered_output.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

#include "cli/test_pipe.hpp"
#include "sluice/error.hpp"
#include "support/temp_folder.hpp"

namespace sluice::cli {
namespace {

struct Rig {
  TestPipe out;
  TestPipe err;
  OrderedOutput output;

  explicit Rig(bool keep_order, bool tag = false) : output(options(keep_order, tag)) {}

  OutputOptions options(bool keep_order, bool tag) const {
    OutputOptions result;
    result.keep_order = keep_order;
    result.tag = tag;
    result.out_fd = out.write_fd();
    result.err_fd = err.write_fd();
    return result;
  }
  bool add(std::uint64_t seq, std::string text, std::string errors = "") {
    return output.add(
        {seq, "arg" + std::to_string(seq), std::move(text), std::move(errors), std::nullopt});
  }
};

TEST_SUITE("tagged") {
  TEST_CASE("each line gets the tag, empty ones too") {
    CHECK(tagged("a\n\nb\n", "x\t") == "x\ta\nx\t\nx\tb\n");
  }

  TEST_CASE("a last line without line end stays without") {
    CHECK(tagged("a\nb", "x\t") == "x\ta\nx\tb");
  }

  TEST_CASE("no output is no line") { CHECK(tagged("", "x\t") == ""); }

  TEST_CASE("only line feeds end lines, and other bytes stay as they are") {
    const std::string binary("a\0b\r\xff\n\x01", 7);
    CHECK(tagged(binary, "x\t") == "x\t" + std::string("a\0b\r\xff\n", 6) + "x\t\x01");
  }
}

TEST_SUITE("ordered_output") {
  TEST_CASE("what is printed is told, when it is printed") {
    Rig rig(true);
    std::vector<std::uint64_t> printed;
    OutputOptions options = rig.options(true, false);
    options.printed = [&](const TaskOutput& output) { printed.push_back(*output.place); };
    OrderedOutput output(options);
    CHECK(output.add({2, "", "two\n", "", 20}));
    CHECK(printed.empty());
    CHECK(output.add({1, "", "one\n", "", 10}));
    CHECK(printed == std::vector<std::uint64_t>{10, 20});
  }

  TEST_CASE("a pipe and an empty file have a new reader, a file with something in it has not") {
    const TempFolder dir;
    TestPipe pipe;
    CHECK(has_new_reader(pipe.write_fd()));
    const int fd = ::open(dir.file("out").c_str(), O_WRONLY | O_CREAT, 0600);
    REQUIRE(fd >= 0);
    CHECK(has_new_reader(fd));
    REQUIRE(::write(fd, "x", 1) == 1);
    CHECK_FALSE(has_new_reader(fd));
    ::close(fd);
    CHECK_FALSE(has_new_reader(fd));
  }

  TEST_CASE("without keep_order outputs are printed as they come") {
    Rig rig(false);
    CHECK(rig.add(3, "three\n"));
    CHECK(rig.add(1, "one\n"));
    CHECK(rig.output.next_expected() == 4);
    CHECK(rig.out.text() == "three\none\n");
  }

  TEST_CASE("stdout and stderr go their own ways") {
    Rig rig(false);
    CHECK(rig.add(1, "o1\n", "e1\n"));
    CHECK(rig.add(2, "", "e2\n"));
    CHECK(rig.out.text() == "o1\n");
    CHECK(rig.err.text() == "e1\ne2\n");
  }

  TEST_CASE("stdout of a task is printed before its stderr") {
    TestPipe both;
    OutputOptions options;
    options.out_fd = both.write_fd();
    options.err_fd = both.write_fd();
    OrderedOutput output(options);
    CHECK(output.add({1, "", "o\n", "e\n"}));
    CHECK(both.text() == "o\ne\n");
  }

  TEST_CASE("with keep_order outputs wait for those before them") {
    Rig rig(true);
    CHECK(rig.output.next_expected() == 1);
    CHECK(rig.add(3, "three\n"));
    CHECK(rig.add(2, "two\n", "!"));
    CHECK(rig.output.next_expected() == 1);
    CHECK(rig.output.held() == 2);
    CHECK(rig.output.held_bytes() == 19);
    CHECK(rig.add(1, "one\n"));
    CHECK(rig.output.next_expected() == 4);
    CHECK(rig.output.held() == 0);
    CHECK(rig.output.held_bytes() == 0);
    CHECK(rig.out.text() == "one\ntwo\nthree\n");
    CHECK(rig.err.text() == "!");
  }

  TEST_CASE("with keep_order a task that printed nothing still lets others pass") {
    Rig rig(true);
    CHECK(rig.add(2, "two\n"));
    CHECK(rig.add(1, ""));
    CHECK(rig.out.text() == "two\n");
  }

  TEST_CASE("with keep_order a second output of a task is dropped") {
    Rig rig(true);
    CHECK(rig.add(2, "two\n"));
    CHECK(rig.add(2, "again\n"));
    CHECK(rig.output.held_bytes() == 8);
    CHECK(rig.add(1, "one\n"));
    CHECK(rig.add(1, "again\n"));
    CHECK(rig.out.text() == "one\ntwo\n");
  }

  TEST_CASE("the order may start at any number") {
    TestPipe out;
    OutputOptions options;
    options.keep_order = true;
    options.first_seq = 0;
    options.out_fd = out.write_fd();
    OrderedOutput output(options);
    CHECK(output.add({1, "", "b", ""}));
    CHECK(output.add({0, "", "a", ""}));
    CHECK(out.text() == "ab");
  }

  TEST_CASE("what is held is printed in order at the end, across gaps") {
    Rig rig(true);
    CHECK(rig.add(5, "five\n"));
    CHECK(rig.add(3, "three\n"));
    CHECK(rig.output.finish());
    CHECK(rig.output.held() == 0);
    CHECK(rig.output.held_bytes() == 0);
    CHECK(rig.output.next_expected() == 6);
    CHECK(rig.out.text() == "three\nfive\n");
  }

  TEST_CASE("with tag each line starts with the arguments and a tab") {
    Rig rig(false, true);
    CHECK(rig.add(1, "a\nb", "e\n"));
    CHECK(rig.add(2, "c\n"));
    CHECK(rig.out.text() == "arg1\ta\narg1\tbarg2\tc\n");
    CHECK(rig.err.text() == "arg1\te\n");
  }

  TEST_CASE("when nobody reads any more the caller is told, again and again") {
    Rig rig(true);
    rig.out.close_read();
    CHECK(rig.add(2, "held\n"));
    CHECK_FALSE(rig.add(1, "one\n"));
    CHECK_FALSE(rig.add(3, "", "after\n"));
    CHECK_FALSE(rig.add(9, ""));
    CHECK_FALSE(rig.output.finish());
    CHECK(rig.err.text() == "");
  }
}

TEST_SUITE("write_all") {
  TEST_CASE("a text larger than a pipe is written whole") {
    for (const bool non_blocking : {false, true}) {
      CAPTURE(non_blocking);
      TestPipe pipe;
      if (non_blocking) REQUIRE(::fcntl(pipe.write_fd(), F_SETFL, O_NONBLOCK) == 0);
      std::string text;
      while (text.size() < 1'000'000) text += std::to_string(text.size()) + ' ';
      std::string read;
      std::thread reader([&] { read = pipe.rest(); });
      const bool written = write_all(pipe.write_fd(), text);
      pipe.close_write();
      reader.join();
      CHECK(written);
      CHECK(read == text);
    }
  }

  TEST_CASE("a reader that went away is no error and no signal, whatever was set for SIGPIPE") {
    struct sigaction fatal {};
    fatal.sa_handler = SIG_DFL;
    struct sigaction before {};
    REQUIRE(::sigaction(SIGPIPE, &fatal, &before) == 0);
    TestPipe pipe;
    pipe.close_read();
    CHECK_FALSE(write_all(pipe.write_fd(), "x"));
    sigset_t pending;
    ::sigpending(&pending);
    CHECK(::sigismember(&pending, SIGPIPE) == 0);
    sigset_t blocked;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    CHECK(::sigismember(&blocked, SIGPIPE) == 0);
    ::sigaction(SIGPIPE, &before, nullptr);
  }

  TEST_CASE("a full disk is an error that says so") {
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    REQUIRE(full >= 0);
    CHECK_THROWS_WITH_AS(static_cast<void>(write_all(full, "x")),
                         doctest::Contains("No space left"), Error);
    CHECK(write_all(full, ""));
    ::close(full);
  }
}

}  // namespace
}  // namespace sluice::cli
