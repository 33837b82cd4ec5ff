// sink_store_test.cpp: handler and file, and what becomes of an outcome between them.
// SPDX-License-Identifier: MIT
#include "net/sink_store.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <sluice/command.hpp>

#include "core/chunk.hpp"
#include "support/temp_folder.hpp"

using namespace sluice;
using namespace sluice::net;
using Code = core::StoreAnswer::Code;

namespace {

constexpr core::Time kNoHurry = core::Time::max();

std::unique_ptr<store::OutcomeFile> open_file(const std::string& path) {
  store::OutcomeFile::Options options;
  options.path = path;
  return std::make_unique<store::OutcomeFile>(options, [](const store::OutcomeFacts&) {});
}
core::StoreEntry entry(std::uint64_t seq, std::string_view payload = "r", std::uint32_t flags = 0) {
  core::StoreEntry out;
  out.log = {0x9f, 0x3a, 0x1c, 0x07};
  out.outcome.seq = static_cast<core::Seq>(seq);
  out.outcome.attempt = 2;
  out.outcome.flags = flags;
  out.outcome.started_us = 1'769'847'300'123'456;
  out.outcome.run_us = 1500;
  out.outcome.key = "k";
  out.outcome.payload = core::as_bytes(payload);
  out.type = "resize";
  out.producer = "w1";
  return out;
}
std::vector<nlohmann::json> lines_of(const std::string& path) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(read_file(path));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}
std::vector<Code> codes(SinkStore::Answers answers) {
  std::vector<Code> out;
  for (const core::StoreAnswer& answer : answers) out.push_back(answer.code);
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("sink_store");

TEST_CASE("a handler sees the outcome as it was sent") {
  std::vector<Outcome> seen;
  SinkStore sink(nullptr, [&seen](const OutcomeView& view) { seen.emplace_back(view); }, {});
  sink.begin(kNoHurry);
  core::StoreEntry sent = entry(42, "result", core::kTerminal | core::kTaskPayload);
  sent.outcome.status = core::Status::expired;
  sent.outcome.error = "too late";
  sink.take(sent);
  CHECK(codes(sink.finish()) == std::vector{Code::stored});
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].id.str() == "9f3a1c07-42");
  CHECK(seen[0].status == Status::expired);
  CHECK(seen[0].attempt == 2);
  CHECK(seen[0].key == "k");
  CHECK(seen[0].type == "resize");
  CHECK(seen[0].worker == "w1");
  CHECK(seen[0].error == "too late");
  CHECK(seen[0].result.size() == 6);
  CHECK(seen[0].result_is_task);
  CHECK(seen[0].started.time_since_epoch() == std::chrono::microseconds(1'769'847'300'123'456));
  CHECK(seen[0].run == std::chrono::microseconds(1500));
}

TEST_CASE("each turn has its own answers, in the order of its outcomes") {
  SinkStore sink(nullptr,
                 [](const OutcomeView& view) {
                   if (view.id.seq == 2)
                     throw Later(std::chrono::milliseconds(250), "printing is behind");
                   if (view.id.seq == 3) throw Reject("no such thing");
                 },
                 {});
  sink.begin(kNoHurry);
  for (std::uint64_t seq = 1; seq <= 3; ++seq) sink.take(entry(seq));
  const auto answers = sink.finish();
  CHECK(codes(answers) == std::vector{Code::stored, Code::later, Code::never});
  CHECK(answers[1].retry_ms == 250);
  CHECK(sink.trouble() == "printing is behind");
  CHECK(sink.finish().empty());
  sink.take(entry(4));
  CHECK(codes(sink.finish()) == std::vector{Code::stored});
  CHECK(sink.trouble().empty());
}

// PROTOCOL rule 4: "an outcome flagged terminal ... is stored without asking the handler".
TEST_CASE("a handler has no say about a terminal outcome, but it may ask for time") {
  bool busy = true;
  SinkStore sink(nullptr,
                 [&busy](const OutcomeView&) {
                   if (busy) throw Later(std::chrono::milliseconds(5));
                   throw Reject("never");
                 },
                 {});
  sink.begin(kNoHurry);
  sink.take(entry(1, "r", core::kTerminal));
  CHECK(codes(sink.finish()) == std::vector{Code::later});
  busy = false;
  sink.take(entry(1, "r", core::kTerminal));
  CHECK(codes(sink.finish()) == std::vector{Code::stored});
}

TEST_CASE("a handler that fails is asked again, later each time, until it works") {
  bool works = false;
  SinkStore sink(nullptr,
                 [&works](const OutcomeView&) {
                   if (!works) throw std::runtime_error("database is down");
                 },
                 {});
  sink.begin(kNoHurry);
  std::vector<std::uint64_t> waits;
  for (int i = 0; i < 12; ++i) {
    sink.take(entry(1));
    const auto answers = sink.finish();
    REQUIRE(codes(answers) == std::vector{Code::later});
    waits.push_back(answers[0].retry_ms);
  }
  CHECK(waits[0] == 100);
  CHECK(waits[1] == 200);
  CHECK(waits.back() == 30'000);
  CHECK(sink.trouble() == "the handler failed: database is down");
  works = true;
  sink.take(entry(1));
  CHECK(codes(sink.finish()) == std::vector{Code::stored});
  works = false;
  sink.take(entry(2));
  CHECK(sink.finish()[0].retry_ms == 100);
}

// One that never works must neither hold up the others nor be tried ever faster by their success.
TEST_CASE("a handler that fails with one outcome has its delay for that one, while others go on") {
  bool works = false;
  SinkStore sink(nullptr,
                 [&works](const OutcomeView& view) {
                   if (view.id.seq == 7 && !works) throw std::runtime_error("no such image");
                 },
                 {});
  sink.begin(kNoHurry);
  std::vector<std::uint64_t> waits;
  for (std::uint64_t turn = 1; turn <= 4; ++turn) {
    for (const std::uint64_t seq : {10 * turn, std::uint64_t{7}, 10 * turn + 1})
      sink.take(entry(seq));
    const auto answers = sink.finish();
    CHECK(codes(answers) == std::vector{Code::stored, Code::later, Code::stored});
    waits.push_back(answers[1].retry_ms);
    sink.take(entry(100 + turn));
    CHECK(codes(sink.finish()) == std::vector{Code::stored});
    CHECK(sink.trouble() == "the handler failed: no such image");  // it still waits
  }
  CHECK(waits == std::vector<std::uint64_t>{100, 200, 400, 800});
  works = true;
  sink.take(entry(7));
  CHECK(codes(sink.finish()) == std::vector{Code::stored});
  CHECK(sink.trouble().empty());
}

TEST_CASE("what the handler has no time for is put off") {
  int calls = 0;
  SinkStore sink(nullptr, [&calls](const OutcomeView&) { ++calls; }, {});
  sink.begin(core::Time{});  // long ago
  sink.take(entry(1));
  CHECK(codes(sink.finish()) == std::vector{Code::later});
  CHECK(calls == 0);
}

TEST_CASE("what the handler refuses is not in the file, what it takes is") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  SinkStore sink(open_file(path),
                 [](const OutcomeView& view) {
                   if (view.id.seq == 1) throw Later(std::chrono::milliseconds(1));
                   if (view.id.seq == 2) throw Reject("no");
                 },
                 {});
  sink.begin(kNoHurry);
  for (std::uint64_t seq = 1; seq <= 3; ++seq) sink.take(entry(seq));
  CHECK(codes(sink.finish()) == std::vector{Code::later, Code::never, Code::stored});
  const auto lines = lines_of(path);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0]["seq"] == 3);
  CHECK(lines[0]["worker"] == "w1");
  CHECK(lines[0]["result"] == "r");
}

