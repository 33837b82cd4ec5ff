// ordered_output.hpp: prints what tasks wrote, each task's output in one piece, in order if asked.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::cli {

/// Writes all of `text`, waiting where `fd` is non-blocking and full. False if nobody reads any
/// more (EPIPE): an ordinary end, to stop at. Throws sluice::Error for anything else, such as a
/// full disk. Never raises SIGPIPE.
[[nodiscard]] bool write_all(int fd, std::string_view text);

/// `text` with `tag` before each line. Only '\n' ends a line; nothing is added to a last line
/// without it, and nothing at all to an empty text.
[[nodiscard]] std::string tagged(std::string_view text, std::string_view tag);

/// What one task wrote.
struct TaskOutput {
  std::uint64_t seq = 0;  ///< its place in the order of submission
  std::string label;      ///< its arguments, for --tag
  std::string out;
  std::string err;
  std::optional<std::uint64_t> place{};  ///< whatever the owner wants to know it by
};

struct OutputOptions {
  bool keep_order = false;  ///< -k: in order of submission
  bool tag = false;         ///< --tag: "LABEL\t" before each line
  std::uint64_t first_seq = 1;
  int out_fd = 1;
  int err_fd = 2;
  /// Called for each output that is printed whole.
  std::function<void(const TaskOutput&)> printed{};
};

/// Whether whoever reads this file descriptor can have nothing yet: it is a pipe, a socket or an
/// empty file, as after ">". A terminal, and a file that is continued by ">>", have what was
/// printed there before.
[[nodiscard]] bool has_new_reader(int fd);

/// Collects outputs and prints them, stdout before stderr.
///
/// Without keep_order each is printed at once. With it, an output waits until those of all earlier
/// tasks were given; so every task must be given once, one that printed nothing included. What
/// waits is bounded by whoever submits: not beyond next_expected() plus some window.
/// One thread at a time.
class OrderedOutput {
 public:
  explicit OrderedOutput(OutputOptions options);

  /// Prints `output`, or keeps it, and then whatever it held up. False once nobody reads any more.
  /// An output that comes a second time, or too late, is dropped.
  [[nodiscard]] bool add(TaskOutput output);

  /// Prints what is held, in order, across gaps: for the end of a run that did not go to its end.
  [[nodiscard]] bool finish();

  /// With keep_order: the first task whose output is missing. Without: one above the highest given.
  [[nodiscard]] std::uint64_t next_expected() const { return next_; }
  [[nodiscard]] std::size_t held() const { return held_.size(); }
  [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }

 private:
  bool print(const TaskOutput& output);
  bool print_to(int fd, const TaskOutput& output, const std::string& text);

  OutputOptions options_;
  std::uint64_t next_;
  std::map<std::uint64_t, TaskOutput> held_;
  std::size_t held_bytes_ = 0;
  bool reader_gone_ = false;
};

}  // namespace sluice::cli
