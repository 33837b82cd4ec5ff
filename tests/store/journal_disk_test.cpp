// journal_disk_test.cpp: what a journal keeps when its disk is full, fails, or loses its power.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/journal.hpp"
#include "store/journal_rig.hpp"
#include "store/odd_vfs.hpp"
#include "support/temp_folder.hpp"

using namespace sluice;
using namespace sluice::store;
using namespace journal_rig;

namespace {

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// A file system of so many bytes, where the machine lets us.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& size) {
    const std::string options = "size=" + size;
    mounted_ = ::mount("sluice-test", folder_.path().c_str(), "tmpfs", 0, options.c_str()) == 0;
    if (!mounted_) MESSAGE("SKIPPED: no file system can be mounted here (not root?)");
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const std::string& path() const { return folder_.path(); }
  [[nodiscard]] bool make_read_only() const {
    return ::mount(nullptr, path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  }

 private:
  TempFolder folder_;
  bool mounted_ = false;
};

// Keeps a journal busy: each turn takes some tasks, settles some, and knows what must be left.
class Flow {
 public:
  explicit Flow(std::uint64_t seed) : random_(seed) {}
  // The next turn; it counts when settle_for() says that it was confirmed.
  const JournalTurn& next() {
    turn_ = std::make_unique<Turn>();
    taken_ = random_() % 40 + 1;
    turn_->take_run(seq_, seq_ + taken_ - 1, random_() % 400);
    turn_->turn.numbers_reserved = Seq{};  // ahead, in blocks
    if (seq_ + taken_ > reserved_) turn_->turn.numbers_reserved = seq(reserved_ + 1000);
    ended_.clear();
    for (const std::uint64_t n : left_)
      if (random_() % 3 == 0) ended_.push_back(n);
    for (const std::uint64_t n : ended_) turn_->turn.settle(seq(n));
    if (!left_.empty()) {
      JournalChange change;
      change.seq = seq(left_.back());
      change.failures = static_cast<std::uint32_t>(seq_);
      if (ended_.empty() || ended_.back() != left_.back())
        turn_->turn.task_changes.push_back(change);
    }
    return turn_->turn;
  }
  void confirmed() {
    for (std::uint64_t n = seq_; n < seq_ + taken_; ++n) left_.push_back(n);
    for (const std::uint64_t n : ended_) std::erase(left_, n);
    if (seq_ + taken_ > reserved_) reserved_ += 1000;
    seq_ += taken_;
  }
  [[nodiscard]] const std::vector<std::uint64_t>& left() const { return left_; }
  [[nodiscard]] std::uint64_t next_seq() const { return seq_; }

 private:
  std::mt19937_64 random_;
  std::unique_ptr<Turn> turn_;
  std::uint64_t seq_ = 1, taken_ = 0, reserved_ = 0;
  std::vector<std::uint64_t> left_, ended_;
};

// Nothing confirmed is missing. What the last turn, unconfirmed, did may be there or not.
bool holds(const Replayed& back, const Flow& before, const Flow& after) {
  return back.seqs == before.left() || back.seqs == after.left();
}

}  // namespace

TEST_SUITE_BEGIN("journal_disk");

TEST_CASE("a full disk takes a turn back whole, and settling frees room") {
  const FastFolder folder;
  OddVfs disk;
  JournalOptions options = options_for(folder.path());
  options.vfs = disk.name();
  Journal journal(options);
  append(journal, Turn().take_run(1, 100));
  disk.on_write = [](const std::string&, std::int64_t, std::int64_t at) {
    return at > 100'000 ? SQLITE_FULL : SQLITE_OK;
  };
  CHECK(journal.append(Turn().take_run(101, 1000, 1000).turn) == Journal::Append::full);
  CHECK_FALSE(journal.has_room());
  CHECK(contains(journal.trouble(), "make room"));
  CHECK(replay(journal).seqs == run(1, 100));
  append(journal, Turn().settle(1, 50));
  CHECK(replay(journal).seqs == run(51, 100));
  disk.on_write = nullptr;
  append(journal, Turn().take_run(101, 1000, 1000));
  CHECK(replay(journal).seqs == run(51, 1000));
}

