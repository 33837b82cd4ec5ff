// odd_vfs.hpp: a disk for SQLite that can be full, fail to sync, or lose its power.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

/// An SQLite VFS over the machine's own, registered under a name while it lives. One thread.
class OddVfs {
 public:
  OddVfs();
  ~OddVfs();
  OddVfs(const OddVfs&) = delete;
  OddVfs& operator=(const OddVfs&) = delete;
  [[nodiscard]] const char* name() const;

  /// What a file does instead, by the end of its name; an SQLite result code, 0: as usual.
  std::function<int(const std::string& path)> on_sync;
  std::function<int(const std::string& path, std::int64_t bytes, std::int64_t at)> on_write;

  /// From now on it is remembered what was synced and what was only written.
  void watch_power() { watching_ = true; }
  /// What a disk could hold if the power failed now: everything synced, and of what was written
  /// since then whatever `survives` says, write by write. Files by their path.
  [[nodiscard]] std::map<std::string, std::string> power_cut(
      const std::function<bool()>& survives) const;

  // For the functions that SQLite calls.
  struct Write {
    std::int64_t at = 0;
    std::string bytes;
    bool truncate = false;  // to `at`
  };
  struct Remembered {
    std::string durable;
    std::vector<Write> since;
  };
  [[nodiscard]] bool watching() const { return watching_; }
  std::map<std::string, Remembered> files;

 private:
  struct Registration;
  std::unique_ptr<Registration> registration_;
  bool watching_ = false;
};
