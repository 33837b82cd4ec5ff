// journal_disk.cpp: files as the process sees them, and as the disk has them.
// SPDX-License-Identifier: MIT
#include "sim/journal_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sluice/error.hpp>

#include "sim/process.hpp"

namespace sluice::sim {
namespace {

constexpr std::uint64_t kPlenty = 1ULL << 40;
constexpr std::size_t kSector = 512;

void apply(std::string& to, const JournalDisk::Write& write, std::size_t bytes) {
  const auto at = static_cast<std::size_t>(write.at);
  if (write.truncates) return to.resize(at);
  if (to.size() < at + bytes) to.resize(at + bytes);
  to.replace(at, bytes, write.bytes, 0, bytes);
}

class Reader final : public store::File {
 public:
  explicit Reader(std::shared_ptr<JournalDisk::Content> content) : content_(std::move(content)) {}
  ssize_t read_at(char* to, std::size_t bytes, std::uint64_t at) override {
    const std::string& from = content_->written;
    if (at >= from.size()) return 0;
    const std::size_t count = std::min<std::size_t>(bytes, from.size() - at);
    std::memcpy(to, from.data() + at, count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write_at(const char*, std::size_t, std::uint64_t) override { return -1; }
  int truncate(std::uint64_t) override { return -1; }
  int sync() override { return -1; }

 private:
  const std::shared_ptr<JournalDisk::Content> content_;
};

}  // namespace

// --- names ----------------------------------------------------------------------

void JournalDisk::die_here() {
  if (!goes_on()) throw Crash{};
}

std::shared_ptr<JournalDisk::Content> JournalDisk::find(const std::string& path) const {
  const auto at = names_.find(path);
  return at == names_.end() ? nullptr : at->second;
}

std::shared_ptr<JournalDisk::Content> JournalDisk::find_or_make(const std::string& path) {
  std::shared_ptr<Content>& content = names_[path];
  if (content == nullptr) {
    content = std::make_shared<Content>();
    content->inode = ++last_inode_;
  }
  return content;
}

std::optional<store::JournalDisk::Node> JournalDisk::look(const std::string& path) {
  Node node;
  errno = ENOENT;
  if (const auto content = find(path)) {
    node.bytes = content->written.size();
    node.inode = content->inode;
    return node;
  }
  node.is_folder = true;
  if (has_folder_ && path.find('/', 1) == std::string::npos) return node;
  return std::nullopt;
}

int JournalDisk::make_folder(const std::string&) {
  die_here();
  has_folder_ = true;
  return 0;
}

void JournalDisk::sync_folder(const std::string&) {
  die_here();
  durable_names_ = names_;
}

std::shared_ptr<void> JournalDisk::lock(const std::string& folder, const std::string&) {
  if (locked_) throw Error("the journal " + folder + " is in use");
  locked_ = true;
  return {this, [](JournalDisk* self) { self->locked_ = false; }};
}

int JournalDisk::create(const std::string& path) {
  die_here();
  if (names_.count(path) > 0) {
    errno = EEXIST;
    return -1;
  }
  find_or_make(path);
  return 0;
}

std::unique_ptr<store::File> JournalDisk::open_to_read(const std::string& path) {
  auto content = find(path);
  errno = ENOENT;
  return content == nullptr ? nullptr : std::make_unique<Reader>(std::move(content));
}

int JournalDisk::write_anew(const std::string& path) {
  die_here();
  Content& content = *find(path);
  content.since.push_back({0, content.written, false});
  content.since.push_back({content.written.size(), {}, true});
  die_here();
  return sync(path, content) ? 0 : -1;
}

int JournalDisk::remove(const std::string& path) {
  die_here();
  forget(path);
  return 0;
}

void JournalDisk::forget(const std::string& path) {
  if (const auto content = find(path)) left_ += content->written.size();
  names_.erase(path);
}

int JournalDisk::rename(const std::string& from, const std::string& to) {
  die_here();
  names_[to] = find_or_make(from);
  names_.erase(from);
  return 0;
}

std::uint64_t JournalDisk::free_bytes(const std::string&) { return full_ ? left_ : kPlenty; }

int JournalDisk::allocate(const std::string& path, std::uint64_t bytes) {
  die_here();
  if (full_ && left_ < bytes) {
    errno = ENOSPC;
    return -1;
  }
  if (full_) left_ -= bytes;
  find_or_make(path)->written.resize(bytes);
  return 0;
}

// --- bytes ----------------------------------------------------------------------

bool JournalDisk::goes_on() {
  ++writes_;
  if (!cut_off_ && dies_here && dies_here()) cut_off_ = true;
  return !cut_off_;
}

void JournalDisk::set_full(bool full) {
  full_ = full;
  left_ = 0;
}

bool JournalDisk::has_room_for(const Content& content, std::uint64_t end) {
  if (!full_ || end <= content.written.size()) return true;
  const std::uint64_t more = end - content.written.size();
  if (more > left_) return false;
  left_ -= more;
  return true;
}

void JournalDisk::write(Content& content, Write what) {
  if (what.truncates && what.at < content.written.size()) left_ += content.written.size() - what.at;
  apply(content.written, what, what.bytes.size());
  content.since.push_back(std::move(what));
}

bool JournalDisk::sync(const std::string& path, Content& content) {
  if (std::exchange(fail_sync_, false)) {
    if (random_.below(2) == 0) {
      lose_writes(content);
      content.written = content.durable;
    }
    content.since.clear();
    if (after_failed_sync) after_failed_sync();
    return false;
  }
  for (const Write& write : content.since) apply(content.durable, write, write.bytes.size());
  content.since.clear();
  if (!path.ends_with("-wal")) return true;
  durable_names_[path] = names_[path];  // SQLite syncs the folder with a new log
  if (after_sync) after_sync();
  return true;
}

// Of the last writes none, some or all have reached the disk, in any order, whole or not.
void JournalDisk::lose_writes(Content& content) {
  const std::uint64_t how = random_.below(4);
  for (const Write& write : content.since) {
    if (how == 0 || (how == 1 && random_.below(2) == 0)) continue;
    std::size_t bytes = write.bytes.size();
    if (how == 2 && random_.below(4) == 0)
      bytes = static_cast<std::size_t>(random_.below(bytes / kSector + 1)) * kSector;
    apply(content.durable, write, bytes);
    if (bytes < write.bytes.size()) break;
  }
  content.since.clear();
}

void JournalDisk::lose_power() {
  fail_sync_ = false;
  if (random_.below(2) == 0) names_ = durable_names_;
  durable_names_ = names_;
  for (auto& [path, content] : names_) {
    lose_writes(*content);
    content->written = content->durable;
  }
}

}  // namespace sluice::sim
