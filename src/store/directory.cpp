// directory.cpp: the machine's own files.
// SPDX-License-Identifier: MIT
#include "store/directory.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sluice/error.hpp>

namespace sluice::store {
namespace {

std::string why(int error) { return std::strerror(error); }

template <typename Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class RealFile final : public File {
 public:
  explicit RealFile(int fd) : fd_(fd) {}
  ~RealFile() override { ::close(fd_); }
  RealFile(const RealFile&) = delete;
  RealFile& operator=(const RealFile&) = delete;

  ssize_t read_at(char* to, std::size_t bytes, std::uint64_t at) override {
    return uninterrupted([&] { return ::pread(fd_, to, bytes, static_cast<off_t>(at)); });
  }
  ssize_t write_at(const char* from, std::size_t bytes, std::uint64_t at) override {
    return uninterrupted([&] { return ::pwrite(fd_, from, bytes, static_cast<off_t>(at)); });
  }
  int truncate(std::uint64_t size) override { return ::ftruncate(fd_, static_cast<off_t>(size)); }
  int sync() override { return ::fdatasync(fd_); }

  FileIdentity identity() override {
    struct statx info {};
    if (::statx(fd_, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &info) != 0) return {};
    FileIdentity out;
    out.inode = info.stx_ino;
    if ((info.stx_mask & STATX_BTIME) != 0)
      out.born_ns = static_cast<std::uint64_t>(info.stx_btime.tv_sec) * 1'000'000'000U +
                    info.stx_btime.tv_nsec;
    return out;
  }
  std::uint64_t size() override {
    struct stat info {};
    return ::fstat(fd_, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
  }

 private:
  const int fd_;
};

// The name of a new file is durable only when its folder is.
int sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno == EACCES ? 0 : -1;  // one may write to it but not read: so be it
  const int result = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  errno = error;
  return result;
}

class RealDirectory final : public Directory {
 public:
  std::unique_ptr<File> open_alone(const std::string& path, bool sync) override;
  std::unique_ptr<File> open_to_read(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    return fd < 0 ? nullptr : std::make_unique<RealFile>(fd);
  }
  std::unique_ptr<File> open_empty(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    return fd < 0 ? nullptr : std::make_unique<RealFile>(fd);
  }
  int rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str());
  }
  int sync_name(const std::string& path) override { return sync_folder_of(path); }
};

std::unique_ptr<File> RealDirectory::open_alone(const std::string& path, bool sync) {
  const bool is_new = ::access(path.c_str(), F_OK) != 0;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  if (fd < 0)
    throw Error("cannot open the outcome file " + path + ": " + why(errno) +
                "; choose a file that this user may create and write");
  auto file = std::make_unique<RealFile>(fd);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
    throw Error(path +
                " is not a regular file: outcomes must be read back from it after a restart");
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
    throw Error(errno == EWOULDBLOCK ? "the outcome file " + path +
                                           " is in use: another sink or run writes to it; "
                                           "end that one, or choose another file"
                                     : "cannot lock the outcome file " + path + ": " + why(errno));
  if (is_new && sync) static_cast<void>(sync_folder_of(path));
  return file;
}

}  // namespace

// A test's own disk may do without.
std::unique_ptr<File> Directory::open_empty(const std::string&) {
  errno = ENOTSUP;
  return nullptr;
}
int Directory::rename(const std::string&, const std::string&) {
  errno = ENOTSUP;
  return -1;
}
int Directory::sync_name(const std::string&) {
  errno = ENOTSUP;
  return -1;
}

Directory& Directory::real() {
  static RealDirectory machine;
  return machine;
}

}  // namespace sluice::store
