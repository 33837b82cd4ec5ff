// outcome_file.cpp: reading back, appending, and what to do when the disk says no.
// SPDX-License-Identifier: MIT
#include "store/outcome_file.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sluice/error.hpp>

namespace sluice::store {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

std::string why(int error) { return std::strerror(error); }

bool only_zeros(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// The name of a new file is durable only when its folder is.
void sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;  // a folder one may write to but not read: nothing to be done
  static_cast<void>(::fsync(fd));
  ::close(fd);
}

}  // namespace

OutcomeFile::OutcomeFile(Options options, const std::function<void(const OutcomeFacts&)>& each)
    : options_(std::move(options)) {
  if (!options_.make_durable) options_.make_durable = [](int fd) { return ::fdatasync(fd); };
  open();
  try {
    read_back(each);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

OutcomeFile::~OutcomeFile() {
  if (fd_ >= 0) ::close(fd_);
}

void OutcomeFile::open() {
  const std::string& path = options_.path;
  const bool is_new = ::access(path.c_str(), F_OK) != 0;
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  if (fd_ < 0)
    throw Error("cannot open the outcome file " + path + ": " + why(errno) +
                "; choose a file that this user may create and write");
  struct stat info {};
  std::string problem;
  if (::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode))
    problem = path + " is not a regular file: outcomes must be read back from it after a restart";
  else if (::flock(fd_, LOCK_EX | LOCK_NB) != 0)
    problem = errno == EWOULDBLOCK
                  ? "the outcome file " + path + " is in use: another sink or run writes to it; "
                    "end that one, or choose another file"
                  : "cannot lock the outcome file " + path + ": " + why(errno);
  if (!problem.empty()) {
    ::close(fd_);
    throw Error(problem);
  }
  if (is_new && options_.sync) sync_folder_of(path);
}

void OutcomeFile::read_back(const std::function<void(const OutcomeFacts&)>& each) {
  std::string buffer;
  std::uint64_t at = 0;  // file offset of the buffer's first byte
  for (;;) {
    const std::size_t had = buffer.size();
    buffer.resize(had + kReadBytes);
    const ssize_t got = ::pread(fd_, buffer.data() + had, kReadBytes,
                                static_cast<off_t>(at + had));
    if (got < 0 && errno == EINTR) {
      buffer.resize(had);
      continue;
    }
    if (got < 0) throw Error("cannot read the outcome file " + options_.path + ": " + why(errno));
    buffer.resize(had + static_cast<std::size_t>(got));
    std::size_t start = 0;
    // What was there before has no newline: it was looked at already.
    for (std::size_t end = buffer.find('\n', had); end != std::string::npos;
         end = buffer.find('\n', start)) {
      const auto facts = read_outcome_line(std::string_view(buffer).substr(start, end - start));
      if (!facts && lines_read_ == 0)
        throw Error(options_.path + " is not an outcome file of sluice: choose another file");
      if (!facts)
        throw Error("line " + std::to_string(lines_read_ + 1) + " of the outcome file " +
                    options_.path + " is damaged (at byte " + std::to_string(at + start) +
                    "); restore the file, or move it away and start with a new one");
      ++lines_read_;
      each(*facts);
      start = end + 1;
    }
    buffer.erase(0, start);
    at += start;
    if (got == 0) break;
  }
  size_ = at;
  if (!buffer.empty()) cut_tail(buffer);
}

// A line without its end was being written when the power failed, so it was never confirmed.
// But only what can be the start of a line may be cut: anything else is somebody else's.
void OutcomeFile::cut_tail(std::string_view tail) {
  const std::string_view start = tail.substr(0, kOutcomeLineStart.size());
  const bool ours = start == kOutcomeLineStart.substr(0, start.size());
  if (!ours && !(lines_read_ > 0 && only_zeros(tail)))
    throw Error(options_.path + (lines_read_ == 0
                                     ? " is not an outcome file of sluice: choose another file"
                                     : " ends with something that is no outcome: restore the file, "
                                       "or move it away and start with a new one"));
  if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0)
    throw Error("cannot cut the torn last line off " + options_.path + ": " + why(errno));
  cut_bytes_ = tail.size();
}

OutcomeFile::Commit OutcomeFile::commit() {
  trouble_.clear();
  if (group_.empty()) return Commit::stored;
  if (!closed_because_.empty()) throw Error(closed_because_);
  std::size_t written = 0;
  while (written < group_.size()) {
    const ssize_t n = ::pwrite(fd_, group_.data() + written, group_.size() - written,
                               static_cast<off_t>(size_ + written));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      trouble_ = "cannot write to " + options_.path + ": " + why(n < 0 ? errno : ENOSPC);
      break;
    }
    written += static_cast<std::size_t>(n);
  }
  if (!trouble_.empty()) {
    if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0)
      close_for_good(trouble_ + "; and what was half written could not be taken back: " +
                     why(errno));
    group_.clear();
    return Commit::later;
  }
  if (options_.sync && options_.make_durable(fd_) != 0)
    close_for_good("fsync of " + options_.path + " failed: " + why(errno));
  size_ += group_.size();
  group_.clear();
  return Commit::stored;
}

// After a failed fsync the kernel may have dropped the pages and forgotten the error: trying again
// could say yes without the data being there.
void OutcomeFile::close_for_good(const std::string& reason) {
  closed_because_ = reason +
                    ". Nothing more is confirmed: check the disk and start the sink again; "
                    "it reads the file back, and what is missing is sent again";
  throw Error(closed_because_);
}

}  // namespace sluice::store
