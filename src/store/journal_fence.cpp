// journal_fence.cpp: copy, make whole, and change names.
// SPDX-License-Identifier: MIT
#include "store/journal_fence.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/journal_lock.hpp"
#include "store/journal_parts.hpp"

namespace sluice::store {
namespace {

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  throw Error("cannot " + what + " " + path +
              " for new files of the journal: " + std::strerror(errno) + "; check the disk");
}

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::uint64_t size_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

// Shares the blocks where the file system can; has the server copy where it can.
void copy_bytes(int from, int to, const std::string& path) {
  if (::ioctl(to, FICLONE, from) == 0) return;
  for (;;) {
    const ssize_t n = ::copy_file_range(from, nullptr, to, nullptr, std::size_t{1} << 30, 0);
    if (n == 0) return;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;  // by hand, from where it stopped
  }
  std::vector<char> buffer(std::size_t{1} << 20);
  for (;;) {
    const ssize_t n = ::read(from, buffer.data(), buffer.size());
    if (n == 0) return;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("read", path);
    for (ssize_t done = 0; done < n;) {
      const ssize_t written = ::write(to, buffer.data() + done, static_cast<std::size_t>(n - done));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail("copy", path);
      done += written;
    }
  }
}

void copy_file(const std::string& from, const std::string& to) {
  ::unlink(to.c_str());
  const int in = ::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (in < 0) fail("open", from);
  const int out = ::open(to.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (out < 0) {
    const int error = errno;
    ::close(in);
    errno = error;
    fail("create", to);
  }
  try {
    copy_bytes(in, out, from);
    if (::fsync(out) != 0) fail("sync", to);
  } catch (...) {
    ::close(in);
    ::close(out);
    throw;
  }
  ::close(in);
  ::close(out);
}

void sync_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) fail("open", path);
  const int synced = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  errno = error;
  if (synced != 0) fail("sync", path);
}

}  // namespace

void move_to_new_files(const std::string& folder, const char* vfs) {
  const JournalPaths paths(folder);
  JournalDisk& disk = JournalDisk::real();
  finish_new_files(disk, paths);
  if (!is_there(paths.database)) return;  // there is no journal yet
  check_header(disk, paths.database);
  JournalPaths next = paths;
  next.database = paths.next;
  next.wal = paths.next + "-wal";
  // First the database: whatever was moved into it from the log while it was copied is in the log
  // still, for one transaction at most is under way, and docs/OPERATING.md says why.
  copy_file(paths.database, next.database);
  ::unlink(next.wal.c_str());
  if (is_there(paths.wal)) copy_file(paths.wal, next.wal);
  {
    JournalFile file(disk, next, vfs, nullptr);
    Statement begin(file.database, "BEGIN IMMEDIATE"), commit(file.database, "COMMIT");
    if (!is_copy(disk, paths.database, file.identity)) identify(disk, next.database, file.identity);
    begin.run();
    write_identity(file.database, file.identity);
    commit.run();
    file.database.checkpoint();
  }
  if (is_there(next.wal))
    throw Error("the log of " + next.database + " could not be moved into it");
  sync_file(next.database);
  if (::rename(next.database.c_str(), paths.ready.c_str()) != 0) fail("rename", next.database);
  sync_folder(folder);
  finish_new_files(disk, paths);
}

// The old log must be gone before the new file has the name: SQLite would take it for its own.
void finish_new_files(JournalDisk& disk, const JournalPaths& paths) {
  if (!disk.look(paths.ready)) return;
  const std::string folder = paths.database.substr(0, paths.database.rfind('/'));
  if (disk.remove(paths.wal) != 0 && errno != ENOENT) fail("remove", paths.wal);
  disk.sync_folder(folder);
  if (disk.rename(paths.ready, paths.database) != 0) fail("rename", paths.ready);
  disk.sync_folder(folder);
}

std::string no_room_for_new_files(const std::string& folder) {
  const JournalPaths paths(folder);
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) return "cannot look at " + folder;
  const std::uint64_t needed = size_of(paths.database) + 2 * size_of(paths.wal) + (1U << 20);
  const std::uint64_t free = std::uint64_t{info.f_bavail} * info.f_frsize;
  if (free >= needed) return {};
  return "there is no room for new files of the journal: " + std::to_string(needed >> 20) +
         " MiB are needed, " + std::to_string(free >> 20) + " MiB are free";
}

}  // namespace sluice::store
