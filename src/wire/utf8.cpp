// utf8.cpp: which bytes are text.
// SPDX-License-Identifier: MIT
#include "wire/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace sluice::wire {
namespace {

std::uint8_t byte_at(std::string_view text, std::size_t i) {
  return static_cast<std::uint8_t>(text[i]);
}

// Length of the character of more than one byte at `i`, 0 if there is none.
std::size_t long_character(std::string_view text, std::size_t i) {
  const std::uint8_t lead = byte_at(text, i);
  std::size_t length = 0;
  // The second byte's range is what forbids overlong forms, surrogates and too large ones.
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  }
  if (length == 0 || text.size() - i < length) return 0;
  if (byte_at(text, i + 1) < low || byte_at(text, i + 1) > high) return 0;
  for (std::size_t k = 2; k < length; ++k) {
    if ((byte_at(text, i + k) & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::size_t utf8_prefix(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    if (text.size() - i >= sizeof(std::uint64_t)) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, text.data() + i, sizeof eight);
      if ((eight & 0x8080808080808080U) == 0) {
        i += sizeof eight;
        continue;
      }
    }
    if (byte_at(text, i) < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = long_character(text, i);
    if (length == 0) return i;
    i += length;
  }
  return i;
}

std::string_view utf8_clip(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t cut = limit;
  // A character has at most three continuation bytes; more are not text anyway.
  for (int back = 0; back < 3 && cut > 0 && (byte_at(text, cut) & 0xC0) == 0x80; ++back) --cut;
  return text.substr(0, cut);
}

void utf8_repair(char* text, std::size_t size) {
  std::string_view rest(text, size);
  while (true) {
    const std::size_t good = utf8_prefix(rest);
    if (good == rest.size()) return;
    text[size - rest.size() + good] = '?';
    rest.remove_prefix(good + 1);
  }
}

}  // namespace sluice::wire
