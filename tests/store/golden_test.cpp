// golden_test.cpp: files that an earlier version wrote are read as they were meant.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sluice/access.hpp>

#include "store/journal_crc.hpp"
#include "store/journal_inspect.hpp"
#include "store/journal_rig.hpp"
#include "store/outcome_file.hpp"
#include "store/outcome_reader.hpp"
#include "store/outcome_search.hpp"

using namespace sluice;

namespace {

constexpr core::Log kJournalLog = {0x8d, 0x6f, 0x88, 0x4b, 0xa4, 0x50, 0x11, 0xe0,
                                   0x81, 0xaa, 0xc7, 0xf8, 0x95, 0x75, 0x7b, 0xe0};
constexpr core::Log kOutcomeLog = {0x4b, 0x3f, 0xbc, 0xe7, 0x37, 0xaf, 0x45, 0xa9,
                                   0x14, 0x96, 0x12, 0xa5, 0x1a, 0xe8, 0xd6, 0x10};

std::string golden(const std::string& name) {
  return read_file(std::string(SLUICE_TEST_DATA) + "/golden/" + name);
}
void put_journal(const TempFolder& folder) {
  write_file(folder.file("journal.db"), golden("journal.db.bin"));
  write_file(folder.file("journal.db-wal"), golden("journal.db-wal.bin"));
}
std::string line_of(std::uint64_t number) {
  const std::string all = golden("outcomes.jsonl");
  std::size_t start = 0;
  for (std::uint64_t i = 1; i < number; ++i) start = all.find('\n', start) + 1;
  return all.substr(start, all.find('\n', start) - start);
}
store::StoredOutcome outcome_of(std::uint64_t number) {
  const auto outcome = store::read_whole_outcome(line_of(number));
  REQUIRE(outcome);
  return *outcome;
}

// All that a journal gives back.
struct Seen {
  journal_rig::Replayed replayed;
  std::map<std::uint64_t, core::JournalTask> tasks;  // their views are gone
  std::map<std::uint64_t, std::string> keys_of;
  std::vector<core::Boot> workers;
  std::vector<std::string> answers;
};
Seen see(store::Journal& journal) {
  Seen out;
  store::JournalVisitor visitor = journal_rig::visitor_into(out.replayed);
  const auto copy = visitor.task;
  visitor.task = [&](const core::JournalTask& task, const core::JournalChange* change) {
    copy(task, change);
    out.keys_of[raw(task.seq)] = task.key;
    out.tasks[raw(task.seq)] = task;
  };
  visitor.worker = [&](const core::Boot& boot) { out.workers.push_back(boot); };
  visitor.answer = [&](const core::JournalAnswer& answer) {
    std::string text = std::to_string(answer.cno) + ":" + std::to_string(raw(answer.first));
    for (const core::SubmitException& one : answer.exceptions)
      text += "," + std::to_string(one.index) + "=" + std::to_string(raw(one.seq));
    out.answers.push_back(text + "@" + std::to_string(answer.answered_ms));
  };
  journal.replay(visitor);
  return out;
}
store::JournalOptions next_start(const std::string& folder) {
  store::JournalOptions options = journal_rig::options_for(folder);
  options.create = false;
  return options;
}

}  // namespace

TEST_SUITE_BEGIN("golden");

TEST_CASE("a journal of schema version 1: the whole of it is sound, and tells its counts") {
  const journal_rig::FastFolder folder;
  put_journal(folder);
  const std::string path = folder.file("");
  const store::JournalInfo info = store::inspect_journal(path);
  CHECK(info.identity.log == kJournalLog);
  CHECK(info.identity.created_ms == 1'795'479'422'603);
  CHECK(info.copied);
  CHECK_FALSE(info.torn);
  CHECK(info.state.tasks == 10);
  CHECK(info.state.batches == 3);
  std::string damages;
  const store::JournalCheck check = store::verify_journal(
      path, [&](const std::string& row, const std::string& what) { damages += row + what; });
  CHECK(damages == "");
  CHECK(check.damages == 0);
  CHECK(check.orphans == 0);
  CHECK(check.seen.tasks == 10);
}

