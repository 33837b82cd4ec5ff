// journal.hpp: where a ventilator keeps its tasks, so that they outlive it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/ids.hpp"
#include "core/journal_record.hpp"
#include "store/journal_disk.hpp"
#include "store/journal_reader.hpp"
#include "store/journal_schema.hpp"

namespace sluice::store {

/// What an owner of a journal wants to be asked, when a standby may take it over.
struct JournalOwner {
  std::shared_ptr<void> lock;  ///< of the folder, if it was taken before
  /// Called when the folder is locked, before anything else in it is looked at. May throw.
  std::function<void()> locked;
  /// Called before each transaction is begun; throws if this process may not write any more. The
  /// journal is not broken by that.
  std::function<void()> before_write;
};

struct JournalOptions {
  std::string folder;
  bool create = true;  ///< make the folder and the journal if they are not there
  JournalSync sync = JournalSync::always;
  /// 16 random bytes: the log of a journal that is created, or found to be a copy.
  core::Log fresh_log{};
  core::WallMs now_ms = 0;
  std::string holder = "sluice";    ///< who opens it, for whoever finds it locked
  std::uint32_t page_bytes = 4096;  ///< of a journal that is created
  int checkpoint_pages = 4000;      ///< of the -wal file, before they are moved to the main file
  /// Kept free for settling on a full disk: a quarter more than those pages, since the main file
  /// may have to grow by them before the -wal file can be used again. 0: none.
  std::uint64_t reserve_bytes = 20U << 20;
  const char* vfs = nullptr;    ///< an SQLite VFS by name: for tests, which break the disk
  JournalDisk* disk = nullptr;  ///< all else that is done to files: for the same; null: real
  JournalOwner owner{};         ///< for a journal that somebody may take over
};

/// What a journal is found to be when it is opened.
struct JournalFacts {
  core::Log log{};
  core::Epoch epoch{};           ///< of this opening: one more than ever before, durable
  core::Seq next_seq{};          ///< no number from here on was ever used
  core::Seq dispatched_up_to{};  ///< no task above was ever dispatched
  std::uint64_t tasks = 0;       ///< unsettled
  std::uint64_t batches = 0;
  bool created = false;
  bool copied = false;  ///< the file is a copy: `log` is new, `log_before` was the original's
  core::Log log_before{};
  /// The last turns were only half on the disk and are gone. With JournalSync::always it was one,
  /// which nobody was told of; otherwise all since the last sync() may be.
  bool torn = false;
};

struct JournalStats {
  std::uint64_t file_bytes = 0, wal_bytes = 0;
  std::uint64_t free_bytes = 0;  ///< within the file
  std::uint64_t tasks = 0, batches = 0, part_settled = 0, changes = 0, dedups = 0;
  std::uint64_t turns = 0;  ///< since it was opened
  std::uint64_t syncs = 0;  ///< asked for, in turns and between them
  std::uint64_t checkpoints = 0;
};

/// Keeps all that is to survive a ventilator in FOLDER/journal.db, an SQLite file.
///
/// A turn is appended whole or not at all, with one group commit. Who opens a journal has it
/// alone. Belongs to one thread. After an Error of append(), sync(), forget() or tidy() it is
/// broken for good, and every further call of these throws the same: what reached the disk is
/// known only to whoever opens it next. docs/JOURNAL.md has the tables and the reasons.
class Journal {
 public:
  /// Throws Error, with the cure: somebody has it, it is not a journal, or a newer one, it is
  /// damaged, the folder may not be written.
  explicit Journal(const JournalOptions& options);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  [[nodiscard]] const JournalFacts& facts() const;

  /// All unsettled tasks by number, which is the order in which each submitter sent them, and
  /// the dedup window. Streams: memory for one batch. Throws Error at the first damaged row, and
  /// at the end if rows are missing.
  void replay(const JournalVisitor& visitor);
  /// The same of the dedup window alone.
  void replay_dedups(const JournalVisitor& visitor);
  /// The rows of tasks in order, without their payloads: for backlogs larger than memory, of
  /// which only runs of numbers are kept. Throws as replay() does.
  void batches(const std::function<void(const JournalBatch&)>& each);
  /// The unsettled tasks of a run of numbers.
  void load(core::SeqRange range, const JournalVisitor& visitor);

  enum class Append : std::uint8_t {
    stored,  ///< durable, if `sync` is always
    full,    ///< nothing of it is in the journal: no room; see trouble()
  };
  /// Commits a turn. A turn for which the disk has no room is taken back whole; the same without
  /// its `tasks_taken` and `submits_answered` is worth another try, for settling frees room.
  /// Raised numbers are durable on return in any case, or they could be given away twice.
  [[nodiscard]] Append append(const core::JournalTurn& turn);
  /// Makes what was appended durable.
  void sync();
  /// False while the disk is so full that only settling should go on: take no more tasks. Said
  /// before append() has to say `full`, as long as the turns are smaller than the reserve.
  [[nodiscard]] bool has_room() const;
  /// Why there is no room, for people.
  [[nodiscard]] const std::string& trouble() const;
  /// Keys and answers older than that leave the dedup window. Those of unsettled tasks stay with
  /// their tasks.
  void forget(core::WallMs older_than);
  /// Does a bounded piece of what can wait: moves pages into the main file when there are many,
  /// gives free space back. To be called after a turn's sends, and when idle; true if there is
  /// more to do. append() does it when nobody else has for long.
  bool tidy();

  [[nodiscard]] JournalStats stats();

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::store
