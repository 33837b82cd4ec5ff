// lock_trust_test.cpp: which mounts a standby may rest on.
// SPDX-License-Identifier: MIT
#include "store/lock_trust.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <string>

#include "support/temp_folder.hpp"

using namespace sluice;
using store::judge_mount;
using store::judge_mount_of;
using store::LockTrust;

namespace {

void refused(const LockTrust& trust, const std::string& word) {
  CHECK_FALSE(trust.trusted);
  CHECK_FALSE(trust.local);
  INFO(trust.file_system, ": ", trust.why, ": ", trust.cure);
  CHECK((trust.file_system + trust.why).find(word) != std::string::npos);
  CHECK_FALSE(trust.cure.empty());
}

}  // namespace

TEST_SUITE("lock_trust") {
  TEST_CASE("a lock on a local file system ends with its process") {
    for (const char* type : {"ext4", "xfs", "btrfs", "tmpfs", "zfs", "overlay"}) {
      CHECK(judge_mount(type, "rw").trusted);
      CHECK(judge_mount(type, "rw").local);
    }
  }

  TEST_CASE("NFS is trusted as it is mounted by default, and says nothing about death") {
    const LockTrust four = judge_mount(
        "nfs4",
        "rw,vers=4.2,rsize=1048576,namlen=255,hard,proto=tcp,local_lock=none,addr=10.0.0.1");
    CHECK(four.trusted);
    CHECK_FALSE(four.local);
    CHECK(judge_mount("nfs", "rw,vers=3,hard,mountvers=3,local_lock=none").trusted);
    CHECK(judge_mount("nfs4", "rw,local_lock=posix").trusted);
  }

  TEST_CASE("NFS with locks of the host's own is refused") {
    refused(judge_mount("nfs", "rw,vers=3,nolock,local_lock=all"), "nolock");
    refused(judge_mount("nfs4", "rw,local_lock=all"), "local_lock=all");
    refused(judge_mount("nfs4", "rw,local_lock=flock"), "local_lock=flock");
  }

  TEST_CASE("NFS that shows old things, or forgets, is refused") {
    refused(judge_mount("nfs4", "rw,hard,nocto,local_lock=none"), "nocto");
    refused(judge_mount("nfs4", "rw,soft,local_lock=none"), "soft");
    refused(judge_mount("nfs4", "rw,softerr,local_lock=none"), "softerr");
  }

  TEST_CASE("Lustre is trusted with flock alone") {
    CHECK(judge_mount("lustre", "rw,flock,lazystatfs").trusted);
    CHECK_FALSE(judge_mount("lustre", "rw,flock").local);
    refused(judge_mount("lustre", "rw,localflock"), "localflock");
    refused(judge_mount("lustre", "rw,lazystatfs"), "no locks");
  }

  TEST_CASE("what is not known to have locks across hosts is refused") {
    for (const char* type : {"fuse.sshfs", "fuse", "fuseblk", "fuse.glusterfs", "cifs", "smb3",
                             "9p", "virtiofs", "gpfs", "beegfs", "afs"})
      refused(judge_mount(type, "rw"), type);
    refused(judge_mount("", ""), "unknown");
  }

  TEST_CASE("an option counts whole") {
    CHECK(judge_mount("nfs4", "rw,softy,nolocks,local_lock=none").trusted);
    refused(judge_mount("lustre", "rw,noflock"), "without flock");
  }

  TEST_CASE("a folder's mount is found by its number") {
    constexpr const char* kMounts =
        "36 35 98:0 / / rw shared:1 - ext4 /dev/sda1 rw\n"
        "361 36 0:52 / /shared rw,noatime shared:7 master:2 - nfs4 srv:/x rw,local_lock=all\n"
        "362 36 0:53 / /odd\\040name rw - tmpfs none rw\n";
    CHECK(judge_mount_of(kMounts, "36").file_system == "ext4");
    refused(judge_mount_of(kMounts, "361"), "local_lock=all");
    CHECK(judge_mount_of(kMounts, "362").local);
    refused(judge_mount_of(kMounts, "3"), "unknown");
    refused(judge_mount_of("36 35 broken", "36"), "unknown");
  }

  TEST_CASE("a folder that is not there is not trusted") {
    CHECK_FALSE(store::judge_folder("/does/not/exist").trusted);
  }

  TEST_CASE("the lock is tried by a second opening and by another process") {
    const TempFolder folder;
    const std::string path = folder.file("lock");
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    CHECK(store::try_lock_twice(path).find("could lock it, too") != std::string::npos);
    REQUIRE(::flock(fd, LOCK_EX | LOCK_NB) == 0);
    CHECK(store::try_lock_twice(path) == "");
    ::close(fd);
    CHECK(store::try_lock_twice(folder.file("none")) != "");
  }
}
