// outcome_line_test.cpp: what stands in a line, and that it can be read back.
// SPDX-License-Identifier: MIT
#include "store/outcome_line.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::store;
using namespace std::chrono_literals;

namespace {

OutcomeView view_of(Status status = Status::done) {
  OutcomeView view;
  view.id.log = {0x9f, 0x3a, 0x1c, 0x07, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab};
  view.id.seq = 42;
  view.status = status;
  view.attempt = 2;
  view.key = "k1";
  view.type = "resize";
  view.worker = "node7-100";
  view.started = std::chrono::system_clock::time_point(1'769'847'300s + 123'456us);
  view.run = 1'234'567us;
  return view;
}
std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
std::string line_of(const OutcomeView& view, const CommandPart* command = nullptr) {
  std::string line;
  append_outcome_line(line, view, command);
  REQUIRE(line.back() == '\n');
  line.pop_back();
  return line;
}
// The names of the fields, in the order they stand.
std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> names;
  const auto parsed = nlohmann::ordered_json::parse(line);
  for (auto at = parsed.begin(); at != parsed.end(); ++at) names.push_back(at.key());
  return names;
}

}  // namespace

TEST_SUITE_BEGIN("outcome_line");

TEST_CASE("an outcome is one line with its fields in order") {
  OutcomeView view = view_of();
  view.result = bytes("ok\n");
  CHECK(line_of(view) ==
        R"({"id":"9f3a1c07-42","seq":42,"key":"k1","type":"resize","status":"done","attempts":2,)"
        R"("worker":"node7-100","started":"2026-01-31T08:15:00.123456Z","run_s":1.234567,)"
        R"("result":"ok\n","log":"9f3a1c070000000000000000000000ab"})");
}

TEST_CASE("what was never there is null") {
  OutcomeView view = view_of(Status::expired);
  view.key = {};
  view.started = {};
  view.run = 0us;
  view.result_is_task = true;
  view.result = bytes("the payload");
  view.error = "no worker in time";
  const auto json = nlohmann::json::parse(line_of(view));
  CHECK(json["key"].is_null());
  CHECK(json["started"].is_null());
  CHECK(json["run_s"] == 0.0);
  CHECK(json["result"].is_null());
  CHECK(json["error"] == "no worker in time");
  CHECK(json["status"] == "expired");
}

TEST_CASE("a result that is not text is base64") {
  OutcomeView view = view_of();
  view.result = bytes("\xff\xff\xff");
  const auto json = nlohmann::json::parse(line_of(view));
  CHECK_FALSE(json.contains("result"));
  CHECK(json["result_base64"] == "////");
}

TEST_CASE("a command has its exit, signal and output instead of a result") {
  CommandResult result;
  result.end = CommandResult::End::signalled;
  result.exit_code = 137;
  result.signal = 9;
  result.out = "hello\n";
  result.err = "oops";
  const CommandPart part{&result, "echo hello"};
  OutcomeView view = view_of(Status::failed);
  view.type = "exec";
  view.error = "killed by signal 9";
  const std::string line = line_of(view, &part);
  CHECK(fields(line) == std::vector<std::string>{"id", "seq", "key", "type", "status", "attempts",
                                                 "worker", "started", "run_s", "exit", "signal",
                                                 "stdout", "stderr", "command", "error", "log"});
  const auto json = nlohmann::json::parse(line);
  CHECK(json["exit"] == 137);
  CHECK(json["signal"] == 9);
  CHECK(json["stdout"] == "hello\n");
  CHECK(json["stderr"] == "oops");
  CHECK(json["command"] == "echo hello");
  CHECK(json["error"] == "killed by signal 9");
}

