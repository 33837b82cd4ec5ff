// journal_fence_test.cpp: an owner that wakes up writes where nobody reads.
// SPDX-License-Identifier: MIT
#include "store/journal_fence.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <optional>
#include <string>

#include "store/journal_lock.hpp"
#include "store/journal_rig.hpp"

using namespace sluice;
using namespace journal_rig;
namespace fs = std::filesystem;

namespace {

struct Cluster {
  FastFolder folder;
  JournalOptions options = options_for(folder.file("journal"));
  std::string file(const std::string& name) const { return folder.file("journal/" + name); }
  // As an owner opens it: its lock can be taken away, and it asks before it writes.
  std::unique_ptr<Journal> open(bool* may_write = nullptr) {
    JournalOptions mine = options;
    mine.owner.lock = store::JournalLock::take_away(options.folder, "a test");
    if (may_write != nullptr)
      mine.owner.before_write = [may_write] {
        if (!*may_write) throw Superseded("another one has it");
      };
    return std::make_unique<Journal>(mine);
  }
};

}  // namespace

TEST_SUITE("journal_fence") {
  TEST_CASE("the new files hold what was confirmed, and the same log") {
    Cluster cluster;
    fs::create_directory(cluster.options.folder);
    bool mine = true;
    auto old = cluster.open(&mine);
    append(*old, Turn().take_run(1, 300));
    append(*old, Turn().settle(1, 200));
    store::move_to_new_files(cluster.options.folder);
    mine = false;
    auto next = cluster.open();
    CHECK_FALSE(next->facts().copied);
    CHECK(next->facts().log == old->facts().log);
    CHECK(raw(next->facts().epoch) == raw(old->facts().epoch) + 1);
    CHECK(next->facts().tasks == 100);
    CHECK(replay(*next).seqs.front() == 201);
  }

  TEST_CASE("what the old owner still writes changes nothing, and its end neither") {
    Cluster cluster;
    fs::create_directory(cluster.options.folder);
    bool mine = true;
    auto old = cluster.open(&mine);
    append(*old, Turn().take_run(1, 300));
    store::move_to_new_files(cluster.options.folder);
    auto next = cluster.open();
    append(*next, Turn().settle(1, 100));
    // It was paused in the middle of a turn, and has not asked yet.
    append(*old, Turn().settle(150, 300));
    static_cast<void>(old->tidy());
    append(*next, Turn().settle(101, 110));
    mine = false;
    CHECK_THROWS_AS(static_cast<void>(old->append(Turn().settle(1, 2).turn)), Superseded);
    old.reset();
    append(*next, Turn().take_run(301, 310));
    next.reset();
    next = cluster.open();
    CHECK_FALSE(next->facts().torn);
    CHECK(next->facts().tasks == 200);
    CHECK(replay(*next).seqs.front() == 111);
  }

  TEST_CASE("a crash before the last step leaves the new files to whoever comes") {
    Cluster cluster;
    {
      Journal journal(cluster.options);
      append(journal, Turn().take_run(1, 10));
    }
    fs::copy_file(cluster.file("journal.db"), cluster.file("journal.db.ready"));
    write_file(cluster.file("journal.db-wal"), "the old log, which must not be read");
    const auto inode_of_ready = [&](const std::string& name) {
      store::JournalIdentity identity;
      store::identify(store::JournalDisk::real(), cluster.file(name), identity);
      return identity.inode;
    };
    const auto ready = inode_of_ready("journal.db.ready");
    Journal journal(cluster.options);
    CHECK(inode_of_ready("journal.db") == ready);
    CHECK_FALSE(fs::exists(cluster.file("journal.db.ready")));
    CHECK(journal.facts().tasks == 10);
  }

  TEST_CASE("half a copy is begun anew") {
    Cluster cluster;
    {
      Journal journal(cluster.options);
      append(journal, Turn().take_run(1, 10));
    }
    write_file(cluster.file("journal.db.next"), "half");
    write_file(cluster.file("journal.db.next-wal"), "half");
    store::move_to_new_files(cluster.options.folder);
    CHECK(Journal(cluster.options).facts().tasks == 10);
    CHECK_FALSE(fs::exists(cluster.file("journal.db.next")));
    CHECK_FALSE(fs::exists(cluster.file("journal.db.next-wal")));
  }

  TEST_CASE("a journal that was copied stays one, and gets a new log") {
    Cluster cluster;
    core::Log log{};
    {
      Journal journal(cluster.options);
      append(journal, Turn().take_run(1, 10));
      log = journal.facts().log;
    }
    JournalOptions copy = cluster.options;
    copy.folder = cluster.folder.file("copy");
    copy.fresh_log = {7, 7, 7};
    fs::copy(cluster.options.folder, copy.folder);
    store::move_to_new_files(copy.folder);
    const Journal journal(copy);
    CHECK(journal.facts().copied);
    CHECK(journal.facts().log == copy.fresh_log);
    CHECK(journal.facts().log_before == log);
  }

  TEST_CASE("where there is no journal yet there is nothing to move") {
    const FastFolder folder;
    store::move_to_new_files(folder.path());
    CHECK(fs::is_empty(folder.path()));
    CHECK(store::no_room_for_new_files(folder.path()) == "");
  }

  TEST_CASE("a lock can be taken away, and who had it disturbs nobody") {
    const FastFolder folder;
    auto first = store::JournalLock::try_take(folder.path(), "one");
    REQUIRE(first);
    CHECK_FALSE(store::JournalLock::try_take(folder.path(), "two"));
    CHECK(store::JournalLock::holder(folder.path()).find("one") == 0);
    auto second = store::JournalLock::take_away(folder.path(), "two");
    REQUIRE(second);
    first.reset();
    CHECK_FALSE(store::JournalLock::try_take(folder.path(), "three"));
    CHECK(store::JournalLock::holder(folder.path()).find("two") == 0);
    second.reset();
    CHECK(store::JournalLock::try_take(folder.path(), "three"));
  }
}
