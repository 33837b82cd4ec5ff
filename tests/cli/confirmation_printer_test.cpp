// confirmation_printer_test.cpp: what is printed of a ventilator's answers.
// SPDX-License-Identifier: MIT
#include "cli/confirmation_printer.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <thread>

#include "cli/test_pipe.hpp"

namespace sluice::cli {
namespace {

using Kind = Confirmation::Kind;

Confirmation answer(std::uint64_t ticket, Kind kind, std::uint64_t seq = 0, std::string why = {}) {
  Confirmation confirmation;
  confirmation.ticket = ticket;
  confirmation.kind = kind;
  confirmation.id.log = {0x9f, 0x3a, 0x1c, 0x07};
  confirmation.id.seq = seq;
  confirmation.why = std::move(why);
  return confirmation;
}

struct Rig {
  TestPipe out, err;
  ConfirmationPrinter printer;

  explicit Rig(OutputMode mode) : printer(mode, out.write_fd(), err.write_fd()) {}
};

TEST_SUITE("confirmation_printer") {
  TEST_CASE("ids come one a line, those of known tasks too") {
    Rig rig(OutputMode::text);
    rig.printer.add(answer(1, Kind::taken, 41));
    rig.printer.add(answer(2, Kind::duplicate, 7));
    const auto counts = rig.printer.finish();
    CHECK(rig.out.text() == "9f3a1c07-41\n9f3a1c07-7\n");
    CHECK(rig.err.text().empty());
    CHECK(counts.taken == 1);
    CHECK(counts.known == 1);
    CHECK(counts.refused == 0);
  }

  TEST_CASE("what is refused is told on stderr and counted") {
    Rig rig(OutputMode::quiet);
    rig.printer.add(answer(1, Kind::refused, 0, "too large"));
    rig.printer.add(answer(2, Kind::conflict));
    const auto counts = rig.printer.finish();
    CHECK(rig.out.text().empty());
    CHECK(rig.err.text() ==
          "sluice submit: task 1 was refused: too large\n"
          "sluice submit: task 2 was refused: its key belongs to another task\n");
    CHECK(counts.refused == 2);
  }

  TEST_CASE("after ten complaints the rest is only counted") {
    Rig rig(OutputMode::text);
    for (std::uint64_t i = 1; i <= 50; ++i) rig.printer.add(answer(i, Kind::refused, 0, "no"));
    CHECK(rig.printer.finish().refused == 50);
    const std::string text = rig.err.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 10);
    CHECK(text.find("only counted") != std::string::npos);
  }

  TEST_CASE("as JSON each answer is one object") {
    Rig rig(OutputMode::json);
    rig.printer.add(answer(1, Kind::taken, 41));
    rig.printer.add(answer(2, Kind::refused, 0, "too \"large\""));
    (void)rig.printer.finish();
    CHECK(rig.out.text() ==
          "{\"task\":1,\"result\":\"taken\",\"id\":\"9f3a1c07-41\"}\n"
          "{\"task\":2,\"result\":\"refused\",\"error\":\"too \\\"large\\\"\"}\n");
    CHECK(rig.err.text().empty());
  }

  TEST_CASE("when nobody reads any more, the rest is counted all the same") {
    Rig rig(OutputMode::text);
    rig.out.close_read();
    for (std::uint64_t i = 1; i <= 1000; ++i) {
      while (!rig.printer.has_room()) std::this_thread::yield();
      rig.printer.add(answer(i, Kind::taken, i));
    }
    CHECK(rig.printer.finish().taken == 1000);
  }

  TEST_CASE("what printing met is told to the submitter") {
    TestPipe err;
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    REQUIRE(full >= 0);
    {
      ConfirmationPrinter printer(OutputMode::text, full, err.write_fd());
      printer.add(answer(1, Kind::taken, 1));
      CHECK_THROWS((void)printer.finish());
    }
    ::close(full);
  }
}

}  // namespace
}  // namespace sluice::cli
