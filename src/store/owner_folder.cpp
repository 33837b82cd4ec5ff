// owner_folder.cpp: exclusive creation, renaming, and looking a name up: what works on every host.
// SPDX-License-Identifier: MIT
#include "store/owner_folder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sluice/error.hpp>

#include "store/journal_crc.hpp"
#include "store/journal_lock.hpp"

namespace sluice::store {
namespace {

constexpr std::string_view kOwner = "owner-", kOver = ".over", kStandby = "standby-";

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  throw Error("cannot " + what + " " + path + ": " + std::strerror(errno) +
              "; check the storage that the journal is on");
}

struct Content {
  bool there = false;
  std::string text;
};

// Opened anew each time: that is when a host asks the server.
Content read_whole(const std::string& path) {
  Content out;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    if (errno == ENOENT) return out;
    fail("open", path);
  }
  std::array<char, 16384> bytes{};
  ssize_t n = 0;
  while ((n = ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(out.text.size()))) > 0 &&
         out.text.size() < (1U << 20))
    out.text.append(bytes.data(), static_cast<std::size_t>(n));
  const int error = errno;
  ::close(fd);
  errno = error;
  // Its name went while it was read; whoever looks again sees the next one.
  if (n < 0 && errno == ESTALE) return {};
  if (n < 0) fail("read", path);
  out.there = true;
  return out;
}

std::uint64_t token_of(const std::string& text) {
  return std::uint64_t{crc32c(0, std::as_bytes(std::span(text)))} << 32 | text.size();
}

// The number in owner-N; 0 for any other name.
std::uint64_t generation_of(std::string_view name) {
  if (name.substr(0, kOwner.size()) != kOwner) return 0;
  name.remove_prefix(kOwner.size());
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
  return error == std::errc{} && end == name.data() + name.size() ? value : 0;
}

}  // namespace

// --- a file of our own --------------------------------------------------------

OwnFile::~OwnFile() {
  if (fd_ >= 0) ::close(fd_);
}

OwnFile& OwnFile::operator=(OwnFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

void OwnFile::write(const OwnerRecord& record) const {
  const std::string text = to_text(record);
  ssize_t n = ::pwrite(fd_, text.data(), text.size(), 0);
  while (n < 0 && errno == EINTR) n = ::pwrite(fd_, text.data(), text.size(), 0);
  if (n != static_cast<ssize_t>(text.size())) {
    if (n >= 0) errno = ENOSPC;
    fail("write", path_);
  }
  // Other hosts see it when it is at the server.
  if (::fdatasync(fd_) != 0 && errno != EINVAL) fail("write", path_);
}

bool OwnFile::is_in_place() const {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    if (errno == ENOENT || errno == ESTALE) return false;
    fail("look at", path_);
  }
  struct stat named {
  }, own{};
  const bool known = ::fstat(fd, &named) == 0 && ::fstat(fd_, &own) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  if (!known && errno == ESTALE) return false;
  if (!known) fail("look at", path_);
  return named.st_ino == own.st_ino && named.st_dev == own.st_dev;
}

// --- the folder ---------------------------------------------------------------

OwnerFolder::OwnerFolder(const std::string& journal_folder) : path_(journal_folder + "/takeover") {
  if (::mkdir(path_.c_str(), 0700) == 0)
    sync_folder(journal_folder);
  else if (errno != EEXIST)
    fail("make the folder", path_);
}

std::string OwnerFolder::owner_path(std::uint64_t generation) const {
  return path_ + "/" + std::string(kOwner) + std::to_string(generation);
}

std::vector<std::string> OwnerFolder::names() const {
  std::vector<std::string> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path_.c_str()), &::closedir);
  if (!folder) fail("read the folder", path_);
  errno = 0;
  while (const dirent* entry = ::readdir(folder.get())) out.emplace_back(entry->d_name);
  if (errno != 0) fail("read the folder", path_);
  return out;
}

OwnerFolder::Seen OwnerFolder::look() const {
  // Between the list and the opening the next one may come; it will have a higher number.
  for (int tries = 0; tries < 8; ++tries) {
    Seen out;
    for (const std::string& name : names())
      out.generation = std::max(out.generation, generation_of(name));
    if (out.generation == 0) return out;
    const Content content = read_whole(owner_path(out.generation));
    if (!content.there) continue;
    out.token = token_of(content.text);
    out.record = parse_owner_record(content.text);
    return out;
  }
  errno = ESTALE;
  fail("read the folder", path_);
}

std::optional<OwnerFolder::Claim> OwnerFolder::claim(const Seen& seen,
                                                     const OwnerRecord& record) const {
  Claim out;
  out.generation = seen.generation + 1;
  const std::string path = owner_path(out.generation);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    if (errno == EEXIST) return std::nullopt;
    fail("create", path);
  }
  out.file = OwnFile(path, fd);
  try {
    out.file.write(record);
  } catch (const Error&) {  // a full disk: nobody is to wait for one that never was
    ::unlink(path.c_str());
    throw;
  }
  // From here on nobody before us can find its own file.
  for (const std::string& name : names()) {
    const std::uint64_t earlier = generation_of(name);
    if (earlier == 0 || earlier >= out.generation) continue;
    const std::string from = owner_path(earlier), over = from + std::string(kOver);
    if (::rename(from.c_str(), over.c_str()) != 0) {
      if (errno == ENOENT) continue;
      fail("rename", from);
    }
    const std::string text = read_whole(over).text;
    if (earlier == seen.generation && token_of(text) == seen.token) continue;
    // An earlier one whom a claim that was never finished has left in place may be at work, too.
    const auto spoken = parse_owner_record(text);
    const std::uint64_t failover = spoken ? spoken->failover_ms : record.failover_ms;
    out.wait_ms = std::max(out.wait_ms, failover / 2);
  }
  for (const std::string& name : names()) {
    const bool is_over = name.size() > kOver.size() &&
                         name.compare(name.size() - kOver.size(), kOver.size(), kOver) == 0;
    const std::uint64_t of =
        is_over ? generation_of(name.substr(0, name.size() - kOver.size())) : 0;
    if (of != 0 && of + 1 < out.generation) ::unlink((path_ + "/" + name).c_str());
  }
  sync_folder(path_);
  return out;
}

OwnFile OwnerFolder::announce_standby(const OwnerRecord& record) const {
  const std::string path = path_ + "/" + std::string(kStandby) + record.id;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) fail("create", path);
  OwnFile out(path, fd);
  out.write(record);
  return out;
}

std::vector<OwnerFolder::Standby> OwnerFolder::standbys() const {
  std::vector<std::string> files = names();
  std::sort(files.begin(), files.end());
  std::vector<Standby> out;
  for (const std::string& name : files) {
    if (name.compare(0, kStandby.size(), kStandby) != 0) continue;
    const Content content = read_whole(path_ + "/" + name);
    if (auto record = parse_owner_record(content.text))
      out.push_back({token_of(content.text), std::move(*record)});
  }
  return out;
}

void OwnerFolder::remove_standby(const std::string& id) const {
  ::unlink((path_ + "/" + std::string(kStandby) + id).c_str());
}

}  // namespace sluice::store
