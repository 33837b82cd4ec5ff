// placeholder.cpp: parsing and filling in placeholders.
// SPDX-License-Identifier: MIT
#include "cli/placeholder.hpp"

#include <algorithm>
#include <utility>

namespace sluice::cli {
namespace {

constexpr int kHighestPosition = 1'000'000;  // above any real number of input sources

bool is_safe_in_shell(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '+' || c == '/';
}

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view without_extension(std::string_view path) {
  const std::size_t end = path.find_last_of("./");
  if (end == std::string_view::npos || path[end] == '/') return path;
  return path.substr(0, end);
}

std::string_view without_trailing_slashes(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

// As dirname(1): "a//b/" -> "a", "/a" -> "/", "a" -> ".".
std::string_view folder_name(std::string_view path) {
  path = without_trailing_slashes(path);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return without_trailing_slashes(path.substr(0, slash + 1));
}

}  // namespace

std::string shell_quoted(std::string_view text) {
  if (text.empty()) return "''";
  if (std::all_of(text.begin(), text.end(), is_safe_in_shell)) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\"'\"'";
    } else {
      quoted += c;
    }
  }
  quoted += '\'';
  // An empty pair of quotes at either end says nothing.
  if (quoted.compare(0, 2, "''") == 0) quoted.erase(0, 2);
  if (quoted.size() >= 2 && quoted.compare(quoted.size() - 2, 2, "''") == 0) {
    quoted.erase(quoted.size() - 2);
  }
  return quoted;
}

bool WordTemplate::parse_placeholder(std::string_view inside, Piece& piece) {
  if (inside == "#") {
    piece.kind = Kind::number;
    return true;
  }
  if (inside == "%") {
    piece.kind = Kind::slot;
    return true;
  }
  piece.kind = Kind::argument;
  std::size_t at = !inside.empty() && inside[0] == '-' ? 1 : 0;
  const std::size_t first_digit = at;
  int position = 0;
  for (; at < inside.size() && inside[at] >= '0' && inside[at] <= '9'; ++at) {
    position = position * 10 + (inside[at] - '0');
    if (position > kHighestPosition) return false;
  }
  if (at > 0 && (at == first_digit || position == 0)) return false;  // "{-}", "{0}"
  piece.position = first_digit == 1 ? -position : position;
  const std::string_view what = inside.substr(at);
  constexpr std::pair<std::string_view, Part> kParts[] = {{"", Part::whole},
                                                          {".", Part::no_extension},
                                                          {"/", Part::base},
                                                          {"//", Part::folder},
                                                          {"/.", Part::base_no_extension}};
  for (const auto& [name, part] : kParts) {
    if (name == what) {
      piece.part = part;
      return true;
    }
  }
  return false;
}

WordTemplate::WordTemplate(std::string_view word) {
  std::string literal;
  std::size_t at = 0;
  while (at < word.size()) {
    const std::size_t close = word[at] == '{' ? word.find('}', at) : std::string_view::npos;
    Piece piece;
    if (close == std::string_view::npos ||
        !parse_placeholder(word.substr(at + 1, close - at - 1), piece)) {
      literal += word[at++];
      continue;
    }
    if (!literal.empty()) {
      pieces_.push_back({Kind::literal, Part::whole, 0, std::exchange(literal, {})});
    }
    pieces_.push_back(std::move(piece));
    at = close + 1;
  }
  if (!literal.empty()) pieces_.push_back({Kind::literal, Part::whole, 0, std::move(literal)});
}

bool WordTemplate::has_placeholder() const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [](const Piece& piece) { return piece.kind != Kind::literal; });
}

bool WordTemplate::mentions_slot() const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [](const Piece& piece) { return piece.kind == Kind::slot; });
}

std::size_t WordTemplate::highest_position() const {
  int highest = 0;
  for (const Piece& piece : pieces_) highest = std::max(highest, piece.position);
  return static_cast<std::size_t>(highest);
}

std::string WordTemplate::literal_text() const {
  std::string text;
  for (const Piece& piece : pieces_) text += piece.text;
  return text;
}

bool WordTemplate::is_lone_argument() const {
  return pieces_.size() == 1 && pieces_[0].kind == Kind::argument;
}

std::string_view WordTemplate::part_of(std::string_view argument, Part part) {
  switch (part) {
    case Part::whole:
      return argument;
    case Part::no_extension:
      return without_extension(argument);
    case Part::base:
      return base_name(argument);
    case Part::folder:
      return folder_name(argument);
    case Part::base_no_extension:
      return without_extension(base_name(argument));
  }
  return argument;
}

std::vector<std::string> WordTemplate::values(const Piece& piece,
                                              std::span<const std::string> arguments) {
  std::vector<std::string> result;
  if (piece.position == 0) {
    for (const std::string& argument : arguments) {
      result.emplace_back(part_of(argument, piece.part));
    }
    return result;
  }
  const auto count = static_cast<std::ptrdiff_t>(arguments.size());
  const std::ptrdiff_t index = piece.position > 0 ? piece.position - 1 : count + piece.position;
  if (index >= 0 && index < count) {
    result.emplace_back(part_of(arguments[static_cast<std::size_t>(index)], piece.part));
  }
  return result;
}

std::string WordTemplate::render(std::span<const std::string> arguments, std::uint64_t number,
                                 bool quote) const {
  std::string text;
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Kind::literal:
        text += piece.text;
        break;
      case Kind::number:
        text += std::to_string(number);
        break;
      case Kind::slot:
        text += "{%}";
        break;
      case Kind::argument: {
        const char* separator = "";
        for (const std::string& value : values(piece, arguments)) {
          text += separator;
          text += quote ? shell_quoted(value) : value;
          separator = " ";
        }
        break;
      }
    }
  }
  return text;
}

std::vector<std::string> WordTemplate::words(std::span<const std::string> arguments,
                                             std::uint64_t number) const {
  if (is_lone_argument()) return values(pieces_[0], arguments);
  return {render(arguments, number, false)};
}

std::string WordTemplate::shell_text(std::span<const std::string> arguments,
                                     std::uint64_t number) const {
  return render(arguments, number, true);
}

}  // namespace sluice::cli
