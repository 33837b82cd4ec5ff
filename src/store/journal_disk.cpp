// journal_disk.cpp: the machine's own files.
// SPDX-License-Identifier: MIT
#include "store/journal_disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "store/journal_lock.hpp"

namespace sluice::store {
namespace {

constexpr std::size_t kPiece = 256 * 1024;

struct UniqueFile {
  explicit UniqueFile(int its_fd) : fd(its_fd) {}
  ~UniqueFile() {
    if (fd >= 0) ::close(fd);
  }
  UniqueFile(const UniqueFile&) = delete;
  UniqueFile& operator=(const UniqueFile&) = delete;
  const int fd;
};

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
  int write_anew(const std::string& path) override {
    const UniqueFile file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (file.fd < 0) return -1;
    std::vector<char> piece(kPiece);
    for (off_t at = 0;;) {
      const ssize_t got = ::pread(file.fd, piece.data(), piece.size(), at);
      if (got == 0) return ::fsync(file.fd);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return -1;
      const ssize_t put = ::pwrite(file.fd, piece.data(), static_cast<std::size_t>(got), at);
      if (put < 0 && errno != EINTR) return -1;
      at += std::max<ssize_t>(put, 0);
    }
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
