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

 private:
  const int fd_;
};

// The name of a new file is durable only when its folder is.
void sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;  // a folder one may write to but not read: nothing to be done
  static_cast<void>(::fsync(fd));
  ::close(fd);
}

class RealDirectory final : public Directory {
 public:
  std::unique_ptr<File> open_alone(const std::string& path, bool sync) override;
  std::unique_ptr<File> open_to_read(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    return fd < 0 ? nullptr : std::make_unique<RealFile>(fd);
  }
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
    throw Error(errno == EWOULDBLOCK
                    ? "the outcome file " + path + " is in use: another sink or run writes to it; "
                      "end that one, or choose another file"
                    : "cannot lock the outcome file " + path + ": " + why(errno));
  if (is_new && sync) sync_folder_of(path);
  return file;
}

}  // namespace

Directory& Directory::real() {
  static RealDirectory machine;
  return machine;
}

}  // namespace sluice::store
