// journal_schema.cpp: making tables, and seeing that they are ours.
// SPDX-License-Identifier: MIT
#include "store/journal_schema.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "store/journal_crc.hpp"

namespace sluice::store {
namespace {

constexpr std::uint32_t kApplicationId = 0x534c4a31;  // "SLJ1"
// A change of the tables, or of the bytes in them, needs the next number, and a golden journal of
// this one that is still read.
constexpr std::uint32_t kVersion = 1;

constexpr std::string_view kTables[] = {
    "CREATE TABLE journal(id INTEGER PRIMARY KEY CHECK(id=1), log BLOB, created_ms INTEGER, "
    "inode INTEGER, born_ns INTEGER, sync INTEGER, crc INTEGER)",
    "CREATE TABLE state(id INTEGER PRIMARY KEY CHECK(id=1), epoch INTEGER, turn INTEGER, "
    "numbers_reserved INTEGER, dispatched_up_to INTEGER, tasks INTEGER, seq_sum INTEGER, "
    "batches INTEGER, part_settled INTEGER, changes INTEGER, dedups INTEGER, crc INTEGER)",
    "CREATE TABLE batch(first INTEGER PRIMARY KEY, count INTEGER, accepted_ms INTEGER, "
    "crc INTEGER, tasks BLOB)",
    "CREATE TABLE settled(first INTEGER PRIMARY KEY, crc INTEGER, bits BLOB)",
    "CREATE TABLE change(seq INTEGER PRIMARY KEY, executions INTEGER, failures INTEGER, "
    "losses INTEGER, flags INTEGER, not_before_ms INTEGER, status INTEGER, why TEXT, "
    "crc INTEGER)",
    "CREATE TABLE dedup(turn INTEGER PRIMARY KEY, since_ms INTEGER, crc INTEGER, keys BLOB, "
    "answers BLOB)",
    "CREATE TABLE worker(boot BLOB PRIMARY KEY)",
};

std::string all_tables() {
  std::string all;
  for (const std::string_view table : kTables) all += std::string(table) + "\n";
  return all;
}

std::uint32_t crc_of(const JournalIdentity& one) {
  std::uint32_t crc = crc32c(0, std::as_bytes(std::span(one.log)));
  for (const std::uint64_t value :
       {one.created_ms, one.inode, one.born_ns, static_cast<std::uint64_t>(one.sync)})
    crc = crc32c(crc, value);
  return crc;
}

std::array<std::uint64_t, 10> values_of(const JournalState& state) {
  return {core::raw(state.epoch),
          state.turn,
          core::raw(state.numbers_reserved),
          core::raw(state.dispatched_up_to),
          state.tasks,
          state.seq_sum,
          state.batches,
          state.part_settled,
          state.changes,
          state.dedups};
}
std::uint32_t crc_of(const JournalState& state) {
  std::uint32_t crc = 0;
  for (const std::uint64_t value : values_of(state)) crc = crc32c(crc, value);
  return crc;
}

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  throw DatabaseError(DatabaseError::Kind::damaged,
                      path + ": " + what +
                          "; restore the folder from a copy; \"sluice journal dump\" shows what "
                          "can still be read");
}

void make_tables(Database& database, const JournalIdentity& identity) {
  database.run("BEGIN IMMEDIATE");
  for (const std::string_view table : kTables) database.run(std::string(table));
  database.run("INSERT INTO journal(id) VALUES(1)");
  database.run("INSERT INTO state(id) VALUES(1)");
  write_identity(database, identity);
  Statement state(database, kWriteState);
  write_state(state, JournalState{});
  database.run("PRAGMA application_id=" + std::to_string(kApplicationId));
  database.run("PRAGMA user_version=" + std::to_string(kVersion));
  database.run("COMMIT");
}

std::uint32_t big_endian(const char* at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

}  // namespace

void create_journal(JournalDisk& disk, const std::string& folder, const core::Log& log,
                    core::WallMs now_ms, std::uint32_t page_bytes, const char* vfs) {
  const JournalPaths paths(folder);
  for (const char* end : {"", "-wal", "-journal"})
    disk.remove(paths.fresh + end);  // of one that did not live to finish it
  if (disk.create(paths.fresh) != 0)
    throw Error("cannot create the journal " + paths.database + ": " + std::strerror(errno) +
                "; the folder must be readable and writable for this user");
  {
    JournalIdentity identity;
    identity.log = log;
    identity.created_ms = now_ms;
    identify(disk, paths.fresh, identity);
    Database database(paths.fresh, vfs);
    database.run("PRAGMA page_size=" + std::to_string(page_bytes));
    database.run("PRAGMA auto_vacuum=INCREMENTAL");
    database.run("PRAGMA locking_mode=EXCLUSIVE");
    make_tables(database, identity);
    database.run("PRAGMA journal_mode=WAL");
  }
  if (disk.rename(paths.fresh, paths.database) != 0)
    throw Error("cannot give the journal its name, " + paths.database + ": " +
                std::strerror(errno));
  disk.sync_folder(folder);
}

void check_header(JournalDisk& disk, const std::string& path) {
  std::array<char, 100> head{};
  const std::unique_ptr<File> file = disk.open_to_read(path);
  if (!file)
    throw Error("cannot open the journal " + path + ": " + std::strerror(errno) +
                "; the folder and its files must be readable and writable for this user");
  const ssize_t read = file->read_at(head.data(), head.size(), 0);
  const std::size_t got = read > 0 ? static_cast<std::size_t>(read) : 0;
  constexpr char kMagic[] = "SQLite format 3";  // with its zero
  if (got < head.size())
    damaged(path, "only " + std::to_string(got) + " bytes are left of the journal");
  if (std::memcmp(head.data(), kMagic, sizeof kMagic) != 0 ||
      big_endian(head.data() + 68) != kApplicationId)
    throw Error(path +
                " is not a journal of sluice, or its first page is damaged: choose another "
                "folder, or restore it from a copy");
  const std::uint32_t version = big_endian(head.data() + 60);
  if (version > kVersion)
    throw Error("the journal " + path + " is of version " + std::to_string(version) +
                ", made by a newer sluice; this one reads version " + std::to_string(kVersion) +
                ": use the newer one");
  if (version != kVersion) damaged(path, "the version in its first page is 0");
}

void prepare_database(Database& database) {
  database.run("PRAGMA locking_mode=EXCLUSIVE");  // before all else: then there is no -shm file
  database.run("PRAGMA cell_size_check=ON");
  database.run("PRAGMA trusted_schema=OFF");
  database.run("PRAGMA mmap_size=0");
  database.run("PRAGMA temp_store=MEMORY");
  database.run("PRAGMA cache_size=-32768");
  if (database.text("PRAGMA journal_mode=WAL") != "wal")
    damaged(database.path(), "it is not in WAL mode any more");
  database.run("PRAGMA synchronous=FULL");
  const std::string tables = database.text(
      "SELECT group_concat(sql || char(10), '') FROM (SELECT sql FROM sqlite_schema "
      "ORDER BY rowid)");
  if (tables != all_tables()) damaged(database.path(), "its tables are not as sluice makes them");
}

void identify(JournalDisk& disk, const std::string& path, JournalIdentity& identity) {
  const auto node = disk.look(path);
  if (!node) throw Error("cannot look at the journal " + path + ": " + std::strerror(errno));
  identity.inode = node->inode;
  identity.born_ns = node->born_ns;
}

// The device is no witness: its number changes with the host and with each mount.
bool is_copy(JournalDisk& disk, const std::string& path, const JournalIdentity& identity) {
  JournalIdentity now;
  identify(disk, path, now);
  return now.inode != identity.inode ||
         (now.born_ns != 0 && identity.born_ns != 0 && now.born_ns != identity.born_ns);
}

JournalIdentity read_identity(Database& database) {
  Statement row(database, "SELECT log,created_ms,inode,born_ns,sync,crc FROM journal WHERE id=1");
  JournalIdentity out;
  if (!row.step() || row.bytes(0).size() != out.log.size())
    damaged(database.path(), "the row of the table journal is missing or damaged");
  std::memcpy(out.log.data(), row.bytes(0).data(), out.log.size());
  out.created_ms = row.number(1);
  out.inode = row.number(2);
  out.born_ns = row.number(3);
  out.sync = static_cast<JournalSync>(std::min<std::uint64_t>(row.number(4), 255));
  if (crc_of(out) != row.number(5) || out.sync > JournalSync::never)
    damaged(database.path(), "the row of the table journal is damaged");
  return out;
}

void write_identity(Database& database, const JournalIdentity& identity) {
  Statement row(database,
                "UPDATE journal SET log=?, created_ms=?, inode=?, born_ns=?, sync=?, crc=? "
                "WHERE id=1");
  row.bind(1, std::as_bytes(std::span(identity.log)))
      .bind(2, identity.created_ms)
      .bind(3, identity.inode)
      .bind(4, identity.born_ns)
      .bind(5, static_cast<std::uint64_t>(identity.sync))
      .bind(6, std::uint64_t{crc_of(identity)})
      .run();
}

JournalState read_state(Database& database) {
  Statement row(database,
                "SELECT epoch,turn,numbers_reserved,dispatched_up_to,tasks,seq_sum,batches,"
                "part_settled,changes,dedups,crc FROM state WHERE id=1");
  if (!row.step()) damaged(database.path(), "the row of the table state is missing");
  JournalState out;
  out.epoch = static_cast<core::Epoch>(row.number(0));
  out.turn = row.number(1);
  out.numbers_reserved = static_cast<core::Seq>(row.number(2));
  out.dispatched_up_to = static_cast<core::Seq>(row.number(3));
  out.tasks = row.number(4);
  out.seq_sum = row.number(5);
  out.batches = row.number(6);
  out.part_settled = row.number(7);
  out.changes = row.number(8);
  out.dedups = row.number(9);
  if (crc_of(out) != row.number(10))
    damaged(database.path(), "the row of the table state is damaged");
  return out;
}

void write_state(Statement& statement, const JournalState& state) {
  int at = 0;
  for (const std::uint64_t value : values_of(state)) statement.bind(++at, value);
  statement.bind(++at, std::uint64_t{crc_of(state)}).run();
}

std::string_view to_string(JournalSync sync) {
  return sync == JournalSync::always ? "always" : sync == JournalSync::interval ? "ms" : "never";
}

}  // namespace sluice::store
