// journal_test.cpp: what a journal is given comes back, in order, to whoever opens it next.
// SPDX-License-Identifier: MIT
#include "store/journal.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "store/journal_rig.hpp"
#include "support/temp_folder.hpp"

using namespace sluice;
using namespace sluice::store;
using namespace journal_rig;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777U;
}

}  // namespace

TEST_SUITE_BEGIN("journal");

TEST_CASE("a new journal is its owner's alone, has the log it was given and epoch 1") {
  const FastFolder folder;
  const std::string path = folder.file("journal");
  Journal journal(options_for(path));
  CHECK(mode_of(path) == 0700);
  CHECK(mode_of(path + "/journal.db") == 0600);
  CHECK(mode_of(path + "/lock") == 0600);
  CHECK(journal.facts().created);
  CHECK(journal.facts().log == core::Log{1, 2, 3});
  CHECK(raw(journal.facts().epoch) == 1);
  CHECK(raw(journal.facts().next_seq) == 1);
  CHECK(journal.facts().tasks == 0);
}

TEST_CASE("each opening has an epoch of its own, and the log stays") {
  const FastFolder folder;
  JournalOptions options = options_for(folder.path());
  for (std::uint32_t epoch = 1; epoch <= 4; ++epoch) {
    Journal journal(options);
    CHECK(raw(journal.facts().epoch) == epoch);
    CHECK(journal.facts().log == core::Log{1, 2, 3});
    CHECK(journal.facts().created == (epoch == 1));
    CHECK_FALSE(journal.facts().copied);
    options.fresh_log = {9};
  }
}

TEST_CASE("workers that came and have not left are told") {
  const FastFolder folder;
  const core::Boot ann{1}, bob{2}, eve{3};
  {
    Journal journal(options_for(folder.path()));
    Turn both, left;
    both.turn.workers_joined = {ann, bob, eve};
    append(journal, both);
    left.turn.workers_joined = {ann};  // once more
    left.turn.workers_left = {bob};
    append(journal, left);
  }
  Journal journal(options_for(folder.path()));
  std::vector<core::Boot> workers;
  JournalVisitor visitor;
  visitor.worker = [&](const core::Boot& boot) { workers.push_back(boot); };
  journal.replay(visitor);
  CHECK(workers == std::vector<core::Boot>{ann, eve});
}

