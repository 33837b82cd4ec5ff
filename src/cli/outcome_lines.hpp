// outcome_lines.hpp: reads an outcome file that somebody else writes, in order or line by line.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace sluice::cli {

/// An outcome file, open to read. One thread at a time.
class OutcomeLines {
 public:
  /// A file that is not there is an empty one. Throws sluice::Error.
  explicit OutcomeLines(std::string path);
  ~OutcomeLines();
  OutcomeLines(const OutcomeLines&) = delete;
  OutcomeLines& operator=(const OutcomeLines&) = delete;

  /// Every whole line (without its newline), and the byte where it begins.
  void each(const std::function<void(std::string_view line, std::uint64_t place)>& visit) const;
  /// The line that begins at that byte.
  [[nodiscard]] std::string at(std::uint64_t place) const;

 private:
  [[nodiscard]] std::size_t read(char* to, std::size_t bytes, std::uint64_t at) const;

  std::string path_;
  int fd_;
};

/// A copy of an outcome file that is always the beginning of it, so that its size says how far it
/// goes: `run --outcomes FILE` of a run that keeps its own outcomes elsewhere.
class OutcomeCopy {
 public:
  /// Goes on with what is there if it is the beginning of `source`, else begins anew. Throws
  /// sluice::Error: the file cannot be opened, or is not a regular one.
  OutcomeCopy(std::string path, const std::string& source, bool fresh);
  ~OutcomeCopy();
  OutcomeCopy(const OutcomeCopy&) = delete;
  OutcomeCopy& operator=(const OutcomeCopy&) = delete;

  /// Copies up to that size of the source. What could not be written is tried again next time.
  void advance(std::uint64_t size);
  /// Why the last advance() stopped early, for people; empty if it did not.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  [[nodiscard]] bool is_beginning(std::uint64_t size) const;

  std::string path_;
  int fd_, source_;
  std::uint64_t copied_ = 0;
  std::string trouble_;
};

}  // namespace sluice::cli