TEST_CASE("output that is not text is there twice: to read, and exactly") {
  CommandResult result;
  result.out = "a\xff";
  result.err = "b\xfe";
  result.out_cut = 10;
  result.err_cut = 20;
  const CommandPart part{&result, "cat"};
  OutcomeView view = view_of();
  view.type = "exec";
  const std::string line = line_of(view, &part);
  CHECK(fields(line) ==
        std::vector<std::string>{"id", "seq", "key", "type", "status", "attempts", "worker",
                                 "started", "run_s", "exit", "signal", "stdout", "stderr",
                                 "command", "stdout_base64", "stderr_base64", "stdout_cut",
                                 "stderr_cut", "log"});
  const auto json = nlohmann::json::parse(line);
  CHECK(json["stdout"] == "a\uFFFD");
  CHECK(json["stdout_base64"] == "Yf8=");
  CHECK(json["stderr_base64"] == "Yv4=");
  CHECK(json["stdout_cut"] == 10);
  CHECK(json["stderr_cut"] == 20);
}

TEST_CASE("a command that no worker could report has no exit") {
  const CommandPart part{nullptr, "sleep 5"};
  OutcomeView view = view_of(Status::cancelled);
  view.type = "exec";
  view.result_is_task = true;
  const auto json = nlohmann::json::parse(line_of(view, &part));
  CHECK(json["exit"].is_null());
  CHECK(json["signal"].is_null());
  CHECK(json["stdout"] == "");
  CHECK(json["command"] == "sleep 5");
}

TEST_CASE("a command that could not be started says why, if nothing else does") {
  CommandResult result;
  result.end = CommandResult::End::not_started;
  result.exit_code = 127;
  result.error = "no such program: nonsense";
  const CommandPart part{&result, "nonsense"};
  OutcomeView view = view_of(Status::failed);
  view.type = "exec";
  CHECK(nlohmann::json::parse(line_of(view, &part))["error"] == "no such program: nonsense");
}

TEST_CASE("a line tells again which task it was and how it ended") {
  for (const Status status : {Status::done, Status::failed, Status::expired, Status::cancelled}) {
    OutcomeView view = view_of(status);
    view.key = "ü \"key\"";
    view.result = bytes(R"({"seq":1,"status":"x"})");
    const auto facts = read_outcome_line(line_of(view));
    REQUIRE(facts);
    CHECK(facts->id == view.id);
    CHECK(facts->status == status);
    CHECK(facts->key == "ü \"key\"");
  }
}

TEST_CASE("a line with a hole of zeros is refused, wherever it is") {
  const std::string line = line_of(view_of());
  for (std::size_t at = 0; at < line.size(); ++at) {
    std::string holed = line;
    holed[at] = '\0';
    CHECK_FALSE(read_outcome_line(holed));
  }
}

TEST_CASE("a result that looks like the end of a line is not mistaken for it") {
  OutcomeView view = view_of();
  const std::string bait = R"(x","log":"00000000000000000000000000000000"})";
  view.result = bytes(bait);
  std::string line = line_of(view);
  CHECK(read_outcome_line(line)->id == view.id);
  line.resize(line.find("}") + 1);  // torn just there
  CHECK_FALSE(read_outcome_line(line));
}

TEST_CASE("fields of a later version, and nested ones, do not confuse") {
  const std::string line = line_of(view_of());
  const std::string later =
      line.substr(0, line.size() - 1) + R"(,"more":{"seq":7,"log":"x","a":[{"status":1}]}})";
  const auto facts = read_outcome_line(later);
  REQUIRE(facts);
  CHECK(facts->id.seq == 42);
}

TEST_CASE("what is not a whole line of ours is refused") {
  const std::string line = line_of(view_of());
  CHECK_FALSE(read_outcome_line(""));
  CHECK_FALSE(read_outcome_line("hello"));
  CHECK_FALSE(read_outcome_line("{}"));
  CHECK_FALSE(read_outcome_line(R"({"id":"9f3a1c07-42"})"));
  CHECK_FALSE(read_outcome_line(line + "x"));
  for (std::size_t length = 0; length < line.size(); ++length)
    CHECK_FALSE(read_outcome_line(line.substr(0, length)));
  std::string other = line;
  other.replace(other.find("done"), 4, "gone");
  CHECK_FALSE(read_outcome_line(other));
}

TEST_SUITE_END();
