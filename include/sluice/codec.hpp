// codec.hpp: how values become the bytes of a payload or result, and come back.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <sluice/error.hpp>
#include <sluice/export.hpp>

namespace sluice {

/// Thrown where bytes are not what the caller takes them for: another type, cut short, or
/// with something behind. In a handler it fails the task at once, without further attempts.
class SLUICE_API WrongType : public Error {
 public:
  explicit WrongType(const std::string& what) : Error(what) {}
};

/// Turns values of type T into bytes and back. Who passes bytes needs none of it; for
/// everything that msgpack can pack, <sluice/typed.hpp> has it. Specialize it for an encoding
/// of your own:
///
///     template <> struct sluice::Codec<Frame> {
///       static std::vector<std::byte> pack(const Frame& frame);
///       static Frame unpack(std::span<const std::byte> bytes);   // throws WrongType
///     };
template <typename T>
struct Codec;  // an error about this line? include <sluice/typed.hpp>

/// Bytes stay what they are.
template <>
struct Codec<std::vector<std::byte>> {
  static std::vector<std::byte> pack(std::vector<std::byte> bytes) { return bytes; }
  static std::vector<std::byte> unpack(std::span<const std::byte> bytes) {
    return {bytes.begin(), bytes.end()};
  }
};

/// What can be packed and unpacked.
template <typename T>
concept Encodable = requires(const T& value, std::span<const std::byte> bytes) {
  { Codec<T>::pack(value) } -> std::convertible_to<std::vector<std::byte>>;
  { Codec<T>::unpack(bytes) } -> std::convertible_to<T>;
};

/// The bytes of a value.
template <typename T>
[[nodiscard]] std::vector<std::byte> pack(const T& value) {
  return Codec<T>::pack(value);
}

/// A literal is a string.
template <std::size_t N, typename Text = std::string>
[[nodiscard]] std::vector<std::byte> pack(const char (&text)[N]) {
  return Codec<Text>::pack(Text(text));
}

/// The value in bytes that pack() made. Throws WrongType.
template <typename T>
[[nodiscard]] T unpack(std::span<const std::byte> bytes) {
  return Codec<T>::unpack(bytes);
}

}  // namespace sluice
