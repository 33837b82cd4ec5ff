// journal_schema.hpp: the tables of a journal, the two rows that speak of all others.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "core/ids.hpp"
#include "core/journal_record.hpp"
#include "store/journal_database.hpp"
#include "store/journal_disk.hpp"

namespace sluice::store {

/// When what was appended is safe from a power failure.
enum class JournalSync : std::uint8_t {
  always,    ///< when append() returns
  interval,  ///< when sync() returns; the ventilator calls it every so many milliseconds
  never,     ///< when the system likes, and at checkpoints
};

/// The row of the table `journal`: what stays as it is.
struct JournalIdentity {
  core::Log log{};
  core::WallMs created_ms = 0;
  std::uint64_t inode = 0;    ///< of the file it lies in; another one means a copy
  std::uint64_t born_ns = 0;  ///< when that file was made; 0 if the file system does not say
  JournalSync sync{};         ///< of the run that had it open last
};

/// The row of the table `state`: rewritten by every turn. The counts are what tells that rows
/// have vanished.
struct JournalState {
  core::Epoch epoch{};
  std::uint64_t turn = 0;
  core::Seq numbers_reserved{};
  core::Seq dispatched_up_to{};
  std::uint64_t tasks = 0;         ///< unsettled
  std::uint64_t seq_sum = 0;       ///< of their numbers, modulo 2^64
  std::uint64_t batches = 0;       ///< rows of `batch`
  std::uint64_t part_settled = 0;  ///< rows of `settled`
  std::uint64_t changes = 0;       ///< rows of `change`
  std::uint64_t dedups = 0;        ///< rows of `dedup`

  friend bool operator==(const JournalState&, const JournalState&) = default;
};

/// Where things lie in a journal's folder.
struct JournalPaths {
  explicit JournalPaths(const std::string& folder)
      : database(folder + "/journal.db"),
        wal(database + "-wal"),
        fresh(database + ".new"),
        next(database + ".next"),
        ready(database + ".ready"),
        reserve(folder + "/reserve") {}
  std::string database, wal, fresh, next, ready, reserve;
};

/// Makes an empty journal under a name of its own and then gives it its name: a file of that
/// name is always whole. Throws Error.
void create_journal(JournalDisk& disk, const std::string& folder, const core::Log& log,
                    core::WallMs now_ms, std::uint32_t page_bytes, const char* vfs);
/// Looks at the file's first bytes only. Throws Error unless it is a journal of this version.
void check_header(JournalDisk& disk, const std::string& path);
/// What SQLite is to do with an open journal; throws Error unless all tables are as they were made.
void prepare_database(Database& database);

/// Of a file: inode and time of birth.
void identify(JournalDisk& disk, const std::string& path, JournalIdentity& identity);
/// Whether the file is another one than it says of itself.
[[nodiscard]] bool is_copy(JournalDisk& disk, const std::string& path,
                           const JournalIdentity& identity);
/// Rows whose checksum is wrong are an Error.
[[nodiscard]] JournalIdentity read_identity(Database& database);
void write_identity(Database& database, const JournalIdentity& identity);
[[nodiscard]] JournalState read_state(Database& database);
/// Through a statement that is kept: it runs in each turn.
inline constexpr std::string_view kWriteState =
    "UPDATE state SET epoch=?1, turn=?2, numbers_reserved=?3, dispatched_up_to=?4, tasks=?5, "
    "seq_sum=?6, batches=?7, part_settled=?8, changes=?9, dedups=?10, crc=?11 WHERE id=1";
void write_state(Statement& statement, const JournalState& state);

[[nodiscard]] std::string_view to_string(JournalSync sync);

}  // namespace sluice::store
