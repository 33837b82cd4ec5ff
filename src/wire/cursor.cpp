// cursor.cpp: a bounds-checked walk over the msgpack a peer sent.
// SPDX-License-Identifier: MIT
#include "wire/cursor.hpp"

#include <limits>

#include "wire/limits.hpp"
#include "wire/utf8.hpp"

namespace sluice::wire {

using core::Code;

void Cursor::fail(Code code, std::string_view what) {
  if (what_.empty()) {
    code_ = code;
    what_ = what;
  }
  at_ = end_;
}

std::uint64_t Cursor::big_endian(std::size_t bytes) {
  if (left() < bytes) {
    fail(Code::bad_frame, "the body is cut off");
    return 0;
  }
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8U | *at_++;
  return value;
}

std::uint64_t Cursor::wide_number() {
  if (at_ == end_) {
    fail(Code::bad_frame, "the body is cut off");
    return 0;
  }
  const std::uint8_t lead = *at_;
  if (lead < 0x80) return *at_++;
  std::uint64_t top = 0;  // the largest value that is not negative in this width
  switch (lead) {
    case 0xCC: case 0xCD: case 0xCE: case 0xCF:
      top = std::numeric_limits<std::int64_t>::max();
      break;
    case 0xD0: top = 0x7F; break;
    case 0xD1: top = 0x7FFF; break;
    case 0xD2: top = 0x7FFFFFFF; break;
    case 0xD3: top = std::numeric_limits<std::int64_t>::max(); break;
    default: fail(Code::bad_frame, "a whole number was expected"); return 0;
  }
  ++at_;
  const std::uint64_t value = big_endian(std::size_t{1} << (lead & 3U));
  if (value > top) {
    fail(Code::bad_frame, "a number is negative or above 2^63-1");
    return 0;
  }
  return value;
}

bool Cursor::boolean() {
  if (at_ == end_ || (*at_ != 0xC2 && *at_ != 0xC3)) {
    fail(Code::bad_frame, "a bool was expected");
    return false;
  }
  return *at_++ == 0xC3;
}

std::size_t Cursor::array() {
  std::size_t count = 0;
  const std::uint8_t lead = at_ == end_ ? 0 : *at_;
  if ((lead & 0xF0U) == 0x90) {
    ++at_;
    count = lead & 0x0FU;
  } else if (lead == 0xDC || lead == 0xDD) {
    ++at_;
    count = static_cast<std::size_t>(big_endian(lead == 0xDC ? 2 : 4));
  } else {
    fail(Code::bad_frame, "an array was expected");
    return 0;
  }
  // An element takes a byte at least, so no claim can make us reserve more than was sent.
  if (count > left()) {
    fail(Code::bad_frame, "the body is cut off");
    return 0;
  }
  return count;
}

std::string_view Cursor::string() {
  const std::uint8_t lead = at_ == end_ ? 0 : *at_;
  std::uint64_t size = 0;
  if ((lead & 0xE0U) == 0xA0) {
    ++at_;
    size = lead & 0x1FU;
  } else {
    std::size_t width = 0;
    switch (lead) {
      case 0xC4: case 0xD9: width = 1; break;
      case 0xC5: case 0xDA: width = 2; break;
      case 0xC6: case 0xDB: width = 4; break;
      default: fail(Code::bad_frame, "a str or bin was expected"); return {};
    }
    ++at_;
    size = big_endian(width);
  }
  if (size > left()) {
    fail(Code::bad_frame, "the body is cut off");
    return {};
  }
  const std::string_view bytes(reinterpret_cast<const char*>(at_), static_cast<std::size_t>(size));
  at_ += size;
  return bytes;
}

std::string_view Cursor::utf8(std::size_t limit) {
  const std::string_view text = string();
  if (text.size() > limit) {
    fail(Code::bad_frame, "a str is longer than its limit");
    return {};
  }
  if (!is_utf8(text)) {
    fail(Code::bad_frame, "a str is not UTF-8");
    return {};
  }
  return text;
}

std::string_view Cursor::name() { return utf8(kMaxName); }

std::size_t Cursor::open(std::size_t least) {
  const std::size_t count = array();
  if (count < least) {
    fail(Code::bad_frame, "an array has too few elements");
    return 0;
  }
  return count - least;
}

void Cursor::skip_elements(std::size_t count, int depth) {
  for (; count > 0 && ok(); --count) {
    const std::uint8_t lead = at_ == end_ ? 0xC1 : *at_;
    if ((lead & 0xF0U) == 0x90 || lead == 0xDC || lead == 0xDD) {
      if (depth >= kMaxDepth) return fail(Code::bad_frame, "arrays are nested too deep");
      skip_elements(array(), depth + 1);
    } else if (lead == 0xC0 || lead == 0xC2 || lead == 0xC3) {
      ++at_;
    } else if (lead < 0x80 || (lead >= 0xCC && lead <= 0xD3)) {
      static_cast<void>(number());
    } else {
      static_cast<void>(string());
    }
  }
}

std::size_t Cursor::groups(std::size_t stride, std::size_t max_groups) {
  const std::size_t count = array();
  if (count % stride != 0) {
    fail(Code::bad_frame, "a flat array ends within a group");
    return 0;
  }
  if (count / stride > max_groups) {
    fail(Code::too_large, "a flat array has more entries than allowed");
    return 0;
  }
  return count / stride;
}

}  // namespace sluice::wire
