// scratch_file.hpp: an input as a file, for readers that want a path.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "fuzz/fuzz.hpp"

namespace sluice::fuzz {

/// Lives in memory. Its path is good for this process, as long as the object lives.
class ScratchFile {
 public:
  explicit ScratchFile(std::string_view content) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    require(fd_ >= 0, "memory can be had as a file");
    const ssize_t written = ::pwrite(fd_, content.data(), content.size(), 0);
    require(written == static_cast<ssize_t>(content.size()), "memory can be written to");
  }
  ~ScratchFile() { ::close(fd_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace sluice::fuzz
