// journal_database.cpp: thin over SQLite, and what its error codes mean.
// SPDX-License-Identifier: MIT
#include "store/journal_database.hpp"

#include <cerrno>
#include <cstring>

#include <sqlite3.h>

namespace sluice::store {
namespace {

using Kind = DatabaseError::Kind;

Kind kind_of(int code, int os_error) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Kind::full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT:  // a number is there twice
    case SQLITE_MISMATCH:
    case SQLITE_ERROR:  // a table or a column is not there
      return Kind::damaged;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Kind::in_use;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return Kind::denied;
    case SQLITE_IOERR:
      // SQLite knows ENOSPC only. A failed fsync is never "full": nobody knows what it kept.
      if (code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_CORRUPTFS) return Kind::damaged;
      if (code == SQLITE_IOERR_WRITE && (os_error == EDQUOT || os_error == EFBIG))
        return Kind::full;
      return Kind::failed;
    default:
      return Kind::failed;
  }
}

std::string cure(Kind kind) {
  switch (kind) {
    case Kind::full:
      return "; make room on that disk";
    case Kind::damaged:
      return "; restore the folder from a copy; \"sluice journal verify\" says what is damaged, "
             "\"sluice journal dump\" what can still be read";
    case Kind::in_use:
      return "; another program has the file open: end that one";
    case Kind::denied:
      return "; the folder and its files must be readable and writable for this user";
    case Kind::failed:
      return "; check the disk";
  }
  return {};
}

}  // namespace

Database::Database(const std::string& path, const char* vfs) : path_(path) {
  const int rc = sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                                 vfs);
  try {
    if (rc != SQLITE_OK) fail(rc, "cannot open it");
    sqlite3_extended_result_codes(db_, 1);
    // Instead of SQLite's own checkpoints, whose errors nobody would hear of.
    sqlite3_wal_hook(
        db_,
        [](void* self, sqlite3*, const char*, int pages) {
          static_cast<Database*>(self)->wal_pages_ = pages;
          return SQLITE_OK;
        },
        this);
  } catch (...) {
    sqlite3_close_v2(db_);
    throw;
  }
}

Database::~Database() { sqlite3_close_v2(db_); }

void Database::fail(int code, const std::string& what) const {
  const int os_error = db_ != nullptr ? sqlite3_system_errno(db_) : 0;
  const Kind kind = kind_of(code, os_error);
  std::string text = path_ + ": " + what + ": " + sqlite3_errstr(code);
  if (db_ != nullptr && sqlite3_errcode(db_) == (code & 0xff) &&
      std::string_view(sqlite3_errmsg(db_)) != sqlite3_errstr(code))
    text += std::string(" (") + sqlite3_errmsg(db_) + ")";
  if (os_error != 0 && kind != Kind::damaged && kind != Kind::in_use)
    text += std::string(", ") + std::strerror(os_error);
  throw DatabaseError(kind, text + cure(kind));
}

void Database::run(const std::string& sql) {
  const int rc = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) fail(sqlite3_extended_errcode(db_), "\"" + sql.substr(0, 40) + "\" failed");
}

std::uint64_t Database::number(const std::string& sql) {
  Statement query(*this, sql);
  return query.step() ? query.number(0) : 0;
}

std::string Database::text(const std::string& sql) {
  Statement query(*this, sql);
  return query.step() ? std::string(query.text(0)) : std::string();
}

void Database::sync() {
  sqlite3_file* wal = nullptr;
  const int rc = sqlite3_file_control(db_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
  if (rc != SQLITE_OK || wal == nullptr || wal->pMethods == nullptr) return;  // nothing written yet
  const int synced = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  if (synced != SQLITE_OK) fail(synced, "fsync failed");
}

bool Database::checkpoint() {
  if (wal_pages_ == 0) return false;
  int in_wal = 0, moved = 0;
  const int rc =
      sqlite3_wal_checkpoint_v2(db_, "main", SQLITE_CHECKPOINT_PASSIVE, &in_wal, &moved);
  if (rc != SQLITE_OK) fail(rc, "the checkpoint failed");
  wal_pages_ = in_wal - moved;
  return wal_pages_ == 0;
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

std::uint64_t Database::changed_rows() const {
  return static_cast<std::uint64_t>(sqlite3_changes64(db_));
}

void Database::leave_wal(bool leave) {
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave ? 1 : 0, nullptr);
}

// --- statements -------------------------------------------------------------

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  const int rc = sqlite3_prepare_v3(database.db_, sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  if (rc != SQLITE_OK)
    database.fail(sqlite3_extended_errcode(database.db_), "it is not as sluice has made it");
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::check(int code) {
  if (code != SQLITE_OK) database_.fail(code, "a value could not be bound");
}

Statement& Statement::bind(int at, std::uint64_t value) {
  check(sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(value)));
  return *this;
}

Statement& Statement::bind(int at, std::span<const std::byte> bytes) {
  static constexpr std::byte kNothing{};  // a null pointer would bind NULL
  check(sqlite3_bind_blob64(statement_, at, bytes.empty() ? &kNothing : bytes.data(), bytes.size(),
                            SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind(int at, std::string_view text) {
  check(sqlite3_bind_text64(statement_, at, text.empty() ? "" : text.data(), text.size(),
                            SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

bool Statement::step() {
  const int rc = sqlite3_step(statement_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) {
    reset();
    return false;
  }
  sqlite3_reset(statement_);  // repeats the error, and leaves it at the connection
  database_.fail(sqlite3_extended_errcode(database_.db_), "a step failed");
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() { sqlite3_reset(statement_); }

std::uint64_t Statement::number(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}
bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
std::span<const std::byte> Statement::bytes(int column) const {
  const void* const data = sqlite3_column_blob(statement_, column);
  return {static_cast<const std::byte*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}
std::string_view Statement::text(int column) const {
  const unsigned char* const data = sqlite3_column_text(statement_, column);
  return {reinterpret_cast<const char*>(data),
          data == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

}  // namespace sluice::store
