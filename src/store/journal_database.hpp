// journal_database.hpp: SQLite, as far as the journal uses it; its errors end here.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <sluice/error.hpp>

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::store {

/// What SQLite could not do. The text names the file, the reason and the cure.
class DatabaseError : public Error {
 public:
  /// What it means for the file's user.
  enum class Kind : std::uint8_t {
    full,     ///< no room on the disk, or in a quota
    damaged,  ///< the file is not what it should be
    in_use,   ///< another program has it open
    denied,   ///< may not be opened, or not be written
    failed,   ///< everything else: reading, writing or syncing went wrong
  };
  DatabaseError(Kind kind, const std::string& what) : Error(what), kind_(kind) {}
  [[nodiscard]] Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

class Statement;

/// One connection, for one thread. The file must exist.
class Database {
 public:
  /// `vfs`: the name of an SQLite VFS, or null for the system's own. Throws DatabaseError, as
  /// all its functions do.
  Database(const std::string& path, const char* vfs);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Statements without parameters; what they answer is dropped.
  void run(const std::string& sql);
  /// The first number that a query answers, 0 if none.
  [[nodiscard]] std::uint64_t number(const std::string& sql);
  /// The first text.
  [[nodiscard]] std::string text(const std::string& sql);

  /// Makes what was committed durable, whatever `synchronous` is.
  void sync();
  /// Moves what is committed into the main file. True if all was; false if there was no need.
  bool checkpoint();
  /// Pages that wait in the -wal file for a checkpoint.
  [[nodiscard]] int wal_pages() const { return wal_pages_; }
  [[nodiscard]] bool in_transaction() const;
  [[nodiscard]] std::uint64_t changed_rows() const;  ///< by the last statement
  /// Whether the -wal file stays as it is when this is closed.
  void leave_wal(bool leave);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[noreturn]] void fail(int code, const std::string& what) const;

 private:
  friend class Statement;
  std::string path_;
  sqlite3* db_ = nullptr;
  int wal_pages_ = 0;
};

/// A prepared statement. Bound bytes must live until it has run.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int at, std::uint64_t value);
  Statement& bind(int at, std::span<const std::byte> bytes);
  Statement& bind(int at, std::string_view text);
  /// True if there is a row to look at; false at the end, when it is ready to be used again.
  [[nodiscard]] bool step();
  /// To its end, rows or none.
  void run();
  /// Ready to be used again, wherever it stands.
  void reset();

  [[nodiscard]] std::uint64_t number(int column) const;
  [[nodiscard]] bool is_null(int column) const;
  /// Good until the next step.
  [[nodiscard]] std::span<const std::byte> bytes(int column) const;
  [[nodiscard]] std::string_view text(int column) const;

 private:
  void check(int code);
  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace sluice::store
