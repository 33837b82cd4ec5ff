// journal_lock.cpp: flock, and a line that says by whom.
// SPDX-License-Identifier: MIT
#include "store/journal_lock.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <sluice/error.hpp>

namespace sluice::store {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "an unknown host";
  return name.data();
}

std::string holder(int fd) {
  std::array<char, 512> text{};
  const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  std::string who(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  who = who.substr(0, who.find('\n'));
  return who.empty() ? "another process, which did not say who it is" : who;
}

}  // namespace

JournalLock::JournalLock(const std::string& folder, const std::string& who) {
  const std::string path = folder + "/lock";
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0)
    throw Error("cannot open the lock of the journal, " + path + ": " + std::strerror(errno) +
                "; the folder must be readable and writable for this user");
  int locked = ::flock(fd_, LOCK_EX | LOCK_NB);
  while (locked != 0 && errno == EINTR) locked = ::flock(fd_, LOCK_EX | LOCK_NB);
  if (locked != 0) {
    const int error = errno;
    const std::string text =
        error == EWOULDBLOCK
            ? "the journal " + folder + " is in use by " + holder(fd_) +
                  "; end that process, or choose another folder"
            : "cannot lock the journal, " + path + ": " + std::strerror(error) +
                  "; choose a folder on a file system with locks, a local one for example";
    ::close(fd_);
    throw Error(text);
  }
  const std::string line =
      who + ", process " + std::to_string(::getpid()) + " on " + host_name() + "\n";
  // Only for people: a full disk may leave the file empty.
  if (::ftruncate(fd_, 0) == 0)
    static_cast<void>(::pwrite(fd_, line.data(), line.size(), 0) < 0);
}

JournalLock::~JournalLock() { ::close(fd_); }

void sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && (::fsync(fd) == 0 || errno == EINVAL);  // EINVAL: needs no sync
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!synced)
    throw Error("cannot sync the folder " + folder + ": " + std::strerror(error) +
                "; check the disk");
}

}  // namespace sluice::store