TEST_CASE("the hook runs once for a group, and only if there is something to confirm") {
  int hooks = 0;
  bool take = true;
  SinkStore sink(
      nullptr,
      [&take](const OutcomeView&) {
        if (!take) throw Later(std::chrono::milliseconds(1));
      },
      [&hooks] { ++hooks; });
  sink.begin(kNoHurry);
  for (std::uint64_t seq = 1; seq <= 100; ++seq) sink.take(entry(seq));
  CHECK(sink.finish().size() == 100);
  CHECK(hooks == 1);
  take = false;
  sink.take(entry(101));
  CHECK(codes(sink.finish()) == std::vector{Code::later});
  CHECK(sink.finish().empty());
  CHECK(hooks == 1);
}

// Otherwise the outcome would stand in the file twice when it comes again.
TEST_CASE("when the hook fails nothing is confirmed and nothing of the group is in the file") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  bool fail = true;
  SinkStore sink(
      open_file(path), [](const OutcomeView&) {},
      [&fail] {
        if (fail) throw std::runtime_error("commit failed");
      });
  sink.begin(kNoHurry);
  sink.take(entry(1));
  CHECK(codes(sink.finish()) == std::vector{Code::later});
  CHECK(sink.trouble() == "before_confirm failed: commit failed");
  CHECK(lines_of(path).empty());
  fail = false;
  sink.take(entry(1));
  CHECK(codes(sink.finish()) == std::vector{Code::stored});
  CHECK(lines_of(path).size() == 1);
}

TEST_CASE("a command's result is written as its exit and output") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  SinkStore sink(open_file(path), {}, {});
  CommandResult result;
  result.exit_code = 3;
  result.out = "hello\n";
  result.display = "echo hello; exit 3";
  const std::vector<std::byte> packed = result.encode();
  core::StoreEntry ran = entry(1, core::as_text(packed));
  ran.type = kCommandType;
  Command command;
  command.argv = {"sleep", "5"};
  const std::vector<std::byte> task = command.encode();
  core::StoreEntry never_ran = entry(2, core::as_text(task), core::kTerminal | core::kTaskPayload);
  never_ran.type = kCommandType;
  never_ran.outcome.status = core::Status::cancelled;
  core::StoreEntry foreign = entry(3, "\xC1 not a command");
  foreign.type = kCommandType;
  core::StoreEntry without = entry(4, "");
  without.type = kCommandType;
  without.outcome.status = core::Status::failed;
  without.outcome.error = "the outcome was too large";
  sink.begin(kNoHurry);
  for (const auto* each : {&ran, &never_ran, &foreign, &without}) sink.take(*each);
  CHECK(sink.finish().size() == 4);
  const auto lines = lines_of(path);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0]["exit"] == 3);
  CHECK(lines[0]["stdout"] == "hello\n");
  CHECK(lines[0]["command"] == "echo hello; exit 3");
  CHECK(lines[1]["exit"].is_null());
  CHECK(lines[1]["command"] == "sleep 5");
  CHECK(lines[2].contains("result_base64"));
  CHECK(lines[3]["exit"].is_null());
  CHECK(lines[3]["error"] == "the outcome was too large");
}

TEST_CASE("times that no clock can hold do no harm") {
  SinkStore sink(nullptr, [](const OutcomeView&) {}, {});
  sink.begin(kNoHurry);
  core::StoreEntry odd = entry(1);
  odd.outcome.started_us = odd.outcome.run_us = (1ULL << 63) - 1;
  CHECK(view_of(odd).started > std::chrono::system_clock::now());
  sink.take(odd);
  CHECK(codes(sink.finish()) == std::vector{Code::stored});
}

TEST_SUITE_END();
