// memory_disk.hpp: a disk in memory, on which a process can die at any moment, or the power go.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "store/directory.hpp"

/// Thrown by the operation at which the process dies.
struct Died {};

/// Files with contents and names, each as written and as durable. A death in an operation leaves
/// half of a write, and the rest not done; a power cut leaves what was synced of contents and of
/// names, or, of what was not, as much as `luck` gives (0 nothing, 2 all; 1 half of it, as zeros).
class MemoryDisk final : public sluice::store::Directory {
 public:
  using File = sluice::store::File;
  /// The process dies in the operation of this number, from 0; never if there are fewer.
  std::uint64_t die_at = ~0ULL;
  std::uint64_t operations = 0;

  std::unique_ptr<File> open_alone(const std::string& path, bool sync) override {
    auto file = open(path, false);
    if (sync) durable_names_[path] = names_[path];
    return file;
  }
  std::unique_ptr<File> open_to_read(const std::string& path) override {
    const auto at = names_.find(path);
    return at == names_.end() ? nullptr : std::make_unique<Handle>(*this, at->second);
  }
  std::unique_ptr<File> open_empty(const std::string& path) override {
    step();
    return open(path, true);
  }
  int rename(const std::string& from, const std::string& to) override {
    step();
    names_[to] = names_.at(from);
    names_.erase(from);
    return 0;
  }
  int sync_name(const std::string&) override {
    step();
    durable_names_ = names_;
    return 0;
  }

  void cut_power(int luck) {
    if (luck < 2) names_ = durable_names_;
    for (const auto& [path, inode] : names_) {
      Content& file = *inode;
      const std::size_t sure = std::min(file.durable.size(), file.written.size());
      if (luck == 2) {
        file.durable = file.written;
      } else if (luck == 1 && file.written.size() > sure) {
        file.durable.append((file.written.size() - sure) / 2, '\0');
      }
      file.written = file.durable;
    }
    durable_names_ = names_;
  }
  [[nodiscard]] std::string& content(const std::string& path) { return names_.at(path)->written; }
  [[nodiscard]] bool has(const std::string& path) const { return names_.count(path) > 0; }
  /// Another file gets this name, with the same bytes.
  void copy_in_place(const std::string& path) {
    const std::string bytes = content(path);
    names_.erase(path);
    static_cast<void>(open(path, true));
    content(path) = bytes;
  }

 private:
  struct Content {
    std::uint64_t number = 0;
    std::string written, durable;
  };
  using Inode = std::shared_ptr<Content>;

  class Handle final : public File {
   public:
    Handle(MemoryDisk& disk, Inode file) : disk_(disk), file_(std::move(file)) {}
    ssize_t read_at(char* to, std::size_t bytes, std::uint64_t at) override {
      if (at >= file_->written.size()) return 0;
      const std::size_t n = std::min<std::size_t>(bytes, file_->written.size() - at);
      std::memcpy(to, file_->written.data() + at, n);
      return static_cast<ssize_t>(n);
    }
    ssize_t write_at(const char* from, std::size_t bytes, std::uint64_t at) override {
      const auto put = [&](std::size_t n) {
        if (file_->written.size() < at + n) file_->written.resize(at + n);
        std::memcpy(file_->written.data() + at, from, n);
      };
      if (disk_.operations == disk_.die_at) put(bytes / 2);
      disk_.step();
      put(bytes);
      return static_cast<ssize_t>(bytes);
    }
    int truncate(std::uint64_t size) override {
      disk_.step();
      file_->written.resize(size);
      return 0;
    }
    int sync() override {
      disk_.step();
      file_->durable = file_->written;
      return 0;
    }
    sluice::store::FileIdentity identity() override { return {file_->number, 1}; }
    std::uint64_t size() override { return file_->written.size(); }

   private:
    MemoryDisk& disk_;
    const Inode file_;
  };

  void step() {
    if (operations++ == die_at) throw Died();
  }
  std::unique_ptr<File> open(const std::string& path, bool empty) {
    Inode& file = names_[path];
    if (file == nullptr) {
      file = std::make_shared<Content>();
      file->number = ++numbers_;
    }
    if (empty) file->written.clear();
    return std::make_unique<Handle>(*this, file);
  }

  std::map<std::string, Inode> names_, durable_names_;
  std::uint64_t numbers_ = 0;
};
