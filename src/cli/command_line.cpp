// command_line.cpp: deciding between sh and a plain program, and filling in arguments.
// SPDX-License-Identifier: MIT
#include "cli/command_line.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

constexpr std::string_view kShellSyntax = " |&;<>()$`\"'\\*?[]#~=%!{}\n\t";

std::string on_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      line += "\\n";
    } else {
      line += c;
    }
  }
  return line;
}

std::string joined(std::span<const std::string> words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

std::string joined_quoted(std::span<const std::string> words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    text += shell_quoted(word);
  }
  return text;
}

// What no system call can start. An input of "find -print0" read as lines ends here.
void check(const Command& command, std::uint64_t number) {
  const std::string task = "task " + std::to_string(number);
  if (command.argv.empty()) {
    throw Error(task +
                " has no command: its placeholders stand for nothing; "
                "are there as many input sources as they ask for?");
  }
  for (const std::string& word : command.argv) {
    if (word.find('\0') != std::string::npos) {
      throw Error(task +
                  " has a NUL byte in an argument, which no command can take; "
                  "if the input is separated by NUL bytes, use --null");
    }
  }
}

}  // namespace

CommandLine::CommandLine(std::vector<std::string> words) {
  for (const std::string& word : words) words_.emplace_back(word);
  if (words.empty() || (words.size() == 1 && words[0] == "{}")) return;

  append_ = std::none_of(words_.begin(), words_.end(),
                         [](const WordTemplate& word) { return word.has_placeholder(); });
  const bool syntax = words_.size() == 1 &&
                      words_[0].literal_text().find_first_of(kShellSyntax) != std::string::npos;
  mode_ = syntax ? Mode::shell : Mode::program;
}

std::vector<std::string> CommandLine::program_words(std::span<const std::string> arguments,
                                                    std::uint64_t number) const {
  std::vector<std::string> result;
  for (const WordTemplate& word : words_) {
    for (std::string& filled : word.words(arguments, number)) result.push_back(std::move(filled));
  }
  if (append_) result.insert(result.end(), arguments.begin(), arguments.end());
  return result;
}

std::string CommandLine::shell_command(std::span<const std::string> arguments,
                                       std::uint64_t number) const {
  if (mode_ == Mode::record) return joined(arguments);
  std::string command = words_[0].shell_text(arguments, number);
  if (append_ && !arguments.empty()) command += ' ' + joined_quoted(arguments);
  return command;
}

Command CommandLine::build(std::span<const std::string> arguments, std::uint64_t number) const {
  Command command;
  if (uses_shell()) {
    std::string script = shell_command(arguments, number);
    command.display = on_one_line(script);
    command.argv = {"sh", "-c", std::move(script)};
  } else {
    command.argv = program_words(arguments, number);
    command.display = on_one_line(joined_quoted(command.argv));
  }
  check(command, number);
  return command;
}

std::string CommandLine::text(std::span<const std::string> arguments, std::uint64_t number) const {
  return uses_shell() ? shell_command(arguments, number)
                      : joined_quoted(program_words(arguments, number));
}

bool CommandLine::mentions_slot() const {
  return std::any_of(words_.begin(), words_.end(),
                     [](const WordTemplate& word) { return word.mentions_slot(); });
}

std::size_t CommandLine::highest_position() const {
  std::size_t highest = 0;
  for (const WordTemplate& word : words_) highest = std::max(highest, word.highest_position());
  return highest;
}

}  // namespace sluice::cli
