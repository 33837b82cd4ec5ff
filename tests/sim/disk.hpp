// disk.hpp: a disk that forgets what was not synced, fills up, and fails.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/random.hpp"
#include "store/directory.hpp"

namespace sluice::sim {

/// The files of one host. A process that dies leaves what it wrote; a machine that stops leaves
/// what was synced, and of the rest whatever chance has it.
class Disk final : public store::Directory {
 public:
  explicit Disk(std::uint64_t seed) : random_(seed) {}

  std::unique_ptr<store::File> open_alone(const std::string& path, bool sync) override;
  std::unique_ptr<store::File> open_to_read(const std::string& path) override;

  /// From now on writes find no room (after some bytes, perhaps).
  void set_full(bool full) { full_ = full; }
  /// The next sync() fails, and what it was for is lost.
  void fail_next_sync() { fail_sync_ = true; }
  /// The machine stops.
  void lose_power();

  /// What a process would read.
  [[nodiscard]] std::string_view written(const std::string& path) const;
  /// What is on the disk for good.
  [[nodiscard]] std::string_view durable(const std::string& path) const;
  /// Called before each write and sync: the place for a crash.
  std::function<void()> before_write;
  /// Called after each sync, with the path.
  std::function<void(const std::string&)> after_sync;

 private:
  friend class DiskFile;
  struct Content {
    std::string written;        // what a reader sees
    std::string durable;        // what outlives the machine
    bool in_use = false;
  };
  std::map<std::string, Content> files_;
  core::Random random_;
  bool full_ = false, fail_sync_ = false;
};

}  // namespace sluice::sim