TEST_CASE("every field of a task comes back") {
  const FastFolder folder;
  {
    Journal journal(options_for(folder.path()));
    Turn turn;
    turn.turn.now_ms = 5'000;
    JournalTask& task = turn.take(7);
    task.key = "order-7";
    task.fingerprint = 0xfedcba9876543210U;
    task.not_before_ms = 6'000;
    task.expires_ms = 1'700'000'000'000;
    task.exec_ms = 90'000;
    task.priority = 4;
    task.sink = 2;
    task.wanted = true;
    append(journal, turn);
  }
  Journal journal(options_for(folder.path()));
  int calls = 0;
  JournalVisitor visitor;
  visitor.task = [&](const JournalTask& task, const JournalChange* change) {
    ++calls;
    CHECK(change == nullptr);
    CHECK(raw(task.seq) == 7);
    CHECK(task.type == "render");
    CHECK(task.key == "order-7");
    CHECK(task.fingerprint == 0xfedcba9876543210U);
    CHECK(task.accepted_ms == 5'000);
    CHECK(task.not_before_ms == 6'000);
    CHECK(task.expires_ms == 1'700'000'000'000);
    CHECK(task.exec_ms == 90'000);
    CHECK(task.priority == 4);
    CHECK(task.sink == 2);
    CHECK(task.wanted);
    CHECK(task.max_attempts == 3);
    CHECK(task.max_losses == 2);
    CHECK(task.backoff_ms == 1000);
    CHECK(task.backoff_most_ms == 60'000);
    CHECK(core::as_text(task.payload) == Turn::payload_of(7, 20));
  };
  journal.replay(visitor);
  CHECK(calls == 1);
}

// PROTOCOL rule 17: "seq numbers are reserved ahead in fsynced blocks, and so is the dispatch
// watermark".
TEST_CASE("reserved numbers and the dispatch watermark never fall") {
  const FastFolder folder;
  {
    Journal journal(options_for(folder.path()));
    Turn turn;
    turn.turn.numbers_reserved = seq(4096);
    turn.turn.dispatched_up_to = seq(1024);
    append(journal, turn);
    Turn lower;
    lower.turn.numbers_reserved = seq(10);
    lower.turn.dispatched_up_to = seq(10);
    append(journal, lower);
  }
  Journal journal(options_for(folder.path()));
  CHECK(raw(journal.facts().next_seq) == 4097);
  CHECK(raw(journal.facts().dispatched_up_to) == 1024);
}

TEST_CASE("only what is not settled comes back, in order") {
  const FastFolder folder;
  {
    Journal journal(options_for(folder.path()));
    append(journal, Turn().take_run(1, 1000));
    append(journal, Turn().take_run(2001, 2003));
    append(journal, Turn().take_run(1001, 1100).settle(3, 998).settle(1001, 1099));
    append(journal, Turn().settle(1, 1));
  }
  Journal journal(options_for(folder.path()));
  CHECK(journal.facts().tasks == 7);
  const Replayed back = replay(journal);
  CHECK(back.seqs == std::vector<std::uint64_t>{2, 999, 1000, 1100, 2001, 2002, 2003});
  CHECK(back.payloads.at(999) == Turn::payload_of(999, 20));
  CHECK(back.types.at(999) == "resize");
  CHECK(back.types.at(1000) == "render");
}

TEST_CASE("settling what is not there, or settled before, changes nothing") {
  const FastFolder folder;
  Journal journal(options_for(folder.path()));
  append(journal, Turn().take_run(10, 20));
  append(journal, Turn().settle(12, 14));
  append(journal, Turn().settle(12, 14).settle(1, 5).settle(1'000'000, 1'000'001));
  append(journal, Turn().settle(1, 10));
  CHECK(replay(journal).seqs == std::vector<std::uint64_t>{11, 15, 16, 17, 18, 19, 20});
  append(journal, Turn().settle(1, 1000));
  CHECK(replay(journal).seqs.empty());
  CHECK(journal.stats().batches == 0);
  CHECK(journal.stats().part_settled == 0);
}

TEST_CASE("tasks are settled alike after a restart, when nothing of them is remembered") {
  const FastFolder folder;
  { Journal journal(options_for(folder.path())); append(journal, Turn().take_run(1, 600)); }
  { Journal journal(options_for(folder.path())); append(journal, Turn().settle(100, 300)); }
  { Journal journal(options_for(folder.path())); append(journal, Turn().settle(90, 310)); }
  Journal journal(options_for(folder.path()));
  append(journal, Turn().settle(1, 88).settle(312, 600));
  CHECK(replay(journal).seqs == std::vector<std::uint64_t>{89, 311});
}

TEST_CASE("the last change of a task counts, and goes with the task") {
  const FastFolder folder;
  {
    Journal journal(options_for(folder.path()));
    Turn turn;
    turn.take_run(1, 5);
    JournalChange change;
    change.seq = seq(2);
    change.executions = 1;
    turn.turn.task_changes.push_back(change);
    change.seq = seq(4);
    change.failures = 2;
    change.losses = 1;
    change.not_before_ms = 77;
    change.wanted = change.cancel_requested = change.suspect = true;
    turn.turn.task_changes.push_back(change);
    append(journal, turn);
    Turn second;
    change.seq = seq(2);
    change.executions = 9;
    change.settling = change.with_payload = true;
    change.status = core::Status::expired;
    change.why = "its time to live has passed";
    second.turn.task_changes.push_back(change);
    append(journal, second);
  }
  Journal journal(options_for(folder.path()));
  const Replayed back = replay(journal);
  CHECK(back.seqs == run(1, 5));
  REQUIRE(back.changes.size() == 2);
  const JournalChange& two = back.changes.at(2);
  CHECK(two.executions == 9);
  CHECK(two.settling);
  CHECK(two.with_payload);
  CHECK(two.status == core::Status::expired);
  CHECK(back.whys.at(2) == "its time to live has passed");
  const JournalChange& four = back.changes.at(4);
  CHECK(four.executions == 1);
  CHECK(four.failures == 2);
  CHECK(four.losses == 1);
  CHECK(four.not_before_ms == 77);
  CHECK(four.wanted);
  CHECK(four.cancel_requested);
  CHECK(four.suspect);
  CHECK_FALSE(four.settling);
  append(journal, Turn().settle(2, 4));
  CHECK(replay(journal).changes.empty());
  CHECK(journal.stats().changes == 0);
}

// PROTOCOL rule 18: "recognised by (client boot, cno) or by key, both journaled for the dedup
// window".
TEST_CASE("keys and answers outlive their tasks until they are forgotten") {
  const FastFolder folder;
  {
    Journal journal(options_for(folder.path()));
    for (std::uint64_t n = 1; n <= 3; ++n) {
      Turn turn;
      turn.turn.now_ms = n * 1000;
      const std::string key = "key " + std::to_string(n);
      turn.take(n).key = turn.keep(key);
      const std::vector<core::SubmitException> exceptions{{5, core::Code::duplicate, seq(1)},
                                                          {6, core::Code::conflict, seq(0)}};
      turn.turn.submits_answered.push_back({{7, 7}, 40 + n, seq(n), exceptions, 0});
      turn.settle(n, n);
      append(journal, turn);
    }
  }
  Journal journal(options_for(folder.path()));
  Replayed back = replay(journal);
  CHECK(back.seqs.empty());
  CHECK(back.keys == decltype(back.keys){{"key 1", 1}, {"key 2", 2}, {"key 3", 3}});
  CHECK(back.cnos == std::vector<std::uint64_t>{41, 42, 43});
  std::vector<core::SubmitException> exceptions;
  JournalVisitor visitor;
  visitor.answer = [&](const JournalAnswer& answer) {
    exceptions.assign(answer.exceptions.begin(), answer.exceptions.end());
    CHECK(answer.boot == core::Boot{7, 7});
    CHECK(answer.answered_ms == answer.cno * 1000 - 40'000);
  };
  journal.replay_dedups(visitor);
  REQUIRE(exceptions.size() == 2);
  CHECK(exceptions[0].index == 5);
  CHECK(exceptions[0].code == core::Code::duplicate);
  CHECK(raw(exceptions[0].seq) == 1);
  CHECK(exceptions[1].code == core::Code::conflict);

  journal.forget(2000);
  CHECK(replay(journal).cnos == std::vector<std::uint64_t>{42, 43});
  journal.forget(2001);
  back = replay(journal);
  CHECK(back.cnos == std::vector<std::uint64_t>{43});
  CHECK(back.keys == decltype(back.keys){{"key 3", 3}});
  journal.forget(1'000'000);
  CHECK(replay(journal).cnos.empty());
  CHECK(journal.stats().dedups == 0);
}

TEST_CASE("runs of numbers can be looked at without their tasks, and loaded by themselves") {
  const FastFolder folder;
  Journal journal(options_for(folder.path()));
  append(journal, Turn().take_run(1, 600).settle(10, 20));
  std::uint64_t tasks = 0, at = 1;
  journal.batches([&](const JournalBatch& batch) {
    CHECK(raw(batch.seqs.first) == at);
    at = raw(batch.seqs.last) + 1;
    tasks += batch.unsettled;
    CHECK(batch.bytes > 0);
  });
  CHECK(at == 601);
  CHECK(tasks == 589);
  Replayed some;
  journal.load({seq(9), seq(22)}, visitor_into(some));
  CHECK(some.seqs == std::vector<std::uint64_t>{9, 21, 22});
  CHECK(some.payloads.at(22) == Turn::payload_of(22, 20));
  Replayed none;
  journal.load({seq(601), seq(700)}, visitor_into(none));
  CHECK(none.seqs.empty());
}

TEST_CASE("large payloads and empty ones come back as they were") {
  const FastFolder folder;
  {
    Journal journal(options_for(folder.path()));
    Turn turn;
    turn.take(1, 3'000'000);
    turn.take(2, 0);
    turn.take(3, 70'000);
    append(journal, turn);
  }
  Journal journal(options_for(folder.path()));
  const Replayed back = replay(journal);
  CHECK(back.payloads.at(1) == Turn::payload_of(1, 3'000'000));
  CHECK(back.payloads.at(2).empty());
  CHECK(back.payloads.at(3) == Turn::payload_of(3, 70'000));
}

// PROTOCOL section 8, case 21: "two ventilators on one log".
TEST_CASE("a second opener is told who has the journal") {
  const FastFolder folder;
  JournalOptions options = options_for(folder.path());
  options.holder = "ventilator head";
  const Journal journal(options);
  const std::string error = error_of(options);
  CHECK(contains(error, "in use by ventilator head, process " + std::to_string(::getpid())));
}

// PROTOCOL rule 17: "A journal restored from a copy gets a new log."
TEST_CASE("a copy gets a new log, and its tasks keep their numbers") {
  const FastFolder folder, other;
  { Journal journal(options_for(folder.path())); append(journal, Turn().take_run(1, 9)); }
  std::filesystem::copy_file(folder.file("journal.db"), other.file("journal.db"));
  JournalOptions options = options_for(other.path());
  options.fresh_log = {8, 8};
  {
    Journal journal(options);
    CHECK(journal.facts().copied);
    CHECK(journal.facts().log == core::Log{8, 8});
    CHECK(journal.facts().log_before == core::Log{1, 2, 3});
    CHECK(raw(journal.facts().epoch) == 2);
    CHECK(replay(journal).seqs == run(1, 9));
  }
  options.fresh_log = {9, 9};
  Journal journal(options);
  CHECK_FALSE(journal.facts().copied);
  CHECK(journal.facts().log == core::Log{8, 8});
}

TEST_CASE("a journal that is renamed is no copy") {
  const FastFolder folder;
  { Journal journal(options_for(folder.file("a"))); }
  std::filesystem::rename(folder.file("a"), folder.file("b"));
  Journal journal(options_for(folder.file("b")));
  CHECK_FALSE(journal.facts().copied);
}

TEST_CASE("without `create` nothing is made") {
  const FastFolder folder;
  JournalOptions options = options_for(folder.file("journal"));
  options.create = false;
  CHECK(contains(error_of(options), "there is no journal"));
  CHECK_FALSE(std::filesystem::exists(folder.file("journal")));
  options.folder = folder.path();
  CHECK(contains(error_of(options), "there is no journal"));
  CHECK_FALSE(std::filesystem::exists(folder.file("journal.db")));
}

TEST_CASE("the file shrinks again when the backlog drains") {
  const FastFolder folder;
  Journal journal(options_for(folder.path()));
  for (std::uint64_t n = 0; n < 100; ++n)
    append(journal, Turn().take_run(n * 200 + 1, n * 200 + 200, 2000));
  while (journal.tidy()) {
  }
  const std::uint64_t full = journal.stats().file_bytes + journal.stats().wal_bytes;
  REQUIRE(full > 40'000'000);
  append(journal, Turn().settle(1, 19'990));
  for (std::uint64_t n = 0; n < 1000; ++n) {
    append(journal, Turn().take_run(30'000 + n, 30'000 + n).settle(30'000 + n, 30'000 + n));
    static_cast<void>(journal.tidy());
  }
  CHECK(replay(journal).seqs.size() == 10);
  CHECK(journal.stats().file_bytes < full / 4);
}

TEST_SUITE_END();
