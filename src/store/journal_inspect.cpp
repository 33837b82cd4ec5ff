// journal_inspect.cpp: what `sluice journal` shows of a folder.
// SPDX-License-Identifier: MIT
#include "store/journal_inspect.hpp"

#include <limits>

#include <sys/stat.h>

#include "store/journal_parts.hpp"
#include "store/json_text.hpp"

namespace sluice::store {
namespace {

constexpr core::SeqRange kAll{core::Seq{},
                              static_cast<core::Seq>(std::numeric_limits<std::int64_t>::max())};

std::uint64_t size_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

JournalOptions to_look_at(const std::string& folder) {
  JournalOptions options;
  options.folder = folder;
  options.create = false;
  options.holder = "sluice journal";
  return options;
}

// A damaged row of state or journal is passed over with its checksum's complaint; what SQLite
// itself cannot read ends a walk, which is told as one more damage.
template <typename Walk>
void walk_on(const char* what, const OnDamage& on_damage, const Walk& walk) {
  try {
    walk();
  } catch (const DatabaseError& error) {
    if (error.kind() != DatabaseError::Kind::damaged) throw;
    on_damage(what, error.what());
  }
}

void field(std::string& out, const char* name, std::uint64_t value) {
  out += std::string(",\"") + name + "\":" + std::to_string(value);
}
void field(std::string& out, const char* name, std::string_view text) {
  out += std::string(",\"") + name + "\":";
  append_json_string(out, text);
}
void flag(std::string& out, const char* name, bool value) {
  if (value) out += std::string(",\"") + name + "\":true";
}

void task_line(std::string& out, const core::Log& log, const core::JournalTask& task,
               const core::JournalChange* change) {
  out = "{\"id\":\"" + core::display_id(log, task.seq) + "\"";
  field(out, "seq", core::raw(task.seq));
  field(out, "type", task.type);
  if (!task.key.empty()) field(out, "key", task.key);
  field(out, "accepted_ms", task.accepted_ms);
  const std::uint64_t not_before = change != nullptr ? change->not_before_ms : task.not_before_ms;
  if (not_before != 0) field(out, "not_before_ms", not_before);
  if (task.expires_ms != 0) field(out, "expires_ms", task.expires_ms);
  if (task.priority != 0) field(out, "priority", task.priority);
  field(out, "sink", task.sink);
  if (task.exec_ms != 0) field(out, "timeout_ms", task.exec_ms);
  field(out, "max_attempts", task.max_attempts);
  field(out, "max_losses", task.max_losses);
  field(out, "backoff_ms", task.backoff_ms);
  field(out, "backoff_most_ms", task.backoff_most_ms);
  flag(out, "wanted", change != nullptr ? change->wanted : task.wanted);
  if (change != nullptr) {
    field(out, "executions", change->executions);
    field(out, "failures", change->failures);
    field(out, "losses", change->losses);
    flag(out, "cancel_requested", change->cancel_requested);
    flag(out, "suspect", change->suspect);
    if (change->settling) {
      constexpr std::string_view kNames[] = {"done", "failed", "expired", "cancelled"};
      field(out, "settling", kNames[static_cast<std::size_t>(change->status) & 3U]);
      field(out, "error", change->why);
    }
  }
  const std::string_view payload = core::as_text(task.payload);
  if (is_utf8(payload)) {
    field(out, "payload", payload);
  } else {
    out += ",\"payload_base64\":";
    append_base64(out, payload);
  }
  out += '}';
}

}  // namespace

JournalInfo inspect_journal(const std::string& folder) {
  const JournalFolder locked(to_look_at(folder));
  JournalInfo out;
  out.file_bytes = size_of(locked.paths().database);
  out.wal_bytes = size_of(locked.paths().wal);
  JournalFile file(locked, nullptr, nullptr);
  file.database.leave_wal(true);
  out.identity = file.identity;
  out.state = file.state;
  out.torn = file.torn;
  out.free_bytes =
      file.database.number("PRAGMA freelist_count") * file.database.number("PRAGMA page_size");
  out.copied = is_copy(locked.disk(), locked.paths().database, file.identity);
  return out;
}

JournalCheck verify_journal(const std::string& folder, const OnDamage& on_damage) {
  JournalCheck out;
  const OnDamage count = [&](const std::string& row, const std::string& what) {
    ++out.damages;
    if (on_damage) on_damage(row, what);
  };
  const JournalFolder locked(to_look_at(folder));
  JournalFile file(locked, nullptr, count);
  walk_on("the pages", count, [&] {
    Statement check(file.database, "PRAGMA integrity_check");
    while (check.step())
      if (check.text(0) != "ok") count("the pages", std::string(check.text(0)));
  });
  JournalReader reader(file.database, count);
  const JournalVisitor nobody;
  walk_on("dedup", count, [&] { reader.dedups(nobody); });
  walk_on("batch", count, [&] { reader.tasks(kAll, nobody); });
  reader.compare(file.state, true);
  out.seen = reader.seen();
  out.orphans = reader.orphans();
  return out;
}

void dump_journal(const std::string& folder, const std::function<void(std::string_view line)>& each,
                  const OnDamage& on_damage) {
  const JournalFolder locked(to_look_at(folder));
  JournalFile file(locked, nullptr, on_damage);
  JournalReader reader(file.database, on_damage);
  JournalVisitor visitor;
  std::string line;
  visitor.task = [&](const core::JournalTask& task, const core::JournalChange* change) {
    task_line(line, file.identity.log, task, change);
    each(line);
  };
  walk_on("batch", on_damage, [&] { reader.tasks(kAll, visitor); });
  JournalState tasks_only = file.state;
  tasks_only.dedups = reader.seen().dedups;
  reader.compare(tasks_only, true);
}

JournalCompacted compact_journal(const std::string& folder) {
  const JournalFolder locked(to_look_at(folder));
  const JournalPaths& paths = locked.paths();
  JournalFile file(locked, nullptr, nullptr);
  JournalCompacted out;
  out.bytes_before = size_of(paths.database) + size_of(paths.wal);
  file.database.run("PRAGMA temp_store=FILE");  // or all of it would be in memory
  file.database.run("VACUUM");
  file.database.checkpoint();
  out.bytes_after = size_of(paths.database);
  return out;
}

}  // namespace sluice::store
