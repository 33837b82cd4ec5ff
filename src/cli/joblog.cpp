// joblog.cpp: formatting, parsing and writing joblog lines.
// SPDX-License-Identifier: MIT
#include "cli/joblog.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <fstream>
#include <system_error>
#include <utility>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

constexpr std::size_t kRuntimeWidth = 10;  // parallel's "%10.3f"

// "12.345", rounded to nearest. Times before the epoch and negative run times (a clock that was
// set back) are written as 0.
std::string seconds(std::chrono::microseconds time) {
  const std::int64_t us = std::max<std::int64_t>(time.count(), 0);
  const std::int64_t ms = us / 1000 + (us % 1000 >= 500 ? 1 : 0);
  std::string fraction = std::to_string(ms % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return std::to_string(ms / 1000) + '.' + fraction;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end;
}

// Seconds with or without a fraction, of which microseconds are kept.
bool read_seconds(std::string_view text, std::chrono::microseconds& time) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const std::size_t dot = std::min(text.find('.'), text.size());
  std::int64_t whole = 0;
  if (!read_number(text.substr(0, dot), whole)) return false;
  if (whole < 0 || whole > std::chrono::microseconds::max().count() / 1'000'000 - 1) return false;
  std::int64_t fraction = 0;
  std::int64_t weight = 100'000;
  for (std::size_t i = dot + 1; i < text.size(); ++i, weight /= 10) {
    if (text[i] < '0' || text[i] > '9') return false;
    fraction += (text[i] - '0') * weight;
  }
  time = std::chrono::microseconds(whole * 1'000'000 + fraction);
  return true;
}

std::string failure(const char* what, const std::string& path, int error) {
  return std::string(what) + " the joblog '" + path +
         "': " + std::generic_category().message(error);
}

}  // namespace

std::string joblog_line(const JobLogEntry& entry) {
  std::string host = entry.host;
  std::replace_if(
      host.begin(), host.end(), [](char c) { return c == '\t' || c == '\n'; }, ' ');
  std::string command = entry.command;
  std::replace(command.begin(), command.end(), '\n', '\0');
  return std::to_string(entry.seq) + '\t' + host + '\t' + seconds(entry.start) + '\t' +
         padded(seconds(entry.runtime), kRuntimeWidth) + '\t' + std::to_string(entry.sent) + '\t' +
         std::to_string(entry.received) + '\t' + std::to_string(entry.exit_code) + '\t' +
         std::to_string(entry.signal) + '\t' + command + '\n';
}

std::optional<JobLogEntry> parse_joblog_line(std::string_view line) {
  std::array<std::string_view, 8> columns;
  for (std::string_view& column : columns) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) return std::nullopt;
    column = line.substr(0, tab);
    line.remove_prefix(tab + 1);
  }
  JobLogEntry entry;
  if (!read_number(columns[0], entry.seq) || !read_seconds(columns[2], entry.start) ||
      !read_seconds(columns[3], entry.runtime) || !read_number(columns[4], entry.sent) ||
      !read_number(columns[5], entry.received) || !read_number(columns[6], entry.exit_code) ||
      !read_number(columns[7], entry.signal)) {
    return std::nullopt;
  }
  entry.host = columns[1];
  entry.command = line;
  std::replace(entry.command.begin(), entry.command.end(), '\0', '\n');
  return entry;
}

void read_joblog(const std::string& path, const std::function<void(const JobLogEntry&)>& each) {
  std::ifstream file(path, std::ios::binary);
  if (!file && errno == ENOENT) return;
  if (!file) throw Error(failure("cannot read", path, errno));
  bool any = false, ours = false;
  std::string line;
  while (std::getline(file, line) && !file.eof()) {  // at the end of the file: a torn line
    any = true;
    ours = ours || line + '\n' == kJobLogHeader;
    const auto entry = parse_joblog_line(line);
    if (!entry) continue;
    ours = true;
    each(*entry);
  }
  if (file.bad()) throw Error(failure("cannot read", path, errno));
  if (any && !ours)
    throw Error("'" + path + "' is no joblog: give another file, or one that is not there");
}

JobLog::JobLog(std::string path, Open open)
    : path_(std::move(path)),
      fd_(::open(path_.c_str(),
                 O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | (open == Open::fresh ? O_TRUNC : 0),
                 0666)) {
  if (fd_ < 0 && (errno == EACCES || errno == EPERM)) {
    // A file, or a device, that may be written but not read is still a joblog.
    fd_ = ::open(path_.c_str(),
                 O_WRONLY | O_APPEND | O_CLOEXEC | (open == Open::fresh ? O_TRUNC : 0));
  }
  if (fd_ < 0) throw Error(failure("cannot open", path_, errno));
  struct stat status {};
  try {
    if (::fstat(fd_, &status) != 0) throw Error(failure("cannot look at", path_, errno));
    if (status.st_size == 0) {
      write_all(kJobLogHeader);
      return;
    }
    end_torn_line(status.st_size);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

JobLog::~JobLog() { ::close(fd_); }

// Whoever was killed while it wrote a line had not logged its task. Where the file cannot be
// read or cut, as a device cannot, nothing is known about its end.
void JobLog::end_torn_line(std::int64_t size) {
  std::array<char, 4096> block{};
  std::int64_t end = size;
  while (end > 0) {
    const std::int64_t from = std::max<std::int64_t>(end - std::int64_t{block.size()}, 0);
    const auto wanted = static_cast<std::size_t>(end - from);
    if (::pread(fd_, block.data(), wanted, from) != end - from) return;
    const std::size_t at = std::string_view(block.data(), wanted).rfind('\n');
    end = from;
    if (at == std::string_view::npos) continue;
    end += static_cast<std::int64_t>(at) + 1;
    break;
  }
  if (end == size) return;
  if (::ftruncate(fd_, end) != 0) throw Error(failure("cannot cut the torn line of", path_, errno));
  if (end == 0) write_all(kJobLogHeader);
}

void JobLog::write(const JobLogEntry& entry) { write_all(joblog_line(entry)); }

void JobLog::write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd_, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw Error(failure("cannot write", path_, errno));
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace sluice::cli
