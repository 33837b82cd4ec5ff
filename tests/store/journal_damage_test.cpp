// journal_damage_test.cpp: damage is harmless or told, and never a task less.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "store/journal.hpp"
#include "store/journal_inspect.hpp"
#include "store/journal_rig.hpp"
#include "support/temp_folder.hpp"

using namespace sluice;
using namespace sluice::store;
using namespace journal_rig;

namespace {

// A journal with something in each table: tasks in whole and in part settled batches, changes,
// keys and answers.
void fill(Journal& journal) {
  for (std::uint64_t n = 0; n < 8; ++n) {
    Turn turn;
    turn.take_run(n * 100 + 1, n * 100 + 90, 100 + n * 60);
    turn.take(n * 100 + 91).key = turn.keep("key " + std::to_string(n));
    turn.settle(n * 100 + 10, n * 100 + 30);
    JournalChange change;
    change.seq = seq(n * 100 + 40);
    change.failures = 2;
    change.why = "no reason";
    turn.turn.task_changes.push_back(change);
    turn.turn.submits_answered.push_back({{4}, n + 1, seq(n), {}, 0});
    append(journal, turn);
  }
}

enum class Found { same, told, silently_different };

Found look(const JournalOptions& options, const Replayed& wanted, std::string* why = nullptr) {
  try {
    Journal journal(options);
    return replay(journal) == wanted ? Found::same : Found::silently_different;
  } catch (const Error& error) {
    if (why != nullptr) *why = error.what();
    return Found::told;
  }
}

struct Written {
  std::string database, wal;
  Replayed content;
};

// What lies in the files of a journal: after a clean end, or after its process has vanished.
Written write_journal(bool clean) {
  const FastFolder folder;
  Written out;
  JournalOptions options = options_for(folder.path());
  {
    Journal journal(options);
    fill(journal);
    out.content = replay(journal);
    if (!clean) {
      out.database = read_file(folder.file("journal.db"));
      out.wal = read_file(folder.file("journal.db-wal"));
    }
  }
  if (clean) out.database = read_file(folder.file("journal.db"));
  return out;
}

JournalOptions put_back(const FastFolder& folder, const std::string& database,
                        const std::string& wal) {
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    std::filesystem::remove(entry.path());
  write_file(folder.file("journal.db"), database);
  if (!wal.empty()) write_file(folder.file("journal.db-wal"), wal);
  return options_for(folder.path());
}

}  // namespace

TEST_SUITE_BEGIN("journal_damage");

TEST_CASE("a flipped bit in the main file is harmless or told") {
  const Written sound = write_journal(true);
  REQUIRE(sound.wal.empty());
  const FastFolder folder;
  REQUIRE(look(put_back(folder, sound.database, {}), sound.content) == Found::same);
  std::mt19937 random(1);
  unsigned told = 0;
  for (unsigned i = 0; i < 400; ++i) {
    std::string damaged = sound.database;
    // Every page's head and cell pointers often, the rest anywhere.
    const std::size_t page = random() % (damaged.size() / 4096) * 4096;
    const std::size_t at = page + random() % (i % 2 == 0 ? 64 : 4096);
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    const Found found = look(put_back(folder, damaged, {}), sound.content);
    CHECK_MESSAGE(found != Found::silently_different, "byte ", at);
    if (found == Found::told) ++told;
  }
  CHECK(told > 100);
}

TEST_CASE("a flipped bit in the -wal file is harmless or told, unless it looks like the end") {
  const Written sound = write_journal(false);
  REQUIRE(sound.wal.size() > 40'000);
  const FastFolder folder;
  REQUIRE(look(put_back(folder, sound.database, sound.wal), sound.content) == Found::same);
  std::mt19937 random(2);
  unsigned told = 0, cut = 0;
  std::string why;
  for (unsigned i = 0; i < 300; ++i) {
    std::string damaged = sound.wal;
    const std::size_t at = i < 60 ? i * 4120 % damaged.size() + random() % 56
                                  : random() % damaged.size();
    damaged[at % damaged.size()] =
        static_cast<char>(damaged[at % damaged.size()] ^ (1 << random() % 8));
    const Found found = look(put_back(folder, sound.database, damaged), sound.content, &why);
    if (found == Found::told) ++told;
    // In the last turn nobody can tell it from a turn that was never finished. A turn of these
    // has 20 frames at most, and a frame's own head may be what is damaged.
    if (found != Found::silently_different) continue;
    ++cut;
    CHECK_MESSAGE(at > sound.wal.size() - 2 * 20 * 4120, "byte ", at);
  }
  CHECK(told > 150);
  CHECK(cut < 100);
  CHECK(contains(why, "restore the folder from a copy"));
}

TEST_CASE("whatever is cut off the main file is told") {
  const Written sound = write_journal(true);
  const FastFolder folder;
  std::mt19937 random(3);
  for (unsigned i = 0; i < 60; ++i) {
    const std::size_t size = i == 0 ? 0 : i < 40 ? random() % sound.database.size()
                                                 : random() % (sound.database.size() / 4096) * 4096;
    std::string why;
    const Found found = look(put_back(folder, sound.database.substr(0, size), {}), sound.content,
                             &why);
    CHECK_MESSAGE(found == Found::told, "cut to ", size);
    CHECK(contains(why, "restore"));
  }
}

TEST_CASE("a main file that is gone is told, not made anew") {
  const Written sound = write_journal(false);
  const FastFolder folder;
  const JournalOptions options = put_back(folder, sound.database, sound.wal);
  std::filesystem::remove(folder.file("journal.db"));
  CHECK(contains(error_of(options), "is gone"));
}

TEST_CASE("foreign files, newer journals and changed tables are told apart") {
  const Written sound = write_journal(true);
  const FastFolder folder;
  CHECK(contains(error_of(put_back(folder, std::string(5000, 'x'), {})), "not a journal"));
  CHECK(contains(error_of(put_back(folder, "", {})), "only 0 bytes"));
  std::string newer = sound.database;
  newer[63] = 2;
  CHECK(contains(error_of(put_back(folder, newer, {})), "made by a newer sluice"));
  std::string foreign = sound.database;
  foreign[70] = 'x';
  CHECK(contains(error_of(put_back(folder, foreign, {})), "not a journal"));

  const auto by_hand = [&folder](const char* sql) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(folder.file("journal.db").c_str(), &database) == SQLITE_OK);
    REQUIRE(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(database);
  };
  const JournalOptions options = put_back(folder, sound.database, {});
  by_hand("CREATE TABLE mine(x)");
  CHECK(contains(error_of(options), "its tables are not"));
  by_hand("DROP TABLE mine; DELETE FROM batch WHERE first=101");
  CHECK(contains(error_of(options), "unsettled tasks"));
}

TEST_CASE("a journal that another program has open is told") {
  const FastFolder folder;
  { Journal journal(options_for(folder.path())); }
  sqlite3* by_hand = nullptr;
  REQUIRE(sqlite3_open(folder.file("journal.db").c_str(), &by_hand) == SQLITE_OK);
  REQUIRE(sqlite3_exec(by_hand, "BEGIN; SELECT * FROM state", nullptr, nullptr, nullptr) ==
          SQLITE_OK);
  CHECK(contains(error_of(options_for(folder.path())), "another program has the file open"));
  sqlite3_close(by_hand);
}

TEST_SUITE_END();
