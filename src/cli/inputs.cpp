// inputs.cpp: splitting command lines, cutting lines, combining sources.
// SPDX-License-Identifier: MIT
#include "cli/inputs.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

constexpr std::size_t kReadSize = 65536;

std::string reason(int error) { return std::generic_category().message(error); }

// Whether a read would not block. An end and an error are something to read, too.
bool is_readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return fd < 0 || ::poll(&entry, 1, 0) != 0;
}

bool is_separator(std::string_view word) {
  return word == ":::" || word == ":::+" || word == "::::" || word == "::::+";
}

// Whether the option word `word` leaves its value to the word behind it.
bool wants_next_word(std::string_view word,
                     const std::function<bool(std::string_view)>& takes_value) {
  if (word.substr(0, 2) == "--") {
    return word.find('=') == std::string_view::npos && takes_value(word);
  }
  // "-k0j4": a cluster, whose first letter with a value swallows what is left of it.
  for (std::size_t i = 1; i < word.size(); ++i) {
    if (takes_value(std::string{'-', word[i]})) return i + 1 == word.size();
  }
  return false;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string::npos;
}

}  // namespace

RunWords split_run_words(std::span<const std::string> words,
                         const std::function<bool(std::string_view)>& takes_value) {
  RunWords result;
  std::size_t at = 0;
  for (; at < words.size() && !is_separator(words[at]); ++at) {
    const std::string& word = words[at];
    if (word == "--") {
      ++at;
      break;
    }
    if (word.size() < 2 || word[0] != '-') break;
    result.options.push_back(word);
    if (wants_next_word(word, takes_value) && at + 1 < words.size()) {
      result.options.push_back(words[++at]);
    }
  }
  while (at < words.size() && !is_separator(words[at])) result.command.push_back(words[at++]);
  while (at < words.size()) {
    const std::string& separator = words[at++];
    const bool linked = separator.back() == '+';
    const std::size_t first = at;
    while (at < words.size() && !is_separator(words[at])) ++at;
    const std::span<const std::string> behind = words.subspan(first, at - first);
    if (separator.substr(0, 4) != "::::") {
      result.sources.push_back(
          {InputSource::Kind::list, {behind.begin(), behind.end()}, "", linked});
      continue;
    }
    if (behind.empty()) {
      throw Error("'" + separator + "' must be followed by a file; '-' is standard input");
    }
    for (const std::string& path : behind) {
      result.sources.push_back({InputSource::Kind::file, {}, path, linked});
    }
  }
  return result;
}

LineReader::LineReader(int fd, std::string name, char delimiter, std::size_t limit)
    : fd_(fd), name_(std::move(name)), delimiter_(delimiter), limit_(limit) {}

void LineReader::line_too_long() const {
  throw Error("line " + std::to_string(lines_ + 1) + " of " + name_ + " is longer than " +
              std::to_string(limit_) + " bytes; is it a list of arguments, one a line" +
              (delimiter_ == '\0' ? ", with a NUL byte after each?" : "?"));
}

bool LineReader::take_buffered(std::string& line) {
  const std::size_t found = buffer_.find(delimiter_, scanned_);
  const bool unfinished = found == std::string::npos;
  const std::size_t end = unfinished ? buffer_.size() : found;
  if (end - start_ > limit_) line_too_long();
  scanned_ = end;
  if (unfinished && (!ended_ || start_ == buffer_.size())) return false;
  line.assign(buffer_, start_, end - start_);
  ++lines_;
  start_ = unfinished ? end : end + 1;
  scanned_ = start_;
  return true;
}

Ready LineReader::poll(std::string& line) {
  if (take_buffered(line)) return Ready::yes;
  if (ended_) return Ready::end;
  if (!is_readable(fd_)) return Ready::wait;
  buffer_.erase(0, start_);
  scanned_ -= start_;
  start_ = 0;
  const std::size_t held = buffer_.size();
  buffer_.resize(held + kReadSize);
  const ssize_t got = ::read(fd_, buffer_.data() + held, kReadSize);
  const int error = errno;
  buffer_.resize(held + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) {
    if (error == EAGAIN || error == EINTR) return Ready::wait;
    throw Error("cannot read arguments from " + name_ + ": " + reason(error));
  }
  ended_ = got == 0;
  if (take_buffered(line)) return Ready::yes;
  return ended_ ? Ready::end : Ready::wait;
}

// One source: a list, or lines of a file it may own.
class Inputs::Column {
 public:
  explicit Column(std::vector<std::string> list) : list_(std::move(list)) {}
  Column(LineReader reader, bool owned) : reader_(std::move(reader)), owned_(owned) {}
  ~Column() {
    if (owned_) ::close(reader_->fd());
  }
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;

  Ready poll(std::string& value) {
    if (reader_) return reader_->poll(value);
    if (at_ == list_.size()) return Ready::end;
    value = std::move(list_[at_++]);
    return Ready::yes;
  }
  [[nodiscard]] int fd() const { return reader_ ? reader_->fd() : -1; }
  // Only before the first poll.
  [[nodiscard]] std::optional<std::size_t> size() const {
    return reader_ ? std::nullopt : std::optional(list_.size());
  }

 private:
  std::vector<std::string> list_;
  std::size_t at_ = 0;
  std::optional<LineReader> reader_;
  bool owned_ = false;
};

