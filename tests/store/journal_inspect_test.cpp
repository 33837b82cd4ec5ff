// journal_inspect_test.cpp: what a person is shown of a journal, and what is left as it was.
// SPDX-License-Identifier: MIT
#include "store/journal_inspect.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include "store/journal.hpp"
#include "store/journal_rig.hpp"
#include "support/temp_folder.hpp"

using namespace sluice;
using namespace sluice::store;
using namespace journal_rig;

namespace {

void fill(const std::string& folder) {
  Journal journal(options_for(folder));
  Turn turn;
  turn.take_run(1, 300);
  JournalTask& keyed = turn.take(301);
  keyed.key = "order-301";
  keyed.priority = 2;
  keyed.payload = core::as_bytes(turn.keep(std::string("\xff\x00\x01", 3)));
  JournalChange change;
  change.seq = seq(299);
  change.failures = 3;
  change.settling = true;
  change.status = core::Status::failed;
  change.why = "no \"luck\"";
  turn.turn.task_changes.push_back(change);
  turn.settle(1, 298);
  turn.turn.numbers_reserved = seq(5000);
  append(journal, turn);
}

void by_hand(const std::string& folder, const std::string& sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open((folder + "/journal.db").c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

struct Told {
  std::vector<std::string> rows;
  OnDamage note() {
    return [this](const std::string& row, const std::string&) { rows.push_back(row); };
  }
};

std::vector<nlohmann::json> dump(const std::string& folder, Told& told) {
  std::vector<nlohmann::json> out;
  dump_journal(
      folder, [&out](std::string_view line) { out.push_back(nlohmann::json::parse(line)); },
      told.note());
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("journal_inspect");

TEST_CASE("info shows what is there and starts no epoch") {
  const FastFolder folder;
  fill(folder.path());
  for (int i = 0; i < 2; ++i) {
    const JournalInfo info = inspect_journal(folder.path());
    CHECK(raw(info.state.epoch) == 1);
    CHECK(info.state.tasks == 3);
    CHECK(info.state.changes == 1);
    CHECK(raw(info.state.numbers_reserved) == 5000);
    CHECK(info.identity.log == core::Log{1, 2, 3});
    CHECK(info.identity.sync == JournalSync::always);
    CHECK(info.file_bytes > 0);
    CHECK_FALSE(info.copied);
    CHECK_FALSE(info.torn);
  }
}

TEST_CASE("a sound journal is verified, with its counts") {
  const FastFolder folder;
  fill(folder.path());
  Told told;
  const JournalCheck check = verify_journal(folder.path(), told.note());
  CHECK(check.damages == 0);
  CHECK(check.orphans == 0);
  CHECK(told.rows.empty());
  CHECK(check.seen.tasks == 3);
  CHECK(check.seen.changes == 1);
  CHECK(check.seen.dedups == 1);
}

TEST_CASE("verify names every damaged row and goes on") {
  const FastFolder folder;
  fill(folder.path());
  by_hand(folder.path(),
          "UPDATE batch SET crc=crc+1 WHERE first=257; UPDATE change SET failures=4;"
          "UPDATE dedup SET since_ms=5; UPDATE state SET turn=77;");
  Told told;
  const JournalCheck check = verify_journal(folder.path(), told.note());
  CHECK(check.damages == told.rows.size());
  const auto names = [&told](const std::string& row) {
    return std::count(told.rows.begin(), told.rows.end(), row) == 1;
  };
  CHECK(names("batch 257"));
  CHECK(names("change 299"));
  CHECK(names("dedup 0"));
  CHECK(names("state"));
}

TEST_CASE("a dump has a line for each unsettled task") {
  const FastFolder folder;
  fill(folder.path());
  Told told;
  const std::vector<nlohmann::json> lines = dump(folder.path(), told);
  CHECK(told.rows.empty());
  REQUIRE(lines.size() == 3);
  CHECK(lines[0]["id"] == "01020300-299");
  CHECK(lines[0]["type"] == "render");
  CHECK(lines[0]["payload"] == Turn::payload_of(299, 20));
  CHECK(lines[0]["failures"] == 3);
  CHECK(lines[0]["settling"] == "failed");
  CHECK(lines[0]["error"] == "no \"luck\"");
  CHECK(lines[1]["seq"] == 300);
  CHECK_FALSE(lines[1].contains("failures"));
  CHECK(lines[2]["key"] == "order-301");
  CHECK(lines[2]["priority"] == 2);
  CHECK(lines[2]["payload_base64"] == "/wAB");
  CHECK_FALSE(lines[2].contains("payload"));
}

TEST_CASE("a dump shows what is sound in spite of damage elsewhere") {
  const FastFolder folder;
  {
    Journal journal(options_for(folder.path()));
    append(journal, Turn().take_run(1, 10));
    append(journal, Turn().take_run(11, 20));
  }
  by_hand(folder.path(), "UPDATE batch SET accepted_ms=1 WHERE first=1; DELETE FROM state;");
  Told told;
  CHECK(dump(folder.path(), told).size() == 10);
  CHECK(told.rows.size() >= 2);
}

TEST_CASE("compact gives the free space back, and what was there is there") {
  const FastFolder folder;
  Replayed wanted;
  {
    Journal journal(options_for(folder.path()));
    for (std::uint64_t n = 0; n < 20; ++n)
      append(journal, Turn().take_run(n * 100 + 1, n * 100 + 100, 1000));
    append(journal, Turn().settle(1, 1950));
    wanted = replay(journal);
  }
  const JournalCompacted done = compact_journal(folder.path());
  CHECK(done.bytes_before > 2'000'000);
  CHECK(done.bytes_after < 200'000);
  Journal journal(options_for(folder.path()));
  CHECK_FALSE(journal.facts().copied);
  CHECK(replay(journal) == wanted);
}

TEST_CASE("while a ventilator has the journal, nobody looks into it") {
  const FastFolder folder;
  const Journal journal(options_for(folder.path()));
  Told told;
  CHECK_THROWS_AS(static_cast<void>(inspect_journal(folder.path())), Error);
  CHECK_THROWS_AS(static_cast<void>(verify_journal(folder.path(), told.note())), Error);
  CHECK_THROWS_AS(static_cast<void>(dump(folder.path(), told)), Error);
  CHECK_THROWS_AS(compact_journal(folder.path()), Error);
}

TEST_CASE("looking makes nothing and changes nothing") {
  const FastFolder folder;
  CHECK_THROWS_AS(static_cast<void>(inspect_journal(folder.file("none"))), Error);
  CHECK_FALSE(std::filesystem::exists(folder.file("none")));
  fill(folder.path());
  const std::string before = read_file(folder.file("journal.db"));
  Told told;
  static_cast<void>(inspect_journal(folder.path()));
  static_cast<void>(verify_journal(folder.path(), told.note()));
  static_cast<void>(dump(folder.path(), told));
  CHECK(read_file(folder.file("journal.db")) == before);
}

TEST_SUITE_END();
