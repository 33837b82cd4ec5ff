// journal_vfs.cpp: what SQLite asks of a disk in memory.
// SPDX-License-Identifier: MIT
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include <sqlite3.h>

#include "sim/journal_disk.hpp"

// These are called by C: nothing may be thrown through them.
namespace sluice::sim {
namespace {

struct Open {
  JournalDisk* disk = nullptr;
  std::string path;
  std::shared_ptr<JournalDisk::Content> content;
};
struct VfsFile {
  sqlite3_file base;
  Open* open;
};
Open& open_of(sqlite3_file* file) { return *reinterpret_cast<VfsFile*>(file)->open; }
JournalDisk& disk_of(sqlite3_vfs* vfs) { return *static_cast<JournalDisk*>(vfs->pAppData); }

int close_file(sqlite3_file* file) {
  delete &open_of(file);
  return SQLITE_OK;
}

int read_file_at(sqlite3_file* file, void* to, int bytes, sqlite3_int64 at) {
  const std::string& from = open_of(file).content->written;
  const auto wanted = static_cast<std::size_t>(bytes);
  const auto begin = static_cast<std::size_t>(at);
  const std::size_t there = begin < from.size() ? std::min(wanted, from.size() - begin) : 0;
  std::memcpy(to, from.data() + (there > 0 ? begin : 0), there);
  if (there == wanted) return SQLITE_OK;
  std::memset(static_cast<char*>(to) + there, 0, wanted - there);
  return SQLITE_IOERR_SHORT_READ;
}

int write_file_at(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 at) {
  Open& it = open_of(file);
  if (!it.disk->goes_on()) return SQLITE_IOERR_WRITE;
  const auto begin = static_cast<std::uint64_t>(at);
  const auto size = static_cast<std::size_t>(bytes);
  if (!it.disk->has_room_for(*it.content, begin + size)) return SQLITE_FULL;
  it.disk->write(*it.content, {begin, std::string(static_cast<const char*>(from), size), false});
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  Open& it = open_of(file);
  if (!it.disk->goes_on()) return SQLITE_IOERR_TRUNCATE;
  it.disk->write(*it.content, {static_cast<std::uint64_t>(size), {}, true});
  return SQLITE_OK;
}

int sync_file(sqlite3_file* file, int) {
  Open& it = open_of(file);
  if (!it.disk->goes_on()) return SQLITE_IOERR_FSYNC;
  return it.disk->sync(it.path, *it.content) ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(open_of(file).content->written.size());
  return SQLITE_OK;
}

int lock_file(sqlite3_file*, int) { return SQLITE_OK; }
int is_reserved(sqlite3_file*, int* out) {
  *out = 0;
  return SQLITE_OK;
}
int control_file(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 4096; }
// As those of the machine: what lies beside a write is never harmed.
int device_traits(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

// Version 1: without shared memory and mmap, which an exclusive lock does without.
const sqlite3_io_methods kMethods = [] {
  sqlite3_io_methods methods{};
  methods.iVersion = 1;
  methods.xClose = close_file;
  methods.xRead = read_file_at;
  methods.xWrite = write_file_at;
  methods.xTruncate = truncate_file;
  methods.xSync = sync_file;
  methods.xFileSize = file_size;
  methods.xLock = lock_file;
  methods.xUnlock = lock_file;
  methods.xCheckReservedLock = is_reserved;
  methods.xFileControl = control_file;
  methods.xSectorSize = sector_size;
  methods.xDeviceCharacteristics = device_traits;
  return methods;
}();

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  std::memset(file, 0, sizeof(VfsFile));
  JournalDisk& disk = disk_of(vfs);
  if (path == nullptr) return SQLITE_CANTOPEN;
  const bool makes = (flags & SQLITE_OPEN_CREATE) != 0;
  auto content = makes ? disk.find_or_make(path) : disk.find(path);
  if (content == nullptr) return SQLITE_CANTOPEN;
  reinterpret_cast<VfsFile*>(file)->open = new Open{&disk, path, std::move(content)};
  file->pMethods = &kMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* path, int) {
  JournalDisk& disk = disk_of(vfs);
  if (!disk.goes_on()) return SQLITE_IOERR_DELETE;
  disk.forget(path);
  return SQLITE_OK;
}

int access_file(sqlite3_vfs* vfs, const char* path, int, int* out) {
  *out = disk_of(vfs).find(path) != nullptr ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", path);
  return SQLITE_OK;
}

}  // namespace

struct JournalDisk::Registration {
  std::string name;
  sqlite3_vfs vfs{};
};

JournalDisk::JournalDisk(std::uint64_t seed)
    : registration_(std::make_unique<Registration>()), random_(seed) {
  static std::uint64_t count = 0;  // several worlds may be there at a time
  registration_->name = "sluice-sim-" + std::to_string(++count);
  sqlite3_vfs& vfs = registration_->vfs;
  vfs = *sqlite3_vfs_find(nullptr);
  vfs.iVersion = 1;
  vfs.szOsFile = static_cast<int>(sizeof(VfsFile));
  vfs.pNext = nullptr;
  vfs.zName = registration_->name.c_str();
  vfs.pAppData = this;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  vfs.xAccess = access_file;
  vfs.xFullPathname = full_path;
  vfs.xGetLastError = [](sqlite3_vfs*, int, char*) { return 0; };
  sqlite3_vfs_register(&vfs, 0);
}

JournalDisk::~JournalDisk() { sqlite3_vfs_unregister(&registration_->vfs); }

const char* JournalDisk::vfs() const { return registration_->name.c_str(); }

}  // namespace sluice::sim
