// outcome_printer_test.cpp: what is printed of outcomes that come back.
// SPDX-License-Identifier: MIT
#include "cli/outcome_printer.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "cli/test_pipe.hpp"
#include "sluice/command.hpp"

namespace sluice::cli {
namespace {

Outcome outcome(Status status, std::string_view result = {}, std::string type = "t") {
  Outcome out;
  out.id.log = {0x9f, 0x3a, 0x1c, 0x07};
  out.id.seq = 42;
  out.status = status;
  out.type = std::move(type);
  const auto* const from = reinterpret_cast<const std::byte*>(result.data());
  out.result.assign(from, from + result.size());
  return out;
}

struct Rig {
  TestPipe out, err;
  OutcomePrinter printer;

  explicit Rig(OutputMode mode) : printer(mode, out.write_fd(), err.write_fd()) {}
  void print(const Outcome& one) { CHECK(printer.print(one)); }
};

TEST_SUITE("outcome_printer") {
  TEST_CASE("of a command what it wrote, and nothing more if it only failed") {
    Rig rig(OutputMode::text);
    CommandResult result;
    result.out = "out\n";
    result.err = "err\n";
    result.exit_code = 3;
    Outcome failed = outcome(Status::failed, {}, kCommandType);
    failed.result = result.encode();
    failed.error = "exit code 3";
    rig.print(failed);
    result.end = CommandResult::End::timed_out;
    result.out_cut = 9;
    failed.result = result.encode();
    failed.error = "timed out after 1 s";
    failed.key = "k";
    rig.print(failed);
    CHECK(rig.printer.failed() == 2);
    CHECK(rig.out.text() == "out\nout\n");
    CHECK(rig.err.text() ==
          "err\nerr\nsluice submit: task k: 9 bytes of its output were dropped beyond the limit "
          "(--output-limit)\nsluice submit: task k: failed: timed out after 1 s\n");
  }

  TEST_CASE("of other tasks the result, as JSON where it is msgpack") {
    Rig rig(OutputMode::text);
    rig.print(outcome(Status::done, "\x93\x01\xA1x\xC3"));
    rig.print(outcome(Status::done, "plain text"));
    rig.print(outcome(Status::done, "with newline\n"));
    rig.print(outcome(Status::done));
    CHECK(rig.printer.failed() == 0);
    CHECK(rig.printer.printed() == 4);
    CHECK(rig.out.text() == "[1,\"x\",true]\nplain text\nwith newline\n");
    CHECK(rig.err.text().empty());
  }

  TEST_CASE("why a task is not done stands on stderr") {
    Rig rig(OutputMode::text);
    Outcome bad = outcome(Status::refused);
    bad.id.seq = 0;
    bad.error = "too large";
    rig.print(bad);
    bad = outcome(Status::expired, "payload");
    bad.result_is_task = true;
    rig.print(bad);
    Outcome lost = outcome(Status::done);
    lost.error = "no longer there";
    rig.print(lost);
    CHECK(rig.out.text().empty());
    CHECK(rig.err.text() ==
          "sluice submit: a task: refused: too large\n"
          "sluice submit: task 9f3a1c07-42: expired\n"
          "sluice submit: task 9f3a1c07-42: done: no longer there\n");
    CHECK(rig.printer.failed() == 2);
  }

  TEST_CASE("as JSON each is the line of an outcome file") {
    Rig rig(OutputMode::json);
    rig.print(outcome(Status::done, "r"));
    const auto line = nlohmann::json::parse(rig.out.text());
    CHECK(line.at("id") == "9f3a1c07-42");
    CHECK(line.at("status") == "done");
    CHECK(line.at("result") == "r");
  }

  TEST_CASE("quiet prints nothing and counts") {
    Rig rig(OutputMode::quiet);
    rig.print(outcome(Status::failed, "r"));
    CHECK(rig.printer.failed() == 1);
    CHECK(rig.out.text().empty());
    CHECK(rig.err.text().empty());
  }

  TEST_CASE("when nobody reads any more it says so") {
    Rig rig(OutputMode::text);
    rig.out.close_read();
    CHECK_FALSE(rig.printer.print(outcome(Status::done, "r")));
  }
}

}  // namespace
}  // namespace sluice::cli
