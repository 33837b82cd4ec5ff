// journal_disk.hpp: a disk for a journal that forgets what was not synced, fills up, and fails.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "store/journal_disk.hpp"

namespace sluice::sim {

/// The folder of a journal in memory, reached by SQLite through a VFS of its own. What a process
/// wrote outlives it; what was synced outlives the machine, and of the rest whatever chance has
/// it, write by write. Names are like that, too: they are durable when their folder was synced.
class JournalDisk final : public store::JournalDisk {
 public:
  explicit JournalDisk(std::uint64_t seed);
  ~JournalDisk() override;
  JournalDisk(const JournalDisk&) = delete;
  JournalDisk& operator=(const JournalDisk&) = delete;

  /// The name of the VFS.
  [[nodiscard]] const char* vfs() const;

  std::optional<Node> look(const std::string& path) override;
  int make_folder(const std::string& path) override;
  void sync_folder(const std::string& path) override;
  std::shared_ptr<void> lock(const std::string& folder, const std::string& who) override;
  int create(const std::string& path) override;
  std::unique_ptr<store::File> open_to_read(const std::string& path) override;
  int write_anew(const std::string& path) override;
  int remove(const std::string& path) override;
  int rename(const std::string& from, const std::string& to) override;
  std::uint64_t free_bytes(const std::string& folder) override;
  int allocate(const std::string& path, std::uint64_t bytes) override;

  /// From now on no file can grow, but for what others give up.
  void set_full(bool full);
  /// The next sync of a file fails. What it was for is lost, or stays where only reading finds
  /// it: a later sync says yes without it, as kernels do.
  void fail_next_sync() { fail_sync_ = true; }
  /// The machine stops. Nobody may have the files open.
  void lose_power();
  /// The process is dead: whatever it still does to close its files changes nothing.
  void cut_off() { cut_off_ = true; }
  /// Another process comes.
  void reconnect() { cut_off_ = false; }
  [[nodiscard]] bool is_cut_off() const { return cut_off_; }

  /// Asked before each write and sync; true: the process dies there.
  std::function<bool()> dies_here;
  /// After each sync of the -wal file.
  std::function<void()> after_sync;
  /// After each sync that has failed.
  std::function<void()> after_failed_sync;
  [[nodiscard]] std::uint64_t writes() const { return writes_; }

  // For the functions that SQLite calls.
  struct Write {
    std::uint64_t at = 0;
    std::string bytes;
    bool truncates = false;  // to `at`
  };
  struct Content {
    std::string written, durable;
    std::vector<Write> since;  // the last sync
    std::uint64_t inode = 0;
  };
  std::shared_ptr<Content> find(const std::string& path) const;
  std::shared_ptr<Content> find_or_make(const std::string& path);
  /// False: the process has died here, or before.
  [[nodiscard]] bool goes_on();
  [[nodiscard]] bool has_room_for(const Content& content, std::uint64_t end);
  void write(Content& content, Write what);
  /// False: it fails.
  [[nodiscard]] bool sync(const std::string& path, Content& content);
  void forget(const std::string& path);

 private:
  struct Registration;
  using Names = std::map<std::string, std::shared_ptr<Content>>;
  void die_here();
  void lose_writes(Content& content);

  std::unique_ptr<Registration> registration_;
  core::Random random_;
  Names names_, durable_names_;
  bool has_folder_ = false;
  bool locked_ = false, cut_off_ = false, full_ = false, fail_sync_ = false;
  std::uint64_t left_ = 0;  // bytes, when it is full
  std::uint64_t last_inode_ = 0, writes_ = 0;
};

}  // namespace sluice::sim
