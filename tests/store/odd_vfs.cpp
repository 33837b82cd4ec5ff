// odd_vfs.cpp: passes on to the machine's own VFS what it does not spoil.
// SPDX-License-Identifier: MIT
#include "store/odd_vfs.hpp"

#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <sqlite3.h>

namespace {

// SQLite makes room for this, and for the real file behind it.
struct OddFile {
  sqlite3_file base;
  OddVfs* disk;
  const char* path;
  sqlite3_file* real;
};
OddFile* odd(sqlite3_file* file) { return reinterpret_cast<OddFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return odd(file)->real; }
sqlite3_vfs* machine(sqlite3_vfs* vfs) {
  return static_cast<std::pair<OddVfs*, sqlite3_vfs*>*>(vfs->pAppData)->second;
}
OddVfs* disk(sqlite3_vfs* vfs) {
  return static_cast<std::pair<OddVfs*, sqlite3_vfs*>*>(vfs->pAppData)->first;
}
void apply(std::string& to, const OddVfs::Write& write) {
  const auto at = static_cast<std::size_t>(write.at);
  if (write.truncate) return to.resize(at);
  if (to.size() < at + write.bytes.size()) to.resize(at + write.bytes.size());
  to.replace(at, write.bytes.size(), write.bytes);
}

int close_file(sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); }
int read_file_at(sqlite3_file* file, void* to, int bytes, sqlite3_int64 at) {
  return real(file)->pMethods->xRead(real(file), to, bytes, at);
}
int write_file_at(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 at) {
  OddVfs& disk = *odd(file)->disk;
  const int spoiled = disk.on_write ? disk.on_write(odd(file)->path, bytes, at) : SQLITE_OK;
  if (spoiled != SQLITE_OK) return spoiled;
  if (disk.watching())
    disk.files[odd(file)->path].since.push_back(
        {at, std::string(static_cast<const char*>(from), static_cast<std::size_t>(bytes)), false});
  return real(file)->pMethods->xWrite(real(file), from, bytes, at);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  OddVfs& disk = *odd(file)->disk;
  if (disk.watching()) disk.files[odd(file)->path].since.push_back({size, {}, true});
  return real(file)->pMethods->xTruncate(real(file), size);
}
int sync_file(sqlite3_file* file, int flags) {
  OddVfs& disk = *odd(file)->disk;
  const int spoiled = disk.on_sync ? disk.on_sync(odd(file)->path) : SQLITE_OK;
  if (spoiled != SQLITE_OK) return spoiled;
  if (disk.watching()) {
    OddVfs::Remembered& known = disk.files[odd(file)->path];
    for (const OddVfs::Write& write : known.since) apply(known.durable, write);
    known.since.clear();
    return SQLITE_OK;  // the machine itself loses no power
  }
  return real(file)->pMethods->xSync(real(file), flags);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock_file(sqlite3_file* file, int how) {
  return real(file)->pMethods->xLock(real(file), how);
}
int unlock_file(sqlite3_file* file, int how) {
  return real(file)->pMethods->xUnlock(real(file), how);
}
int is_reserved(sqlite3_file* file, int* out) {
  return real(file)->pMethods->xCheckReservedLock(real(file), out);
}
int control_file(sqlite3_file* file, int what, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), what, argument);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int device_traits(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

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
  methods.xUnlock = unlock_file;
  methods.xCheckReservedLock = is_reserved;
  methods.xFileControl = control_file;
  methods.xSectorSize = sector_size;
  methods.xDeviceCharacteristics = device_traits;
  return methods;
}();

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  OddFile* const self = odd(file);
  std::memset(self, 0, sizeof *self);
  self->disk = disk(vfs);
  self->path = path;
  self->real = reinterpret_cast<sqlite3_file*>(self + 1);
  const int rc = machine(vfs)->xOpen(machine(vfs), path, self->real, flags, out_flags);
  if (rc != SQLITE_OK) return rc;
  file->pMethods = &kMethods;
  if (self->disk->watching() && path != nullptr && self->disk->files.count(path) == 0) {
    std::ifstream there(path, std::ios::binary);
    std::ostringstream content;
    content << there.rdbuf();
    self->disk->files[path].durable = content.str();
  }
  return rc;
}
int delete_file(sqlite3_vfs* vfs, const char* path, int sync_folder) {
  disk(vfs)->files.erase(path);
  return machine(vfs)->xDelete(machine(vfs), path, sync_folder);
}
int access_file(sqlite3_vfs* vfs, const char* path, int how, int* out) {
  return machine(vfs)->xAccess(machine(vfs), path, how, out);
}
int full_path(sqlite3_vfs* vfs, const char* path, int size, char* out) {
  return machine(vfs)->xFullPathname(machine(vfs), path, size, out);
}

}  // namespace

struct OddVfs::Registration {
  std::pair<OddVfs*, sqlite3_vfs*> both;
  sqlite3_vfs vfs{};
};

OddVfs::OddVfs() : registration_(std::make_unique<Registration>()) {
  sqlite3_vfs* const own = sqlite3_vfs_find(nullptr);
  registration_->both = {this, own};
  sqlite3_vfs& vfs = registration_->vfs;
  vfs = *own;
  vfs.iVersion = 1;
  vfs.szOsFile = static_cast<int>(sizeof(OddFile)) + own->szOsFile;
  vfs.pNext = nullptr;
  vfs.zName = "sluice-odd";
  vfs.pAppData = &registration_->both;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  vfs.xAccess = access_file;
  vfs.xFullPathname = full_path;
  sqlite3_vfs_register(&vfs, 0);
}

OddVfs::~OddVfs() { sqlite3_vfs_unregister(&registration_->vfs); }

const char* OddVfs::name() const { return registration_->vfs.zName; }

std::map<std::string, std::string> OddVfs::power_cut(const std::function<bool()>& survives) const {
  std::map<std::string, std::string> out;
  for (const auto& [path, known] : files) {
    std::string content = known.durable;
    for (const Write& write : known.since)
      if (survives()) apply(content, write);
    out[path] = std::move(content);
  }
  return out;
}
