// ipc_lock.cpp: flock on a file that is removed with the lock held.
// SPDX-License-Identifier: MIT
#include "net/ipc_lock.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sluice/error.hpp"

namespace sluice::net {
namespace {

// The holder before us removes the file when it goes; what we locked may be that removed one.
bool is_still_at(const std::string& path, int fd) {
  struct stat ours {};
  struct stat there {};
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &there) == 0 &&
         ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

}  // namespace

IpcLock::IpcLock(const std::string& socket_path) : path_(socket_path + ".lock") {
  constexpr int kMostTries = 100;
  for (int tries = 0; tries < kMostTries; ++tries) {
    exec::UniqueFd fd(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) {
      throw Error("cannot create the lock file " + path_ + ": " + std::strerror(errno) +
                  "; choose an ipc path in a directory that exists and may be written");
    }
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      throw Error("cannot listen on ipc://" + socket_path +
                  ": somebody else holds its lock file; stop that process or choose another path");
    }
    if (is_still_at(path_, fd.get())) {
      fd_ = std::move(fd);
      return;
    }
  }
  throw Error("cannot lock " + path_ + ": it is removed again and again; choose another path");
}

IpcLock::~IpcLock() {
  if (fd_) ::unlink(path_.c_str());
}

}  // namespace sluice::net