// Columns that go in step. The row to come is gathered one column at a time, since any of them
// may have to wait.
struct Inputs::Group {
  std::vector<std::unique_ptr<Column>> columns;
  Record pending;
  std::vector<Record> rows;  // read beforehand; not used for the first group
  std::size_t at = 0;        // into rows

  Ready poll(Record& row) {
    while (pending.size() < columns.size()) {
      std::string value;
      const Ready ready = columns[pending.size()]->poll(value);
      if (ready != Ready::yes) return ready;
      pending.push_back(std::move(value));
    }
    row = std::exchange(pending, {});
    return Ready::yes;
  }
  [[nodiscard]] int fd() const { return columns[pending.size()]->fd(); }
  [[nodiscard]] std::optional<std::size_t> size() const {
    std::optional<std::size_t> shortest;
    for (const auto& column : columns) {
      const auto size = column->size();
      if (!size) return std::nullopt;
      shortest = std::min(*size, shortest.value_or(*size));
    }
    return shortest;
  }
};

namespace {

void wait_readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  while (::poll(&entry, 1, -1) < 0) {
    if (errno != EINTR) throw Error("cannot wait for arguments: " + reason(errno));
  }
}

}  // namespace

std::unique_ptr<Inputs::Column> Inputs::open_column(InputSource source) const {
  if (source.kind == InputSource::Kind::list) {
    return std::make_unique<Column>(std::move(source.list));
  }
  const char delimiter = options_.null_separated ? '\0' : '\n';
  if (source.path == "-") {
    return std::make_unique<Column>(
        LineReader(options_.stdin_fd, "standard input", delimiter, options_.line_limit), false);
  }
  const int fd = ::open(source.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    throw Error("cannot open '" + source.path + "' for reading arguments: " + reason(errno));
  }
  return std::make_unique<Column>(
      LineReader(fd, "'" + source.path + "'", delimiter, options_.line_limit), true);
}

Inputs::Inputs(std::vector<InputSource> sources, InputOptions options) : options_(options) {
  if (sources.empty()) sources.push_back({InputSource::Kind::file, {}, "-", false});
  width_ = sources.size();
  for (InputSource& source : sources) {
    if (groups_.empty() || !source.linked) groups_.emplace_back();
    groups_.back().columns.push_back(open_column(std::move(source)));
  }
  const std::optional<std::size_t> first_size = groups_[0].size();
  for (std::size_t i = 1; i < groups_.size(); ++i) read_group(groups_[i]);
  // Blank records are only known as such when they come by.
  if (!first_size || options_.skip_blank) return;
  std::uint64_t total = *first_size;
  if (groups_.size() > 1) total = std::max<std::uint64_t>(total, 1);
  for (std::size_t i = 1; i < groups_.size(); ++i) {
    if (__builtin_mul_overflow(total, std::uint64_t{groups_[i].rows.size()}, &total)) return;
  }
  total_ = total;
}

Inputs::~Inputs() = default;

void Inputs::read_group(Group& group) {
  Record row;
  while (true) {
    const Ready ready = group.poll(row);
    if (ready == Ready::end) break;
    if (ready == Ready::wait) {
      wait_readable(group.fd());
      continue;
    }
    for (const std::string& value : row) held_bytes_ += value.size() + sizeof(std::string);
    if (held_bytes_ > options_.product_limit) {
      throw Error("the input sources after the first hold more than " +
                  std::to_string(options_.product_limit) +
                  " bytes, and must be kept in memory to combine them; put the longest one first");
    }
    group.rows.push_back(std::move(row));
  }
  if (group.rows.empty()) group.rows.emplace_back(group.columns.size());
}

Ready Inputs::advance_first() {
  const Ready ready = groups_[0].poll(first_);
  if (ready == Ready::end && (groups_.size() == 1 || first_seen_)) return ready;
  if (ready == Ready::wait) return ready;
  if (ready == Ready::end) first_.assign(groups_[0].columns.size(), "");
  first_seen_ = true;
  return Ready::yes;
}

void Inputs::combine(Record& record) {
  record = first_;
  for (std::size_t i = 1; i < groups_.size(); ++i) {
    const Record& row = groups_[i].rows[groups_[i].at];
    record.insert(record.end(), row.begin(), row.end());
  }
}

// Goes to the next combination of the later groups, the last one fastest; false after the last.
bool Inputs::step_product() {
  for (std::size_t i = groups_.size(); i-- > 1;) {
    if (++groups_[i].at < groups_[i].rows.size()) return true;
    groups_[i].at = 0;
  }
  return false;
}

Ready Inputs::try_next(std::vector<std::string>& record) {
  while (!ended_) {
    if (!combining_) {
      const Ready ready = advance_first();
      if (ready == Ready::wait) return ready;
      if (ready == Ready::end) {
        ended_ = true;
        total_ = given_;
        break;
      }
      combining_ = true;
    }
    combine(record);
    combining_ = step_product();
    if (options_.skip_blank && std::all_of(record.begin(), record.end(), is_blank)) continue;
    ++given_;
    return Ready::yes;
  }
  return Ready::end;
}

std::optional<std::vector<std::string>> Inputs::next() {
  std::vector<std::string> record;
  while (true) {
    switch (try_next(record)) {
      case Ready::yes:
        return record;
      case Ready::end:
        return std::nullopt;
      case Ready::wait:
        wait_readable(fd());
        break;
    }
  }
}

int Inputs::fd() const { return ended_ || combining_ ? -1 : groups_[0].fd(); }

}  // namespace sluice::cli
