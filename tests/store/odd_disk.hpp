// odd_disk.hpp: the machine's own files, but a test says what fsync does.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "store/directory.hpp"

/// Files of the machine whose sync() calls `sync`.
class OddDisk final : public sluice::store::Directory {
 public:
  explicit OddDisk(std::function<int()> sync) : sync_(std::move(sync)) {}

  std::unique_ptr<sluice::store::File> open_alone(const std::string& path, bool sync) override {
    return std::make_unique<OddFile>(real().open_alone(path, sync), sync_);
  }
  std::unique_ptr<sluice::store::File> open_to_read(const std::string& path) override {
    return real().open_to_read(path);
  }

 private:
  class OddFile final : public sluice::store::File {
   public:
    OddFile(std::unique_ptr<sluice::store::File> file, std::function<int()> sync)
        : file_(std::move(file)), sync_(std::move(sync)) {}
    ssize_t read_at(char* to, std::size_t bytes, std::uint64_t at) override {
      return file_->read_at(to, bytes, at);
    }
    ssize_t write_at(const char* from, std::size_t bytes, std::uint64_t at) override {
      return file_->write_at(from, bytes, at);
    }
    int truncate(std::uint64_t size) override { return file_->truncate(size); }
    int sync() override { return sync_(); }

   private:
    std::unique_ptr<sluice::store::File> file_;
    std::function<int()> sync_;
  };

  std::function<int()> sync_;
};
