// outcome_reader_test.cpp: what was written is read back, as far as a line tells it.
// SPDX-License-Identifier: MIT
#include "store/outcome_reader.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "store/outcome_line.hpp"

using namespace sluice;
using namespace sluice::store;
using namespace std::chrono_literals;

namespace {

OutcomeView some_outcome(Status status = Status::done) {
  OutcomeView view;
  view.id.log = {0x9f, 0x3a, 0x1c, 0x07, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab};
  view.id.seq = 42;
  view.status = status;
  view.attempt = 2;
  view.key = "k\"1";
  view.type = "resize";
  view.worker = "node7-100";
  view.started = std::chrono::system_clock::time_point(1'769'847'300s + 123'456us);
  view.run = 1'234'567us;
  if (status != Status::done) view.error = "it broke";
  return view;
}
StoredOutcome read_back(const OutcomeView& view, const CommandPart* command = nullptr) {
  std::string line;
  append_outcome_line(line, view, command);
  line.pop_back();
  const auto read = read_whole_outcome(line);
  REQUIRE(read);
  CHECK(read->outcome.id == view.id);
  CHECK(read->outcome.status == view.status);
  CHECK(read->outcome.attempt == view.attempt);
  CHECK(read->outcome.key == view.key);
  CHECK(read->outcome.type == view.type);
  CHECK(read->outcome.worker == view.worker);
  CHECK(read->outcome.started == view.started);
  CHECK(read->outcome.run == view.run);
  return *read;
}
std::string_view text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_SUITE_BEGIN("outcome_reader");

TEST_CASE("a result comes back byte for byte, text or not") {
  for (const std::string_view result :
       {std::string_view("ok\n"), std::string_view("\xFF\x00\x01", 3), std::string_view("\xC2"),
        std::string_view("")}) {
    OutcomeView view = some_outcome();
    view.result = std::as_bytes(std::span(result.data(), result.size()));
    const StoredOutcome read = read_back(view);
    CHECK(text(read.outcome.result) == result);
    CHECK_FALSE(read.is_command);
    CHECK_FALSE(read.outcome.result_is_task);
    CHECK(read.outcome.error.empty());
  }
}

TEST_CASE("a failure keeps its reason, and one that never started has no time") {
  CHECK(read_back(some_outcome(Status::failed)).outcome.error == "it broke");
  OutcomeView view = some_outcome(Status::expired);
  view.started = {};
  view.run = 0us;
  view.result_is_task = true;
  CHECK(read_back(view).outcome.result_is_task);
}

TEST_CASE("a command comes back with its output and how it ended") {
  CommandResult result;
  result.exit_code = 3;
  result.out = "fine \xE2\x82\xAC\n";
  result.err = std::string("\xFF\x00", 2);
  result.err_cut = 7;
  CommandPart part;
  part.result = &result;
  part.command = "sh -c 'exit 3'";
  OutcomeView view = some_outcome(Status::failed);
  view.error = "exit code 3";
  const StoredOutcome read = read_back(view, &part);
  REQUIRE(read.command);
  CHECK(read.is_command);
  CHECK(read.command->exit_code == 3);
  CHECK(read.command->out == result.out);
  CHECK(read.command->err == result.err);
  CHECK(read.command->err_cut == 7);
  CHECK(read.command->end == CommandResult::End::exited);
  CHECK(read.command->display == part.command);

  using End = CommandResult::End;
  const auto end_of = [&](std::string_view error, int exit_code, int signal) {
    view.error = error;
    result.exit_code = exit_code;
    result.signal = signal;
    return read_back(view, &part).command->end;
  };
  CHECK(end_of("killed by signal 9 (KILL)", 137, 9) == End::signalled);
  CHECK(end_of("timed out after 1 s", 143, 15) == End::timed_out);
  CHECK(end_of("cancelled", 143, 15) == End::cancelled);
  CHECK(end_of("nosuch: not found", 127, 0) == End::not_started);
  CHECK(end_of("exit code 127", 127, 0) == End::exited);

  part.result = nullptr;
  view.result_is_task = true;
  CHECK(read_back(view, &part).is_command);
  CHECK_FALSE(read_back(view, &part).command);
}

TEST_CASE("what is no line of ours is none") {
  CHECK_FALSE(read_whole_outcome(""));
  CHECK_FALSE(read_whole_outcome("{}"));
  CHECK_FALSE(read_whole_outcome(R"({"id":"9f3a1c07-42","seq":42})"));
}

TEST_CASE("a time that no clock here can tell reads as none") {
  std::string line;
  append_outcome_line(line, some_outcome());
  line.pop_back();
  const std::size_t at = line.find(R"("started":")") + 11;
  for (const char* year : {"9999", "2263", "0001", "-999"}) {
    line.replace(at, 4, year);
    const auto read = read_whole_outcome(line);
    REQUIRE(read);
    CHECK(read->outcome.started == std::chrono::system_clock::time_point{});
  }
}

TEST_CASE("base64 is undone, and what is none is refused") {
  CHECK(read_base64("") == "");
  CHECK(read_base64("Zg==") == "f");
  CHECK(read_base64("Zm8=") == "fo");
  CHECK(read_base64("Zm9v") == "foo");
  CHECK(read_base64("+/8=") == "\xFB\xFF");
  for (const char* bad : {"Z", "Zg=", "Zg=a", "Z===", "Zm9?", "=Zm9"})
    CHECK_FALSE(read_base64(bad));
}

TEST_SUITE_END();
