// journal_lock.cpp: flock, and a line that says by whom.
// SPDX-License-Identifier: MIT
#include "store/journal_lock.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sluice/error.hpp>

namespace sluice::store {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "an unknown host";
  return name.data();
}

[[noreturn]] void cannot_open(const std::string& path) {
  throw Error("cannot open the lock of the journal, " + path + ": " + std::strerror(errno) +
              "; the folder must be readable and writable for this user");
}

[[noreturn]] void cannot_lock(const std::string& path, int error) {
  throw Error("cannot lock the journal, " + path + ": " + std::strerror(error) +
              "; choose a folder on a file system with locks, a local one for example");
}

bool is_named(int fd, const std::string& path) {
  struct stat own {
  }, named{};
  return ::fstat(fd, &own) == 0 && ::stat(path.c_str(), &named) == 0 &&
         own.st_ino == named.st_ino && own.st_dev == named.st_dev;
}

// Nobody has it who has locked a file that another one has taken the name of.
int take(const std::string& path) {
  for (;;) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) cannot_open(path);
    int locked = ::flock(fd, LOCK_EX | LOCK_NB);
    while (locked != 0 && errno == EINTR) locked = ::flock(fd, LOCK_EX | LOCK_NB);
    const int error = errno;
    if (locked == 0 && is_named(fd, path)) return fd;
    ::close(fd);
    if (locked == 0) continue;
    if (error == EWOULDBLOCK) return -1;
    cannot_lock(path, error);
  }
}

}  // namespace

std::string JournalLock::holder(const std::string& folder) {
  const int fd = ::open(path_in(folder).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  std::array<char, 512> text{};
  const ssize_t n = fd < 0 ? 0 : ::pread(fd, text.data(), text.size(), 0);
  if (fd >= 0) ::close(fd);
  std::string who(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  who = who.substr(0, who.find('\n'));
  return who.empty() ? "another process, which did not say who it is" : who;
}

JournalLock::JournalLock(const std::string& folder, const std::string& who)
    : fd_(take(path_in(folder))) {
  if (fd_ < 0)
    throw Error("the journal " + folder + " is in use by " + holder(folder) +
                "; end that process, or choose another folder");
  say(who);
}

std::shared_ptr<JournalLock> JournalLock::try_take(const std::string& folder,
                                                   const std::string& who) {
  const int fd = take(path_in(folder));
  if (fd < 0) return nullptr;
  std::shared_ptr<JournalLock> out(new JournalLock(fd));
  out->say(who);
  return out;
}

std::shared_ptr<JournalLock> JournalLock::take_away(const std::string& folder,
                                                    const std::string& who) {
  if (auto free = try_take(folder, who)) return free;
  const std::string path = path_in(folder);
  const std::string fresh = path + ".new-" + std::to_string(::getpid());
  ::unlink(fresh.c_str());  // of an earlier process of this number
  const int fd = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) cannot_open(fresh);
  std::shared_ptr<JournalLock> out(new JournalLock(fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) cannot_lock(fresh, errno);
  out->say(who);
  if (::rename(fresh.c_str(), path.c_str()) != 0) cannot_lock(path, errno);
  sync_folder(folder);
  return out;
}

// Only for people: a full disk may leave the file empty.
void JournalLock::say(const std::string& who) const {
  const std::string line =
      who + ", process " + std::to_string(::getpid()) + " on " + host_name() + "\n";
  if (::ftruncate(fd_, 0) == 0) static_cast<void>(::pwrite(fd_, line.data(), line.size(), 0) < 0);
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