// PROTOCOL section 8, case 9, at the ventilator: it holds, and goes on when there is room.
TEST_CASE("on a small disk nothing confirmed is lost, and the reserve lets all of it settle") {
  const SmallDisk disk("24m");
  if (!disk.mounted()) return;
  JournalOptions options = options_for(disk.path() + "/journal");
  options.reserve_bytes = 4U << 20;
  options.checkpoint_pages = 800;
  std::uint64_t taken = 0;
  {
    Journal journal(options);
    REQUIRE(journal.has_room());
    for (int turn = 0; turn < 10'000 && journal.has_room(); ++turn) {
      if (journal.append(Turn().take_run(taken + 1, taken + 50, 1000).turn) ==
          Journal::Append::full)
        break;
      taken += 50;
    }
    REQUIRE_FALSE(journal.has_room());
    CHECK(taken > 5'000);
    CHECK(replay(journal).seqs == run(1, taken));
    for (std::uint64_t n = 1; n + 20 < taken / 2; n += 20)
      append(journal, Turn().settle(n, n + 19));
  }
  Journal journal(options);
  const std::vector<std::uint64_t> left = replay(journal).seqs;
  REQUIRE_FALSE(left.empty());
  CHECK(left.back() == taken);
  CHECK(left.size() < taken * 6 / 10);
  append(journal, Turn().settle(1, taken));
  CHECK(replay(journal).seqs.empty());
  for (int i = 0; i < 200 && !journal.has_room(); ++i) {
    append(journal, Turn().take_run(taken + 1, taken + 1));
    append(journal, Turn().settle(taken + 1, taken + 1));
    while (journal.tidy()) {
    }
  }
  CHECK(journal.has_room());
}

TEST_CASE("after a failed fsync nothing is confirmed any more") {
  for (const JournalSync sync : {JournalSync::always, JournalSync::interval}) {
    const FastFolder folder;
    OddVfs disk;
    JournalOptions options = options_for(folder.path());
    options.vfs = disk.name();
    options.sync = sync;
    std::string first;
    {
      Journal journal(options);
      append(journal, Turn().take_run(1, 10));
      journal.sync();
      disk.on_sync = [](const std::string& path) {
        return ends_with(path, "-wal") ? SQLITE_IOERR_FSYNC : SQLITE_OK;
      };
      const auto trouble = [&journal](const JournalTurn& turn) -> std::string {
        try {
          static_cast<void>(journal.append(turn));
          journal.sync();
        } catch (const Error& error) {
          return error.what();
        }
        return {};
      };
      Turn settles;
      settles.settle(1, 5);
      first = trouble(settles.turn);
      CHECK(contains(first, "Nothing more is confirmed"));
      disk.on_sync = nullptr;
      CHECK(trouble(settles.turn) == first);
      CHECK_THROWS_WITH_AS(journal.sync(), first.c_str(), Error);
      CHECK_THROWS_WITH_AS(journal.forget(1), first.c_str(), Error);
      CHECK_THROWS_WITH_AS(static_cast<void>(journal.tidy()), first.c_str(), Error);
    }
    Journal journal(options);
    const std::vector<std::uint64_t> left = replay(journal).seqs;
    CHECK((left == run(1, 10) || left == run(6, 10)));
  }
}

TEST_CASE("a failed checkpoint ends a journal too") {
  const FastFolder folder;
  OddVfs disk;
  JournalOptions options = options_for(folder.path());
  options.vfs = disk.name();
  options.checkpoint_pages = 40;
  Journal journal(options);
  append(journal, Turn().take_run(1, 10));
  disk.on_sync = [](const std::string& path) {
    return ends_with(path, ".db") ? SQLITE_IOERR_FSYNC : SQLITE_OK;
  };
  const auto turn_fails = [&journal](std::uint64_t n) {
    try {
      static_cast<void>(journal.append(Turn().settle(n, n).turn));
      static_cast<void>(journal.tidy());
    } catch (const Error&) {
      return true;
    }
    return false;
  };
  std::uint64_t turns = 0;
  while (turns < 100 && !turn_fails(turns + 1)) ++turns;
  CHECK(turns > 2);
  CHECK(turns < 100);
  CHECK(turn_fails(1));
}

TEST_CASE("a folder that may not be written is told as such") {
  const SmallDisk disk("8m");
  if (!disk.mounted()) return;
  const JournalOptions options = options_for(disk.path() + "/journal");
  { Journal journal(options); }
  REQUIRE(disk.make_read_only());
  CHECK(contains(error_of(options), "readable and writable for this user"));
  JournalOptions elsewhere = options;
  elsewhere.folder = disk.path() + "/new";
  CHECK(contains(error_of(elsewhere), "cannot make the folder"));
}

// A child writes as fast as it can and says what was confirmed; it is killed at any moment.
TEST_CASE("kill -9 loses nothing that was confirmed") {
  const FastFolder folder;
  std::mt19937 random(4711);
  const JournalOptions options = options_for(folder.path());
  for (unsigned round = 0; round < 50; ++round) {
    std::filesystem::remove_all(folder.file("journal.db"));
    std::filesystem::remove_all(folder.file("journal.db-wal"));
    int ends[2] = {};
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      JournalOptions own = options;
      own.checkpoint_pages = 50;
      Journal journal(own);
      Flow flow(round);
      for (;;) {
        static_cast<void>(journal.append(flow.next()) == Journal::Append::stored);
        flow.confirmed();
        if (::write(ends[1], "x", 1) != 1) ::_exit(1);
        static_cast<void>(journal.tidy());
      }
    }
    ::close(ends[1]);
    const std::uint64_t wanted = random() % 60 + 1;
    unsigned turns = 0;
    char byte = 0;
    while (turns < wanted && ::read(ends[0], &byte, 1) == 1) ++turns;
    ::kill(child, SIGKILL);
    while (::read(ends[0], &byte, 1) == 1) ++turns;
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    Flow before(round), after(round);
    for (unsigned i = 0; i < turns; ++i) {
      static_cast<void>(before.next());
      before.confirmed();
    }
    for (unsigned i = 0; i < turns + 1; ++i) {
      static_cast<void>(after.next());
      after.confirmed();
    }
    Journal journal(options);
    const Replayed back = replay(journal);
    CHECK(holds(back, before, after));
    CHECK(raw(journal.facts().next_seq) >= before.next_seq());
  }
}