TEST_CASE("a journal of schema version 1: the next ventilator goes on from it") {
  const journal_rig::FastFolder folder;
  put_journal(folder);
  const store::JournalOptions options = next_start(folder.file(""));
  store::Journal journal(options);
  const store::JournalFacts& facts = journal.facts();
  CHECK(facts.copied);  // by this test
  CHECK(facts.log_before == kJournalLog);
  CHECK(facts.log == options.fresh_log);
  CHECK(facts.epoch == core::Epoch{2});
  CHECK(facts.next_seq == core::Seq{131'073});
  CHECK(facts.dispatched_up_to == core::Seq{4097});
  CHECK(facts.tasks == 10);
  CHECK(facts.batches == 3);
  CHECK_FALSE(facts.created);
  CHECK_FALSE(facts.torn);

  const Seen all = see(journal);
  const journal_rig::Replayed& seen = all.replayed;
  CHECK(seen.seqs == std::vector<std::uint64_t>{13, 15, 16, 17, 18, 19, 20, 21, 22, 23});
  CHECK(all.keys_of.at(13) == "exit-3");
  CHECK(all.keys_of.at(15) == "exit-5");
  CHECK(all.keys_of.at(16) == "a");
  CHECK(all.keys_of.at(17) == "b");
  CHECK(all.keys_of.at(18) == "");
  CHECK(all.keys_of.at(19) == "late");
  CHECK(seen.types.at(13) == "exec");
  CHECK(seen.types.at(16) == "resize");
  CHECK(seen.types.at(18) == "render");
  CHECK(seen.payloads.at(16) ==
        "\x81\xa4"
        "file\xa5"
        "a.jpg");
  CHECK(seen.payloads.at(18) == "\x93\x01\x02\x03");
  CHECK(seen.payloads.at(19) == "\xa5plain");
  CHECK(seen.payloads.at(23).find("sleep 1003") != std::string::npos);
  CHECK(all.tasks.at(13).accepted_ms == 1'795'479'425'090);
  CHECK(all.tasks.at(13).max_attempts == 2);
  CHECK(all.tasks.at(13).max_losses == 3);
  CHECK(all.tasks.at(13).backoff_ms == 240'000);
  CHECK(all.tasks.at(13).backoff_most_ms == 300'000);
  CHECK(all.tasks.at(16).priority == 5);
  CHECK(all.tasks.at(16).accepted_ms == 1'795'479'426'102);
  CHECK(all.tasks.at(17).max_attempts == 7);
  CHECK(all.tasks.at(17).expires_ms == 1'796'343'426'102);
  CHECK(all.tasks.at(18).exec_ms == 30'000);
  CHECK(all.tasks.at(19).not_before_ms == 1'796'343'426'102);
  CHECK(all.tasks.at(20).max_attempts == 3);
  CHECK(all.tasks.at(20).fingerprint == 0);
  CHECK_FALSE(all.tasks.at(20).wanted);
  REQUIRE(seen.changes.size() == 2);
  CHECK(seen.changes.at(13).executions == 1);
  CHECK(seen.changes.at(13).failures == 1);
  CHECK(seen.changes.at(13).losses == 0);
  CHECK(seen.changes.at(13).not_before_ms == 1'795'479'552'427);
  CHECK(seen.changes.at(15).not_before_ms == 1'795'479'558'059);
  CHECK_FALSE(seen.changes.at(15).settling);
}

TEST_CASE("a journal of schema version 1: keys, answers and workers are known") {
  const journal_rig::FastFolder folder;
  put_journal(folder);
  store::Journal journal(next_start(folder.file("")));
  const Seen all = see(journal);
  const journal_rig::Replayed& seen = all.replayed;
  REQUIRE(seen.keys.size() == 18);
  for (std::uint64_t n = 1; n <= 12; ++n)
    CHECK(seen.keys[n - 1] == std::pair{"echo-" + std::to_string(n), n});
  CHECK(seen.keys[12] == std::pair{std::string("exit-3"), std::uint64_t{13}});
  CHECK(seen.keys[13] == std::pair{std::string("exit-0"), std::uint64_t{14}});
  CHECK(seen.keys[17] == std::pair{std::string("late"), std::uint64_t{19}});
  CHECK(all.answers == std::vector<std::string>{"1:1@1795479424199", "1:13,3=14@1795479425090",
                                                "1:16@1795479426102", "1:20@1795479426182"});
  CHECK(all.workers == std::vector<core::Boot>{{0x0c, 0x92, 0xd0, 0x51, 0x55, 0xda, 0xa8, 0xf2,
                                                0xd8, 0xf7, 0xe8, 0x15, 0xd5, 0x86, 0x09, 0xf9}});
}

TEST_CASE("an access file of version 1") {
  const TempFolder folder;
  write_file(folder.file("access.json"), golden("access.json"));
  const Access access = Access::read(folder.file("access.json"));
  CHECK(access.control == "tcp://127.0.0.1:41523");
  CHECK(access.sinks == std::vector<std::string>{"tcp://127.0.0.1:36825"});
  CHECK(access.log == "8d6f884ba45011e081aac7f895757be0");
  CHECK(access.pid == 24'454);
  CHECK(access.host == "vm");
  CHECK(access.process_space == "e6d36cda-ba2f-47d2-a3ea-08c99e3a4e40/pid:[4026531836]");
  CHECK(access.started.time_since_epoch() == std::chrono::seconds(1'795'479'422));
  CHECK(access.durable);
}

TEST_CASE("an outcome file: every line is known, and is the outcome that it was") {
  const TempFolder folder;
  write_file(folder.file("outcomes.jsonl"), golden("outcomes.jsonl"));
  store::OutcomeFile::Options options;
  options.path = folder.file("outcomes.jsonl");
  std::map<std::uint64_t, Status> read;
  const store::OutcomeFile file(options, [&read](const store::OutcomeFacts& facts) {
    CHECK(facts.id.log == kOutcomeLog);
    read[facts.id.seq] = facts.status;
  });
  CHECK(read.size() == 15);
  for (const auto& one : read)
    CHECK(one.second == (one.first == 13   ? Status::failed
                         : one.first == 15 ? Status::expired
                                           : Status::done));
  CHECK(file.cut_bytes() == 0);

  const store::StoredOutcome failed = outcome_of(13);
  CHECK(failed.outcome.id.seq == 13);
  CHECK(failed.outcome.attempt == 1);
  CHECK(failed.outcome.type == "exec");
  CHECK(failed.outcome.worker == "golden-worker");
  CHECK(failed.outcome.error == "exit code 7");
  CHECK(failed.outcome.started.time_since_epoch() ==
        std::chrono::microseconds(1'795'479'763'442'924));
  CHECK(failed.outcome.run == std::chrono::microseconds(875));
  REQUIRE(failed.command);
  CHECK(failed.command->exit_code == 7);
  CHECK(failed.command->out == "caf\xe9");
  CHECK(failed.command->display == "printf \"caf\\351\"; exit 7");
  const store::StoredOutcome expired = outcome_of(15);
  CHECK(expired.outcome.result_is_task);
  CHECK(expired.outcome.error == "its time to live has passed");
  CHECK_FALSE(expired.is_command);
  CHECK(outcome_of(1).outcome.key.substr(0, 5) == "echo-");
}

TEST_CASE("a checkpoint of version 1: it is sound, and tells what its file holds") {
  store::CheckpointReader reader;
  REQUIRE(reader.open(golden("outcomes.jsonl.checkpoint.bin")) == "");
  const store::CheckpointHead& head = reader.head();
  CHECK(head.file == store::FileIdentity{12'107'835, 1'795'479'761'808'507'419});
  CHECK(head.from == 4167);
  CHECK(head.upto == 4167);
  CHECK(head.lines == 15);
  CHECK(head.first_crc == 0xC7DA'93B8);
  CHECK(head.last_crc == 0x1CD1'0C86);
  std::vector<core::KnownRun> runs;
  std::vector<store::OutcomeIndex::Stretch> stretches;
  reader.read(
      [&runs](const core::KnownSlice& slice) {
        CHECK(slice.log == kOutcomeLog);
        runs.insert(runs.end(), slice.runs.begin(), slice.runs.end());
        if (slice.floor) CHECK(*slice.floor == core::Seq{0});
      },
      stretches);
  CHECK(runs == std::vector<core::KnownRun>{{1, 12, 1, core::Known::done},
                                            {13, 1, 1, core::Known::failed},
                                            {14, 1, 1, core::Known::done},
                                            {15, 1, 1, core::Known::expired}});
  CHECK(stretches == std::vector<store::OutcomeIndex::Stretch>{{0, false, {{kOutcomeLog, 1, 15}}}});
}

// The copy that a test makes is another file, so the checkpoint is told whose it is now.
TEST_CASE("a checkpoint of version 1: with it no line of its file is read") {
  const TempFolder folder;
  const std::string path = folder.file("outcomes.jsonl");
  write_file(path, golden("outcomes.jsonl"));
  std::string bytes = golden("outcomes.jsonl.checkpoint.bin");
  store::OutcomeFile::Options options;
  options.path = path;
  std::uint64_t told = 0;
  options.known = [&told](const core::KnownSlice& slice) {
    for (const core::KnownRun& run : slice.runs) told += run.count;
  };
  std::uint64_t read = 0;
  const auto count = [&read](const store::OutcomeFacts&) { ++read; };
  write_file(store::checkpoint_path(path), bytes);
  CHECK(store::OutcomeFile(options, count).checkpoint_refused() ==
        store::checkpoint_path(path) + " belongs to another file, or to a copy of it");
  CHECK(read == 15);
  const store::FileIdentity now = store::Directory::real().open_to_read(path)->identity();
  for (unsigned i = 0; i < 8; ++i) {
    bytes[16 + i] = static_cast<char>(now.inode >> (8 * i) & 0xFFU);
    bytes[24 + i] = static_cast<char>(now.born_ns >> (8 * i) & 0xFFU);
  }
  bytes.resize(bytes.size() - 4);
  const std::uint32_t crc = store::crc32c(0, std::as_bytes(std::span(bytes)));
  for (unsigned i = 0; i < 4; ++i) bytes += static_cast<char>(crc >> (8 * i) & 0xFFU);
  write_file(store::checkpoint_path(path), bytes);
  read = told = 0;
  const store::OutcomeFile file(options, count);
  CHECK(file.checkpoint_refused() == "");
  CHECK(file.lines_read() == 15);
  CHECK(told == 15);
  CHECK(read == 0);
}

TEST_SUITE_END();
