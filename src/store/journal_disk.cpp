// journal_disk.cpp: the machine's own files.
// SPDX-License-Identifier: MIT
#include "store/journal_disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "store/journal_lock.hpp"

namespace sluice::store {
namespace {

class RealDisk final : public JournalDisk {
 public:
  std::optional<Node> look(const std::string& path) override {
    struct statx info {};
    if (::statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS | STATX_BTIME, &info) != 0)
      return std::nullopt;
    Node node;
    node.is_folder = S_ISDIR(info.stx_mode);
    node.bytes = info.stx_size;
    node.inode = info.stx_ino;
    if ((info.stx_mask & STATX_BTIME) != 0)
      node.born_ns = static_cast<std::uint64_t>(info.stx_btime.tv_sec) * 1'000'000'000U +
                     info.stx_btime.tv_nsec;
    return node;
  }
  int make_folder(const std::string& path) override { return ::mkdir(path.c_str(), 0700); }
  void sync_folder(const std::string& path) override { store::sync_folder(path); }
  std::shared_ptr<void> lock(const std::string& folder, const std::string& who) override {
    return std::make_shared<JournalLock>(folder, who);
  }
  int create(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? -1 : ::close(fd);
  }
  std::unique_ptr<File> open_to_read(const std::string& path) override {
    return Directory::real().open_to_read(path);
  }
  int remove(const std::string& path) override { return ::unlink(path.c_str()); }
  int rename(const std::string& from, const std::string& to) override {
    return std::rename(from.c_str(), to.c_str());
  }
  std::uint64_t free_bytes(const std::string& folder) override {
    struct statvfs info {};
    if (::statvfs(folder.c_str(), &info) != 0) return 0;
    return std::uint64_t{info.f_bavail} * info.f_frsize;
  }
  int allocate(const std::string& path, std::uint64_t bytes) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return -1;
    const int error = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
    ::close(fd);
    if (error == 0) return 0;
    ::unlink(path.c_str());
    errno = error;
    return -1;
  }
};

}  // namespace

JournalDisk& JournalDisk::real() {
  static RealDisk disk;
  return disk;
}

}  // namespace sluice::store