namespace {

struct PowerCut {
  unsigned opened = 0, lost = 0, torn = 0;
  std::string error;
};

// Writes, cuts the power in the middle of a turn or behind one, and opens what is left.
void cut_power(JournalSync sync, unsigned round, PowerCut& out) {
  const FastFolder folder, after;
  std::mt19937 random(round);
  std::map<std::string, std::string> left;
  Flow before(round), next(round);
  {
    OddVfs disk;
    disk.watch_power();
    JournalOptions options = options_for(folder.path());
    options.vfs = disk.name();
    options.sync = sync;
    options.checkpoint_pages = 60;
    Journal journal(options);
    const auto survives = [&random] { return random() % 2 == 0; };
    std::uint64_t writes_left = random() % 600 + 20;
    // The power goes at a write: what comes later reaches no disk.
    disk.on_write = [&](const std::string&, std::int64_t, std::int64_t) {
      if (writes_left > 0 && --writes_left == 0) left = disk.power_cut(survives);
      return SQLITE_OK;
    };
    while (left.empty()) {
      static_cast<void>(next.next());
      next.confirmed();
      REQUIRE(journal.append(before.next()) == Journal::Append::stored);
      if (!left.empty()) break;
      before.confirmed();
      static_cast<void>(journal.tidy());
    }
  }
  for (const auto& [path, content] : left)
    write_file(after.file(path.substr(path.rfind('/') + 1)), content);
  try {
    Journal journal(options_for(after.path()));
    const Replayed back = replay(journal);
    ++out.opened;
    if (journal.facts().torn) ++out.torn;
    // The cut may have come in the tidying behind a turn that was confirmed.
    if (!holds(back, before, next)) ++out.lost;
    if (raw(journal.facts().next_seq) < before.next_seq()) out.error = "numbers were taken back";
  } catch (const Error& error) {
    out.error = error.what();
  }
}

}  // namespace

TEST_CASE("a power failure loses nothing that was confirmed") {
  PowerCut cuts;
  for (unsigned round = 0; round < 50; ++round) cut_power(JournalSync::always, round, cuts);
  CHECK(cuts.error == "");
  CHECK(cuts.opened == 50);
  CHECK(cuts.lost == 0);
  CHECK(cuts.torn > 0);  // or the cuts were never in a turn
}

// Shows that the test above could fail, and that --sync never costs turns, not the journal.
TEST_CASE("without syncs a power failure loses turns, but neither the journal nor numbers") {
  PowerCut cuts;
  for (unsigned round = 0; round < 50; ++round) cut_power(JournalSync::never, round, cuts);
  CHECK(cuts.error == "");
  CHECK(cuts.opened == 50);
  CHECK(cuts.lost > 0);
}

TEST_SUITE_END();
