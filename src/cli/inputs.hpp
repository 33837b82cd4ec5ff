// inputs.hpp: where the arguments of a run come from: ":::" lists, "::::" files and standard input.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

/// One input source: the words behind ":::", or one file behind "::::" ("-" is standard input).
struct InputSource {
  enum class Kind : std::uint8_t { list, file };
  Kind kind = Kind::list;
  std::vector<std::string> list;
  std::string path;
  bool linked = false;  ///< ":::+" and "::::+": goes in step with the source before it
};

/// The words of a command line, told apart.
struct RunWords {
  std::vector<std::string> options;  ///< for the option parser; without the "--"
  std::vector<std::string> command;
  std::vector<InputSource> sources;
};

/// Splits "[opts] [--] CMD {} ::: a b :::: file". Options end at "--" or at the first word that is
/// neither an option nor the value of one; `takes_value` is asked with "-j" or "--jobs". After
/// that only ":::", ":::+", "::::" and "::::+" are special. Throws sluice::Error for a "::::"
/// without a file.
[[nodiscard]] RunWords split_run_words(std::span<const std::string> words,
                                       const std::function<bool(std::string_view)>& takes_value);

/// The answer to "is there something?" where waiting is the caller's business.
enum class Ready : std::uint8_t { yes, wait, end };

/// Cuts what comes from a file descriptor into lines, without reading on while it has one.
///
/// Only the delimiter is removed ('\r' stays), an empty line is a line, and so is a last one
/// without delimiter. One thread at a time.
class LineReader {
 public:
  /// Does not own `fd`. `name` is for messages.
  LineReader(int fd, std::string name, char delimiter, std::size_t limit);

  /// Takes the next line into `line` if it has one. Otherwise reads once if there is something to
  /// read, and says `wait` if that did not complete a line. Never blocks.
  /// Throws sluice::Error if reading fails or a line is longer than the limit.
  [[nodiscard]] Ready poll(std::string& line);

  [[nodiscard]] int fd() const { return fd_; }

 private:
  bool take_buffered(std::string& line);
  [[noreturn]] void line_too_long() const;

  int fd_;
  std::string name_;
  char delimiter_;
  std::size_t limit_;
  std::string buffer_;
  std::size_t start_ = 0;    // of the line to come
  std::size_t scanned_ = 0;  // no delimiter between start_ and here
  std::uint64_t lines_ = 0;
  bool ended_ = false;
};

struct InputOptions {
  bool null_separated = false;  ///< lines end with a NUL byte instead of '\n'
  bool skip_blank = false;      ///< leave out records of blanks only
  int stdin_fd = 0;
  std::size_t line_limit = std::size_t{1} << 20;
  std::size_t product_limit = std::size_t{64} << 20;  ///< bytes held of sources after the first
};

/// All records of a run, one after the other.
///
/// Without sources they are the lines of standard input. Several sources make every combination,
/// the first one changing slowest; linked ones go in step and end with the shortest. An empty
/// source among several counts as one empty argument. The first source (with those linked to it)
/// is read as records are asked for, so it may be endless; the others are read by the constructor.
class Inputs {
 public:
  /// Opens files and reads all sources but the first. Throws sluice::Error if that fails.
  explicit Inputs(std::vector<InputSource> sources, InputOptions options = {});
  ~Inputs();
  Inputs(const Inputs&) = delete;
  Inputs& operator=(const Inputs&) = delete;

  /// Like LineReader::poll. On `wait`, wait until fd() is readable before trying again.
  [[nodiscard]] Ready try_next(std::vector<std::string>& record);

  /// The next record, or nothing after the last. Blocks until there is one.
  [[nodiscard]] std::optional<std::vector<std::string>> next();

  /// What the next record waits for; -1 if that is no file.
  [[nodiscard]] int fd() const;

  /// How many records there are altogether: known for lists at once, for files at their end.
  [[nodiscard]] std::optional<std::uint64_t> total() const { return total_; }

  /// How many arguments a record has.
  [[nodiscard]] std::size_t width() const { return width_; }

 private:
  class Column;
  struct Group;
  using Record = std::vector<std::string>;

  std::unique_ptr<Column> open_column(InputSource source) const;
  void read_group(Group& group);
  Ready advance_first();
  void combine(Record& record);
  bool step_product();

  InputOptions options_;
  std::vector<Group> groups_;
  std::size_t width_ = 0;
  std::size_t held_bytes_ = 0;
  Record first_;             // the row of the first group that is being combined
  bool combining_ = false;   // first_ still has combinations to come
  bool first_seen_ = false;  // the first group has given a row
  std::uint64_t given_ = 0;
  bool ended_ = false;
  std::optional<std::uint64_t> total_;
};

}  // namespace sluice::cli
