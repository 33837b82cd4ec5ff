// typed.hpp: arguments and results of any type that msgpack-cxx can pack.
// SPDX-License-Identifier: MIT
#pragma once

// Needs msgpack-cxx (Debian: libmsgpack-cxx-dev), which sluice.hpp does not. Structs say
// MSGPACK_DEFINE(fields...); numbers, strings, containers, tuples and optionals need nothing.
#ifndef MSGPACK_NO_BOOST
#define MSGPACK_NO_BOOST
#endif
#include <msgpack.hpp>

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <sluice/codec.hpp>

namespace sluice {

namespace detail {

/// What msgpack's pack() writes to.
class ByteBuffer {
 public:
  void write(const char* data, std::size_t size) {
    if (size == 0) return;
    const std::size_t before = bytes.size();
    bytes.resize(before + size);
    std::memcpy(bytes.data() + before, data, size);
  }
  std::vector<std::byte> bytes;
};

}  // namespace detail

/// One msgpack value, nothing behind it. A struct of MSGPACK_DEFINE takes arrays of other lengths:
/// fields that are missing keep what they were made with, surplus ones are dropped. Nesting is
/// limited to 64, so that no sender can exhaust the reader's stack.
template <typename T>
struct Codec {
  static std::vector<std::byte> pack(const T& value) {
    detail::ByteBuffer buffer;
    msgpack::pack(buffer, value);
    return std::move(buffer.bytes);
  }

  static T unpack(std::span<const std::byte> bytes) {
    static_assert(!std::is_same_v<T, std::string_view> && !std::is_pointer_v<T>,
                  "a view would show memory that is freed: take std::string");
    constexpr std::size_t kMostDepth = 64;
    const msgpack::unpack_limit limit(bytes.size(), bytes.size(), bytes.size(), bytes.size(),
                                      bytes.size(), kMostDepth);
    const auto* const data = reinterpret_cast<const char*>(bytes.data());
    std::size_t read = 0;
    try {
      const msgpack::object_handle value =
          msgpack::unpack(data, bytes.size(), read, nullptr, nullptr, limit);
      if (read != bytes.size())
        throw WrongType("of " + std::to_string(bytes.size()) + " bytes only " +
                        std::to_string(read) + " belong to the msgpack value");
      return value.get().as<T>();
    } catch (const msgpack::type_error&) {
      throw WrongType("the msgpack value is of another type than expected");
    } catch (const msgpack::unpack_error& error) {
      throw WrongType("these " + std::to_string(bytes.size()) +
                      " bytes are no msgpack value: " + error.what());
    }
  }
};

}  // namespace sluice
