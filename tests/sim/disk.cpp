// disk.cpp: two states of each file: written, and durable.
// SPDX-License-Identifier: MIT
#include "sim/disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sluice/error.hpp>

namespace sluice::sim {

class DiskFile final : public store::File {
 public:
  DiskFile(Disk& disk, std::string path, bool alone)
      : disk_(disk), path_(std::move(path)), alone_(alone) {
    if (alone_) content().in_use = true;
  }
  ~DiskFile() override {
    if (alone_) content().in_use = false;
  }
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;

  ssize_t read_at(char* to, std::size_t bytes, std::uint64_t at) override {
    const std::string& from = content().written;
    if (at >= from.size()) return 0;
    const std::size_t count = std::min<std::size_t>(bytes, from.size() - at);
    std::memcpy(to, from.data() + at, count);
    return static_cast<ssize_t>(count);
  }

  ssize_t write_at(const char* from, std::size_t bytes, std::uint64_t at) override {
    if (disk_.before_write) disk_.before_write();
    if (disk_.full_) {
      // A part may still have fitted.
      bytes = static_cast<std::size_t>(disk_.random_.below(bytes));
      if (bytes == 0 || disk_.random_.below(2) == 0) {
        errno = ENOSPC;
        return -1;
      }
    }
    std::string& to = content().written;
    if (to.size() < at + bytes) to.resize(at + bytes);
    std::memcpy(to.data() + at, from, bytes);
    return static_cast<ssize_t>(bytes);
  }

  int truncate(std::uint64_t size) override {
    content().written.resize(size);
    return 0;
  }

  int sync() override {
    if (disk_.before_write) disk_.before_write();
    if (disk_.fail_sync_) {
      disk_.fail_sync_ = false;
      content().written = content().durable;  // the kernel has dropped the pages
      errno = EIO;
      return -1;
    }
    content().durable = content().written;
    if (disk_.after_sync) disk_.after_sync(path_);
    return 0;
  }

 private:
  Disk::Content& content() { return disk_.files_[path_]; }

  Disk& disk_;
  const std::string path_;
  const bool alone_;
};

std::unique_ptr<store::File> Disk::open_alone(const std::string& path, bool) {
  if (files_[path].in_use) throw Error("the outcome file " + path + " is in use");
  return std::make_unique<DiskFile>(*this, path, true);
}

std::unique_ptr<store::File> Disk::open_to_read(const std::string& path) {
  if (files_.count(path) == 0) return nullptr;
  return std::make_unique<DiskFile>(*this, path, false);
}

// Of what was appended since the last sync a part has reached the disk, perhaps as zeros.
void Disk::lose_power() {
  for (auto& [path, file] : files_) {
    const std::string_view written = file.written, durable = file.durable;
    if (written.size() > durable.size() && written.substr(0, durable.size()) == durable) {
      const std::size_t kept = random_.below(written.size() - durable.size() + 1);
      const bool as_zeros = random_.below(4) == 0;
      file.durable += as_zeros ? std::string(kept, '\0')
                               : std::string(written.substr(durable.size(), kept));
    }
    file.written = file.durable;
  }
}

std::string_view Disk::written(const std::string& path) const {
  const auto at = files_.find(path);
  return at == files_.end() ? std::string_view{} : std::string_view(at->second.written);
}

std::string_view Disk::durable(const std::string& path) const {
  const auto at = files_.find(path);
  return at == files_.end() ? std::string_view{} : std::string_view(at->second.durable);
}

}  // namespace sluice::sim
