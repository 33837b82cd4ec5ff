// utf8.hpp: which bytes are text.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::wire {

/// Length of the longest start of `text` that is UTF-8 (RFC 3629: no overlong forms, no
/// surrogates, nothing above U+10FFFF).
[[nodiscard]] std::size_t utf8_prefix(std::string_view text);

[[nodiscard]] inline bool is_utf8(std::string_view text) {
  return utf8_prefix(text) == text.size();
}

/// The start of `text` that has at most `limit` bytes and does not end within a character.
[[nodiscard]] std::string_view utf8_clip(std::string_view text, std::size_t limit);

/// Puts '?' for each byte that is not part of UTF-8; the length stays.
void utf8_repair(char* text, std::size_t size);

}  // namespace sluice::wire
