// lock_trust.cpp: what each file system does with flock, and how its mount says so.
// SPDX-License-Identifier: MIT
#include "store/lock_trust.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::store {
namespace {

constexpr const char* kElsewhere =
    "put the journal on NFS (version 4, default options), CephFS or Lustre (-o flock)";

// True if the comma-separated `options` have `wanted`, whole.
bool has(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const std::size_t comma = options.find(',');
    if (options.substr(0, comma) == wanted) return true;
    if (comma == std::string_view::npos) break;
    options.remove_prefix(comma + 1);
  }
  return false;
}

LockTrust good(std::string_view type, bool local) {
  LockTrust out;
  out.trusted = true;
  out.local = local;
  out.file_system = type;
  return out;
}

LockTrust bad(std::string file_system, std::string why, std::string cure) {
  LockTrust out;
  out.file_system = std::move(file_system);
  out.why = std::move(why);
  out.cure = std::move(cure);
  return out;
}

LockTrust judge_nfs(std::string_view type, std::string_view options) {
  const std::string name(type);
  for (const std::string_view local : {"nolock", "local_lock=all", "local_lock=flock"})
    if (has(options, local))
      return bad(name + " mounted with " + std::string(local),
                 "its locks are this host's own: another host could take the same lock",
                 "mount it without " + std::string(local) + ", best as version 4");
  if (has(options, "nocto"))
    return bad(name + " mounted with nocto",
               "what another host has written may be seen late, however often one looks",
               "mount it without nocto");
  for (const std::string_view soft : {"soft", "softerr", "softreval"})
    if (has(options, soft))
      return bad(name + " mounted with " + std::string(soft),
                 "what was written may be lost in silence when the server is slow",
                 "mount it with hard, which is the default");
  return good(type, false);
}

LockTrust judge_lustre(std::string_view options) {
  if (has(options, "flock")) return good("lustre (flock)", false);
  const bool local = has(options, "localflock");
  return bad(local ? "lustre mounted with localflock" : "lustre mounted without flock",
             local ? "its locks are this host's own: another host could take the same lock"
                   : "it has no locks",
             "mount it with -o flock on each host");
}

}  // namespace

LockTrust judge_mount(std::string_view type, std::string_view options) {
  constexpr std::array kLocal = {"ext2",     "ext3",   "ext4",    "xfs",     "btrfs",
                                 "tmpfs",    "ramfs",  "f2fs",    "zfs",     "jfs",
                                 "bcachefs", "nilfs2", "overlay", "reiserfs"};
  constexpr std::array kShared = {"ceph", "gfs2", "ocfs2"};
  if (std::find(kLocal.begin(), kLocal.end(), type) != kLocal.end()) return good(type, true);
  if (std::find(kShared.begin(), kShared.end(), type) != kShared.end()) return good(type, false);
  if (type == "nfs" || type == "nfs4") return judge_nfs(type, options);
  if (type == "lustre") return judge_lustre(options);
  const std::string name(type);
  if (type == "cifs" || type == "smb3")
    return bad(name, "its locks keep others from reading, and may be this host's own", kElsewhere);
  if (type.substr(0, 4) == "fuse")
    return bad(name,
               "a file system in a user's process may keep locks to this host (sshfs does), and "
               "nobody can see from here whether it does",
               kElsewhere);
  if (type == "9p" || type == "virtiofs" || type == "vboxsf")
    return bad(name, "locks of a guest are not seen by other guests", kElsewhere);
  return bad(name.empty() ? "an unknown file system" : name,
             "what it does with locks of several hosts is not known", kElsewhere);
}

LockTrust judge_mount_of(std::string_view mountinfo, std::string_view mount_id) {
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    if (std::string_view(line).substr(0, line.find(' ')) != mount_id) continue;
    // ID PARENT DEVICE ROOT POINT OPTIONS [FIELDS] - TYPE SOURCE OPTIONS
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) break;
    std::istringstream rest(line.substr(dash + 3));
    std::string type, source, options;
    rest >> type >> source >> options;
    return judge_mount(type, options);
  }
  return judge_mount({}, {});
}

LockTrust judge_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::string id;
  if (fd >= 0) {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(fd));
    for (std::string word; info >> word;)
      if (word == "mnt_id:") info >> id;
    ::close(fd);
  }
  std::ostringstream mounts;
  mounts << std::ifstream("/proc/self/mountinfo").rdbuf();
  return judge_mount_of(mounts.str(), id);
}

std::string try_lock_twice(const std::string& lock_path) {
  const char* const path = lock_path.c_str();
  // 0: refused as it must be; 1: taken; else the errno.
  const auto attempt = [path] {
    const int fd = ::open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return errno;
    const bool taken = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
    const int error = errno;
    ::close(fd);
    return taken ? 1 : error == EWOULDBLOCK ? 0 : error;
  };
  const auto told = [&lock_path](const char* who, int result) {
    return lock_path + " is locked, and yet " + who +
           (result == 1 ? " could lock it, too" : std::string(": ") + std::strerror(result)) +
           ": the locks of this file system cannot be trusted";
  };
  if (const int result = attempt(); result != 0) return told("a second opening of it", result);
  const pid_t child = ::fork();
  if (child < 0)
    return std::string("cannot try the lock in another process: ") + std::strerror(errno);
  if (child == 0) ::_exit(attempt());  // system calls only: other threads are not there
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return told("another process", WIFEXITED(status) ? WEXITSTATUS(status) : EINTR);
}

}  // namespace sluice::store
