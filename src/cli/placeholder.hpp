// placeholder.hpp: {} and its relatives, which stand for an argument inside a command word.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

/// Written so that sh reads it as one word equal to `text`, quoted as GNU parallel quotes: left
/// alone if it is made of letters, digits and "-_.+/", else in single quotes.
[[nodiscard]] std::string shell_quoted(std::string_view text);

/// One command word, taken apart at its placeholders.
///
///   {}  the argument             {#}  the number of the task, from 1
///   {.} without its extension    {1}  the argument of the first input source, {2} of the second,
///   {/} its base name                 {-1} of the last; {1.} {1/} {1//} {1/.} likewise
///   {//} its folder, or "."
///   {/.} base name without extension
///
/// With several input sources a placeholder without a position stands for all of the arguments.
/// A position that no source has is replaced by nothing. Only the last extension is removed, and
/// only from the base name: "a.b/c" has none.
///
/// {%}, the slot a task runs on, is known only to the worker that starts it. It is recognised,
/// so that it is not mistaken for shell syntax, and left as it stands.
class WordTemplate {
 public:
  explicit WordTemplate(std::string_view word);

  /// Whether it holds any placeholder, {#} and {%} included.
  [[nodiscard]] bool has_placeholder() const;
  [[nodiscard]] bool mentions_slot() const;
  /// The largest N of a {N} in it; 0 if there is none.
  [[nodiscard]] std::size_t highest_position() const;
  /// The word without its placeholders, for looking at what the author wrote around them.
  [[nodiscard]] std::string literal_text() const;
  /// Whether it is one placeholder for arguments and nothing else.
  [[nodiscard]] bool is_lone_argument() const;

  /// The words it becomes when no shell reads them: one, with several arguments joined by a
  /// space; but a lone placeholder becomes one word for each of its arguments.
  [[nodiscard]] std::vector<std::string> words(std::span<const std::string> arguments,
                                               std::uint64_t number) const;

  /// The text it becomes when a shell reads it: each argument is quoted by itself.
  [[nodiscard]] std::string shell_text(std::span<const std::string> arguments,
                                       std::uint64_t number) const;

 private:
  enum class Kind : std::uint8_t { literal, argument, number, slot };
  enum class Part : std::uint8_t { whole, no_extension, base, folder, base_no_extension };

  struct Piece {
    Kind kind = Kind::literal;
    Part part = Part::whole;
    int position = 0;  // 0: all arguments; negative: counted from the last
    std::string text;  // of a literal
  };

  static bool parse_placeholder(std::string_view inside, Piece& piece);
  static std::string_view part_of(std::string_view argument, Part part);
  static std::vector<std::string> values(const Piece& piece,
                                         std::span<const std::string> arguments);
  [[nodiscard]] std::string render(std::span<const std::string> arguments, std::uint64_t number,
                                   bool quote) const;

  std::vector<Piece> pieces_;
};

}  // namespace sluice::cli
