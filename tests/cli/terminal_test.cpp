// terminal_test.cpp: what is and is not a terminal.
// SPDX-License-Identifier: MIT
#include "cli/terminal.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace sluice::cli {
namespace {

// A pseudo-terminal: the program's side of a window of our choice.
class Window {
 public:
  Window() : master_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    if (master_ < 0 || ::grantpt(master_) != 0 || ::unlockpt(master_) != 0) return;
    slave_ = ::open(::ptsname(master_), O_RDWR | O_NOCTTY);
  }
  ~Window() {
    if (slave_ >= 0) ::close(slave_);
    if (master_ >= 0) ::close(master_);
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  void resize(unsigned short columns) const {
    winsize size{};
    size.ws_row = 24;
    size.ws_col = columns;
    REQUIRE(::ioctl(slave_, TIOCSWINSZ, &size) == 0);
  }
  [[nodiscard]] int fd() const { return slave_; }

 private:
  int master_;
  int slave_ = -1;
};

TEST_SUITE("terminal") {
  TEST_CASE("a pseudo-terminal is a terminal, and a file or a closed descriptor is not") {
    const Window window;
    REQUIRE(window.fd() >= 0);
    CHECK(is_terminal(window.fd()));
    const int null = ::open("/dev/null", O_WRONLY);
    CHECK_FALSE(is_terminal(null));
    ::close(null);
    CHECK_FALSE(is_terminal(-1));
  }

  TEST_CASE("the width is that of the window, and follows it") {
    const Window window;
    REQUIRE(window.fd() >= 0);
    window.resize(132);
    CHECK(terminal_width(window.fd()) == 132);
    window.resize(40);
    CHECK(terminal_width(window.fd()) == 40);
  }

  TEST_CASE("the width is 80 where nobody knows it") {
    const Window window;
    REQUIRE(window.fd() >= 0);
    window.resize(0);
    CHECK(terminal_width(window.fd()) == 80);
    CHECK(terminal_width(-1) == 80);
  }

  TEST_CASE("colour is for terminals whose user did not say no") {
    CHECK(colour_wanted(true, nullptr, "xterm"));
    CHECK(colour_wanted(true, nullptr, nullptr));
    CHECK(colour_wanted(true, "", "xterm"));
    CHECK_FALSE(colour_wanted(true, "1", "xterm"));
    CHECK_FALSE(colour_wanted(true, "0", "xterm"));
    CHECK_FALSE(colour_wanted(true, nullptr, "dumb"));
    CHECK_FALSE(colour_wanted(false, nullptr, "xterm"));
  }

  TEST_CASE("a file is never coloured") {
    const int null = ::open("/dev/null", O_WRONLY);
    CHECK_FALSE(use_colour(null));
    ::close(null);
  }
}

}  // namespace
}  // namespace sluice::cli
