// journal_parts.hpp: the inside of a journal: its lock, its connection, its statements.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/journal.hpp"
#include "store/journal_batches.hpp"
#include "store/journal_codec.hpp"
#include "store/journal_disk.hpp"
#include "store/journal_reader.hpp"

namespace sluice::store {

/// The disk that the options name.
[[nodiscard]] inline JournalDisk& disk_of(const JournalOptions& options) {
  return options.disk != nullptr ? *options.disk : JournalDisk::real();
}

/// The folder, locked, and the file in it, looked at but not yet opened by SQLite.
class JournalFolder {
 public:
  /// Makes the folder and the journal if `options` say so. Throws Error.
  explicit JournalFolder(const JournalOptions& options);
  [[nodiscard]] JournalDisk& disk() const { return disk_; }
  [[nodiscard]] const JournalPaths& paths() const { return paths_; }
  [[nodiscard]] bool created() const { return created_; }

 private:
  JournalDisk& disk_;
  JournalPaths paths_;
  std::shared_ptr<void> lock_;
  bool created_ = false;
};

/// Makes durable what can be read of the last turns. Throws Error.
const JournalFolder& written_anew(const JournalFolder& folder);

/// An open journal's database, with all that every opening checks.
class JournalFile {
 public:
  /// Throws Error: damage, or somebody else has it. `lenient`: is told of damage that others
  /// can be read in spite of, and the files stay as they are; null: none is accepted.
  JournalFile(const JournalFolder& folder, const char* vfs, const OnDamage& lenient)
      : JournalFile(folder.disk(), folder.paths(), vfs, lenient) {}
  JournalFile(JournalDisk& disk, const JournalPaths& paths, const char* vfs,
              const OnDamage& lenient);
  Database database;
  JournalIdentity identity;
  JournalState state;
  bool torn = false;
};

/// The room that is kept for settling: a file that takes space and goes when it is needed.
class JournalReserve {
 public:
  JournalReserve(JournalDisk& disk, std::string path, std::uint64_t bytes);
  [[nodiscard]] bool is_held() const { return held_; }
  void give_up();
  /// Takes the space again if there is plenty.
  void take();

 private:
  JournalDisk& disk_;
  std::string path_;
  std::uint64_t bytes_;
  bool held_ = false;
};

class Journal::Parts {
 public:
  explicit Parts(const JournalOptions& options);
  ~Parts();
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  Append append(const core::JournalTurn& turn);
  void sync();
  void forget(core::WallMs older_than);
  bool tidy();
  [[nodiscard]] JournalStats stats();
  [[nodiscard]] OnDamage refuse() const;

  JournalOptions options;
  JournalFolder folder;
  JournalFile file;
  JournalFacts facts;
  JournalState state;
  JournalReserve reserve;
  std::string trouble;

 private:
  void start();
  void check_alive() const;
  bool try_append(const core::JournalTurn& turn);
  void write(const core::JournalTurn& turn);
  void write_tasks(const core::JournalTurn& turn);
  void write_batch(std::uint64_t first, core::WallMs now_ms);
  void write_change(const core::JournalChange& change);
  void write_dedup(const core::JournalTurn& turn);
  void free_pages();
  bool checkpoint_if(int pages);
  void take_back(const JournalState& before);
  [[noreturn]] void broke(const DatabaseError& error);

  // One piece of free space is given back in a turn; more would hold it up.
  static constexpr std::uint64_t kPagesFreedPerTurn = 32;
  static constexpr std::uint64_t kTurnsBetweenLooks = 64;

  Database& database_;
  JournalBatches batches_;
  Statement begin_, commit_, put_batch_, update_change_, insert_change_, drop_changes_, put_dedup_,
      put_state_, put_worker_, drop_worker_, free_count_, page_count_, free_some_;
  BatchWriter writer_;
  std::vector<std::byte> keys_, answers_;
  std::string broken_;
  bool freeing_ = false;
  std::uint64_t turns_ = 0, syncs_ = 0, checkpoints_ = 0;
};

}  // namespace sluice::store
