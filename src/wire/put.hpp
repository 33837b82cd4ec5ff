// put.hpp: msgpack by hand, in the shortest form, where the room is known to suffice.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include "wire/buffer.hpp"

namespace sluice::wire {

// Each function writes at `at` and returns the end of what it wrote. The caller has
// made room for the worst case, so a number costs no check and about a nanosecond.

inline constexpr std::size_t kMostNumber = 9;   // bytes of a number at most
inline constexpr std::size_t kMostHeader = 5;   // bytes before the contents of a str or array

inline std::byte* put_byte(std::byte* at, std::uint64_t value) {
  *at = static_cast<std::byte>(value);
  return at + 1;
}

template <typename T>
std::byte* put_big_endian(std::byte* at, std::uint64_t value) {
  for (std::size_t i = sizeof(T); i-- > 0;) {
    at[i] = static_cast<std::byte>(value & 0xFFU);
    value >>= 8U;
  }
  return at + sizeof(T);
}

inline std::byte* put_number(std::byte* at, std::uint64_t value) {
  if (value < 0x80) return put_byte(at, value);
  if (value <= 0xFF) return put_byte(put_byte(at, 0xCC), value);
  if (value <= 0xFFFF) return put_big_endian<std::uint16_t>(put_byte(at, 0xCD), value);
  if (value <= 0xFFFFFFFF) return put_big_endian<std::uint32_t>(put_byte(at, 0xCE), value);
  constexpr std::uint64_t kTop = std::numeric_limits<std::int64_t>::max();
  return put_big_endian<std::uint64_t>(put_byte(at, 0xCF), std::min(value, kTop));
}

inline std::byte* put_nil(std::byte* at) { return put_byte(at, 0xC0); }
inline std::byte* put_bool(std::byte* at, bool value) { return put_byte(at, value ? 0xC3 : 0xC2); }

inline std::byte* put_array(std::byte* at, std::size_t count) {
  if (count < 16) return put_byte(at, 0x90 | count);
  if (count <= 0xFFFF) return put_big_endian<std::uint16_t>(put_byte(at, 0xDC), count);
  return put_big_endian<std::uint32_t>(put_byte(at, 0xDD), count);
}

inline std::byte* put_bytes(std::byte* at, const void* bytes, std::size_t size) {
  if (size != 0) std::memcpy(at, bytes, size);
  return at + size;
}

inline std::byte* put_str(std::byte* at, std::string_view text) {
  const std::size_t size = text.size();
  if (size < 32) {
    at = put_byte(at, 0xA0 | size);
  } else if (size <= 0xFF) {
    at = put_byte(put_byte(at, 0xD9), size);
  } else if (size <= 0xFFFF) {
    at = put_big_endian<std::uint16_t>(put_byte(at, 0xDA), size);
  } else {
    at = put_big_endian<std::uint32_t>(put_byte(at, 0xDB), size);
  }
  return put_bytes(at, text.data(), size);
}

/// A str, or nil if it is empty: how keys travel.
inline std::byte* put_str_or_nil(std::byte* at, std::string_view text) {
  return text.empty() ? put_nil(at) : put_str(at, text);
}

/// Of fewer than 256 bytes; ids are.
inline std::byte* put_bin(std::byte* at, const void* bytes, std::size_t size) {
  at = put_byte(put_byte(at, 0xC4), size);
  return put_bytes(at, bytes, size);
}

}  // namespace sluice::wire
