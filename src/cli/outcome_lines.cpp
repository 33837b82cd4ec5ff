// outcome_lines.cpp: blocks of a file, cut into lines or copied.
// SPDX-License-Identifier: MIT
#include "cli/outcome_lines.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;
constexpr std::size_t kLineBlock = 4096;

std::string failure(const char* what, const std::string& path, int error) {
  return std::string(what) + ' ' + path + ": " + std::generic_category().message(error);
}

}  // namespace

OutcomeLines::OutcomeLines(std::string path)
    : path_(std::move(path)), fd_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (fd_ < 0 && errno != ENOENT) throw Error(failure("cannot read", path_, errno));
}

OutcomeLines::~OutcomeLines() {
  if (fd_ >= 0) ::close(fd_);
}

std::size_t OutcomeLines::read(char* to, std::size_t bytes, std::uint64_t at) const {
  if (fd_ < 0) return 0;
  ssize_t got = 0;
  do {
    got = ::pread(fd_, to, bytes, static_cast<off_t>(at));
  } while (got < 0 && errno == EINTR);
  if (got < 0) throw Error(failure("cannot read", path_, errno));
  return static_cast<std::size_t>(got);
}

void OutcomeLines::each(
    const std::function<void(std::string_view line, std::uint64_t place)>& visit) const {
  std::string buffer;
  std::uint64_t at = 0;  // of the buffer's first byte
  for (;;) {
    const std::size_t had = buffer.size();
    buffer.resize(had + kBlock);
    const std::size_t got = read(buffer.data() + had, kBlock, at + had);
    buffer.resize(had + got);
    if (got == 0) return;
    std::size_t start = 0;
    for (std::size_t end = buffer.find('\n', had); end != std::string::npos;
         end = buffer.find('\n', start)) {
      visit(std::string_view(buffer).substr(start, end - start), at + start);
      start = end + 1;
    }
    buffer.erase(0, start);
    at += start;
  }
}

std::string OutcomeLines::at(std::uint64_t place) const {
  std::string line;
  for (std::size_t block = kLineBlock;; block = std::min(block * 4, kBlock)) {
    const std::size_t had = line.size();
    line.resize(had + block);
    const std::size_t got = read(line.data() + had, block, place + had);
    line.resize(had + got);
    const std::size_t end = line.find('\n', had);
    if (end != std::string::npos) return line.substr(0, end);
    if (got == 0) throw Error(path_ + " has lost its end while it was read; was it cut?");
  }
}

OutcomeCopy::OutcomeCopy(std::string path, const std::string& source, bool fresh)
    : path_(std::move(path)),
      fd_(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | (fresh ? O_TRUNC : 0), 0666)),
      source_(-1) {
  if (fd_ < 0)
    throw Error(failure("cannot write", path_, errno) + "; give another --outcomes file");
  struct stat status {};
  try {
    if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode))
      throw Error(path_ + " is not a regular file: with --journal, --outcomes needs one");
    source_ = ::open(source.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0666);
    if (source_ < 0) throw Error(failure("cannot read", source, errno));
    copied_ = static_cast<std::uint64_t>(status.st_size);
    if (is_beginning(copied_)) return;
    copied_ = 0;
    if (::ftruncate(fd_, 0) != 0) throw Error(failure("cannot empty", path_, errno));
  } catch (...) {
    if (source_ >= 0) ::close(source_);
    ::close(fd_);
    throw;
  }
}

OutcomeCopy::~OutcomeCopy() {
  ::close(source_);
  ::close(fd_);
}

// Every line has a number of its own, so the last block tells.
bool OutcomeCopy::is_beginning(std::uint64_t size) const {
  const std::size_t bytes = static_cast<std::size_t>(std::min<std::uint64_t>(size, kLineBlock));
  std::vector<char> mine(bytes), theirs(bytes);
  const auto at = static_cast<off_t>(size - bytes);
  const auto all = static_cast<ssize_t>(bytes);
  return ::pread(fd_, mine.data(), bytes, at) == all &&
         ::pread(source_, theirs.data(), bytes, at) == all && mine == theirs;
}

void OutcomeCopy::advance(std::uint64_t size) {
  trouble_.clear();
  std::vector<char> block(kBlock / 4);
  while (copied_ < size) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), size - copied_));
    const ssize_t got = ::pread(source_, block.data(), wanted, static_cast<off_t>(copied_));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw Error("cannot read the outcomes back for " + path_);
    const ssize_t written =
        ::pwrite(fd_, block.data(), static_cast<std::size_t>(got), static_cast<off_t>(copied_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      trouble_ = failure("cannot write to", path_, written < 0 ? errno : ENOSPC);
      return;
    }
    copied_ += static_cast<std::uint64_t>(written);
  }
}

}  // namespace sluice::cli
