// delivery_marks.cpp: one byte, written in place.
// SPDX-License-Identifier: MIT
#include "cli/delivery_marks.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kLeastLine = 128;
constexpr std::size_t kBlock = 64 * 1024;

std::string failure(const char* what, const std::string& path, int error) {
  return std::string(what) + ' ' + path + ": " + std::generic_category().message(error);
}

}  // namespace

DeliveryMarks::DeliveryMarks(std::string path, bool fresh)
    : path_(std::move(path)),
      fd_(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | (fresh ? O_TRUNC : 0), 0600)) {
  if (fd_ < 0) throw Error(failure("cannot open", path_, errno));
}

DeliveryMarks::~DeliveryMarks() { ::close(fd_); }

bool DeliveryMarks::marked(std::uint64_t place) const {
  const std::uint64_t at = place / kLeastLine;
  if (buffer_.empty() || at < block_ || at >= block_ + buffer_.size()) {
    block_ = at;
    buffer_.assign(kBlock, 0);
    const ssize_t got = ::pread(fd_, buffer_.data(), buffer_.size(), static_cast<off_t>(at));
    if (got < 0) throw Error(failure("cannot read", path_, errno));
  }
  return buffer_[at - block_] != 0;
}

void DeliveryMarks::mark(std::uint64_t place) const {
  const char one = 1;
  buffer_.clear();
  while (::pwrite(fd_, &one, 1, static_cast<off_t>(place / kLeastLine)) < 0)
    if (errno != EINTR) throw Error(failure("cannot write", path_, errno));
}

}  // namespace sluice::cli
