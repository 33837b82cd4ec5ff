// small_disk.hpp: a file system that is soon full.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mount.h>

#include <filesystem>
#include <string>
#include <utility>

namespace sluice::e2e {

/// A tmpfs of `size` ("1m"), if this user may mount one; gone with the object.
class SmallDisk {
 public:
  SmallDisk(std::string path, const std::string& size) : path_(std::move(path)) {
    std::filesystem::create_directory(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + '/' + name; }

 private:
  std::string path_;
  bool mounted_ = false;
};

}  // namespace sluice::e2e
