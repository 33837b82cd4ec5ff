// journal.cpp: opening a journal, and handing it out again.
// SPDX-License-Identifier: MIT
#include "store/journal.hpp"

#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "store/journal_fence.hpp"
#include "store/journal_parts.hpp"
#include "store/journal_wal.hpp"

namespace sluice::store {
namespace {

std::string why(int error) { return std::strerror(error); }
std::uint64_t size_of(JournalDisk& disk, const std::string& path) {
  const auto node = disk.look(path);
  return node ? node->bytes : 0;
}

// The folder must be there before it can be locked.
const std::string& prepared_folder(const JournalOptions& options) {
  JournalDisk& disk = disk_of(options);
  if (const auto node = disk.look(options.folder)) {
    if (!node->is_folder)
      throw Error("the journal " + options.folder + " is not a folder: choose another one");
    return options.folder;
  }
  if (!options.create) throw Error("there is no journal " + options.folder + ": " + why(errno));
  if (disk.make_folder(options.folder) != 0)
    throw Error("cannot make the folder of the journal, " + options.folder + ": " + why(errno) +
                "; choose one whose parent is there and may be written");
  disk.sync_folder(options.folder + "/..");
  return options.folder;
}

}  // namespace

// --- the folder ---------------------------------------------------------------

JournalFolder::JournalFolder(const JournalOptions& options)
    : disk_(disk_of(options)),
      paths_(prepared_folder(options)),
      lock_(options.owner.lock ? options.owner.lock : disk_.lock(options.folder, options.holder)) {
  if (options.owner.locked) options.owner.locked();
  finish_new_files(disk_, paths_);
  if (disk_.look(paths_.database)) {
    check_header(disk_, paths_.database);
    return;
  }
  if (disk_.look(paths_.wal))
    throw Error("the journal " + paths_.database + " is gone, but its " + paths_.wal +
                " is there: restore the folder from a copy");
  if (!options.create) throw Error("there is no journal in " + options.folder);
  create_journal(disk_, options.folder, options.fresh_log, options.now_ms, options.page_bytes,
                 options.vfs);
  created_ = true;
}

// SQLite cuts a -wal file at the first broken frame, so it is looked at before.
JournalFile::JournalFile(JournalDisk& disk, const JournalPaths& paths, const char* vfs,
                         const OnDamage& lenient)
    : database(paths.database, vfs) {
  const WalTail tail = look_at_wal(disk, paths.wal);
  torn = tail.kind != WalTail::Kind::whole;
  if (torn || lenient) database.leave_wal(true);
  prepare_database(database);
  const auto unless_lenient = [&lenient](const char* what, const auto& read) {
    try {
      read();
    } catch (const DatabaseError& error) {
      if (!lenient || error.kind() != DatabaseError::Kind::damaged) throw;
      lenient(what, error.what());
    }
  };
  unless_lenient("journal", [this] { identity = read_identity(database); });
  unless_lenient("state", [this] { state = read_state(database); });
  // Turns that are not synced one by one may reach the disk in any order.
  if (tail.kind == WalTail::Kind::hole && identity.sync == JournalSync::always)
    unless_lenient("the -wal file", [&] {
      throw DatabaseError(DatabaseError::Kind::damaged,
                          paths.wal + " is damaged at byte " + std::to_string(tail.first_bad_byte) +
                              ", and what was confirmed lies behind that: restore the folder from "
                              "a copy; docs/JOURNAL.md says how to go on with what lies before");
    });
  if (!lenient) database.leave_wal(false);
}

// --- the reserve --------------------------------------------------------------

JournalReserve::JournalReserve(JournalDisk& disk, std::string path, std::uint64_t bytes)
    : disk_(disk), path_(std::move(path)), bytes_(bytes) {
  held_ = size_of(disk_, path_) >= bytes_;
  take();
}

void JournalReserve::give_up() {
  disk_.remove(path_);
  held_ = false;
}

void JournalReserve::take() {
  held_ = held_ || bytes_ == 0;
  if (held_) return;
  // Taken and given up in turns, it would be of no use.
  if (disk_.free_bytes(path_.substr(0, path_.rfind('/'))) < 2 * bytes_) return;
  held_ = disk_.allocate(path_, bytes_) == 0;
}

// After a failed fsync kernels still show what they could not write, and forget that it is not on
// the disk: what a new life finds in the -wal file might be gone after the next power failure. (Of
// the main file nothing is lost: its pages are in the -wal file until they are synced.)
const JournalFolder& written_anew(const JournalFolder& folder) {
  const std::string& wal = folder.paths().wal;
  if (folder.disk().look(wal) && folder.disk().write_anew(wal) != 0)
    throw Error("cannot write " + wal + " anew: " + why(errno) + "; check the disk");
  return folder;
}

// --- opening --------------------------------------------------------------------

Journal::Parts::Parts(const JournalOptions& wanted)
    : options(wanted),
      folder(options),
      file(written_anew(folder), options.vfs, nullptr),
      state(file.state),
      reserve(folder.disk(), folder.paths().reserve, options.reserve_bytes),
      database_(file.database),
      batches_(database_),
      begin_(database_, "BEGIN IMMEDIATE"),
      commit_(database_, "COMMIT"),
      put_batch_(database_,
                 "INSERT INTO batch(first,count,accepted_ms,crc,tasks) VALUES(?,?,?,?,?)"),
      update_change_(database_,
                     "UPDATE change SET executions=?2, failures=?3, losses=?4, flags=?5, "
                     "not_before_ms=?6, status=?7, why=?8, crc=?9 WHERE seq=?1"),
      insert_change_(database_,
                     "INSERT INTO change(seq,executions,failures,losses,flags,not_before_ms,"
                     "status,why,crc) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"),
      drop_changes_(database_, "DELETE FROM change WHERE seq BETWEEN ? AND ?"),
      put_dedup_(database_, "INSERT INTO dedup(turn,since_ms,crc,keys,answers) VALUES(?,?,?,?,?)"),
      put_state_(database_, kWriteState),
      put_worker_(database_, "INSERT OR IGNORE INTO worker(boot) VALUES(?)"),
      drop_worker_(database_, "DELETE FROM worker WHERE boot=?"),
      free_count_(database_, "PRAGMA freelist_count"),
      page_count_(database_, "PRAGMA page_count"),
      free_some_(database_,
                 "PRAGMA incremental_vacuum(" + std::to_string(kPagesFreedPerTurn) + ")") {
  try {
    if (options.owner.before_write) options.owner.before_write();
    start();
  } catch (const DatabaseError&) {
    database_.leave_wal(true);
    throw;
  }
}

Journal::Parts::~Parts() {
  // SQLite would remove the -wal file by its name, and that may be another owner's by then.
  if (options.owner.before_write) database_.leave_wal(true);
  // After a failed sync nobody knows which pages of the -wal file can still be read.
  if (!broken_.empty()) database_.leave_wal(true);
}

// A new epoch, durable before anybody can hear of it.
void Journal::Parts::start() {
  JournalIdentity now = file.identity;
  identify(folder.disk(), folder.paths().database, now);
  facts.copied = is_copy(folder.disk(), folder.paths().database, file.identity);
  facts.created = folder.created();
  facts.torn = file.torn;
  facts.log_before = now.log;
  if (facts.copied) now.log = options.fresh_log;
  now.sync = options.sync;
  state.epoch = core::next(state.epoch);
  const auto commit = [&] {
    begin_.run();
    write_identity(database_, now);
    write_state(put_state_, state);
    commit_.run();
  };
  // A turn larger than usual does not keep its room in the -wal file for ever.
  const auto usual = static_cast<std::uint64_t>(options.checkpoint_pages) *
                     database_.number("PRAGMA page_size") * 5 / 4;
  database_.run("PRAGMA journal_size_limit=" + std::to_string(usual));
  try {
    commit();
  } catch (const DatabaseError& error) {
    if (error.kind() != DatabaseError::Kind::full) throw;
    take_back(state);
    reserve.give_up();  // what is in it can still be settled
    commit();
  }
  database_.sync();
  folder.disk().sync_folder(options.folder);
  if (options.sync != JournalSync::always) database_.run("PRAGMA synchronous=NORMAL");
  facts.log = now.log;
  facts.epoch = state.epoch;
  facts.next_seq = core::next(state.numbers_reserved);
  facts.dispatched_up_to = state.dispatched_up_to;
  facts.tasks = state.tasks;
  facts.batches = state.batches;
}

OnDamage Journal::Parts::refuse() const {
  return [this](const std::string& row, const std::string& what) {
    throw DatabaseError(DatabaseError::Kind::damaged,
                        folder.paths().database + ": " + row + ": " + what +
                            "; restore the folder from a copy; \"sluice journal verify\" lists "
                            "all damage, \"sluice journal dump\" what can still be read");
  };
}

JournalStats Journal::Parts::stats() {
  JournalStats out;
  out.file_bytes = size_of(folder.disk(), folder.paths().database);
  out.wal_bytes = size_of(folder.disk(), folder.paths().wal);
  out.free_bytes = database_.number("PRAGMA freelist_count") * database_.number("PRAGMA page_size");
  out.tasks = state.tasks;
  out.batches = state.batches;
  out.part_settled = state.part_settled;
  out.changes = state.changes;
  out.dedups = state.dedups;
  out.turns = turns_;
  out.syncs = syncs_;
  out.checkpoints = checkpoints_;
  return out;
}

// --- the public face ------------------------------------------------------------

Journal::Journal(const JournalOptions& options) : parts_(std::make_unique<Parts>(options)) {}
Journal::~Journal() = default;

const JournalFacts& Journal::facts() const { return parts_->facts; }
bool Journal::has_room() const { return parts_->reserve.is_held(); }
const std::string& Journal::trouble() const { return parts_->trouble; }
Journal::Append Journal::append(const core::JournalTurn& turn) { return parts_->append(turn); }
void Journal::sync() { parts_->sync(); }
void Journal::forget(core::WallMs older_than) { parts_->forget(older_than); }
bool Journal::tidy() { return parts_->tidy(); }
JournalStats Journal::stats() { return parts_->stats(); }

void Journal::replay(const JournalVisitor& visitor) {
  JournalReader reader(parts_->file.database, parts_->refuse());
  reader.dedups(visitor);
  reader.tasks({core::Seq{}, static_cast<core::Seq>(std::numeric_limits<std::int64_t>::max())},
               visitor);
  reader.compare(parts_->state, true);
  reader.workers(visitor);
}

void Journal::replay_dedups(const JournalVisitor& visitor) {
  JournalReader(parts_->file.database, parts_->refuse()).dedups(visitor);
}

void Journal::batches(const std::function<void(const JournalBatch&)>& each) {
  JournalReader reader(parts_->file.database, parts_->refuse());
  reader.batches(each);
  reader.compare(parts_->state, false);
}

void Journal::load(core::SeqRange range, const JournalVisitor& visitor) {
  JournalReader(parts_->file.database, parts_->refuse()).tasks(range, visitor);
}

}  // namespace sluice::store
