// command_line.hpp: from the words after "--" and one input record to the command of a task.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cli/placeholder.hpp"
#include "sluice/command.hpp"

namespace sluice::cli {

/// The command of a run, into which each input record is filled.
///
///   no words, or just {}        the record is a command for sh         'gzip a; touch b'
///   one word with shell syntax  the word is a command for sh, and      'gzip -c {} > {.}.z'
///                               arguments are filled in quoted
///   anything else               a program and its arguments, started   gzip -k {}
///                               without a shell; nothing is split again
///
/// Where the words hold no placeholder at all, the arguments come last. Immutable; any thread.
class CommandLine {
 public:
  explicit CommandLine(std::vector<std::string> words);

  /// The command of the task with this record and number (from 1). `display` is what to type in
  /// a shell to do the same, on one line: a line break in it is shown as the characters \n.
  /// Throws sluice::Error for what cannot be started: no words at all, or a NUL byte in one.
  [[nodiscard]] Command build(std::span<const std::string> arguments, std::uint64_t number) const;

  /// What to type in a shell to do the same, line breaks included.
  [[nodiscard]] std::string text(std::span<const std::string> arguments,
                                 std::uint64_t number) const;

  /// Whether commands are run by sh.
  [[nodiscard]] bool uses_shell() const { return mode_ != Mode::program; }
  /// Whether {%} is in it, which nothing replaces; a task finds its slot in SLUICE_SLOT.
  [[nodiscard]] bool mentions_slot() const;
  /// The largest N of a {N} in it; 0 if there is none. More than the input has sources is
  /// probably a mistake.
  [[nodiscard]] std::size_t highest_position() const;

 private:
  enum class Mode : std::uint8_t { record, shell, program };

  [[nodiscard]] std::vector<std::string> program_words(std::span<const std::string> arguments,
                                                       std::uint64_t number) const;
  [[nodiscard]] std::string shell_command(std::span<const std::string> arguments,
                                          std::uint64_t number) const;

  Mode mode_ = Mode::record;
  bool append_ = false;  // no placeholder anywhere: arguments come last
  std::vector<WordTemplate> words_;
};

}  // namespace sluice::cli
