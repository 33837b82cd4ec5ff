// command_key.cpp: digests, and keys as text.
// SPDX-License-Identifier: MIT
#include "cli/command_key.hpp"

#include <array>
#include <charconv>

namespace sluice::cli {
namespace {

constexpr std::size_t kHalf = 16;  // hex digits of 64 bits

// The last step of MurmurHash3: every bit of `x` moves every bit of the result.
std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 33)) * 0xFF51AFD7ED558CCDULL;
  x = (x ^ (x >> 33)) * 0xC4CEB9FE1A85EC53ULL;
  return x ^ (x >> 33);
}

std::string hex(std::uint64_t number) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += digits[(number >> shift) & 0xF];
  return text;
}

bool read(std::string_view text, std::uint64_t& number, int base) {
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number, base);
  return error == std::errc() && stopped == end;
}

}  // namespace

CommandDigest digest_of(std::string_view text) {
  // FNV-1a, and another product of the same bytes that begins elsewhere and turns its bits.
  std::uint64_t first = 0xCBF29CE484222325ULL, second = 0x9E3779B97F4A7C15ULL;
  for (const char c : text) {
    const std::uint64_t byte = static_cast<unsigned char>(c);
    first = (first ^ byte) * 0x100000001B3ULL;
    second = ((second << 23 | second >> 41) ^ byte) * 0x9FB21C651E98DF25ULL;
  }
  return {mixed(first ^ text.size()), mixed(second)};
}

CommandDigest digest_of(const CommandDigest& command, std::uint64_t occurrence) {
  if (occurrence == 1) return command;
  return {mixed(command.high + occurrence * 0x9E3779B97F4A7C15ULL), command.low ^ occurrence};
}

std::string to_text(const CommandKey& key, std::uint64_t start) {
  return hex(key.digest.high) + hex(key.digest.low) + '-' + std::to_string(key.occurrence) + '-' +
         std::to_string(key.number) + '-' + std::to_string(start);
}

std::optional<CommandKey> read_command_key(std::string_view text) {
  if (text.size() <= 2 * kHalf || text[2 * kHalf] != '-') return std::nullopt;
  CommandKey key;
  if (!read(text.substr(0, kHalf), key.digest.high, 16) ||
      !read(text.substr(kHalf, kHalf), key.digest.low, 16))
    return std::nullopt;
  std::array<std::uint64_t, 3> numbers{};
  std::string_view rest = text.substr(2 * kHalf + 1);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::size_t dash = i + 1 < numbers.size() ? rest.find('-') : rest.size();
    if (dash == std::string_view::npos || !read(rest.substr(0, dash), numbers[i], 10))
      return std::nullopt;
    rest.remove_prefix(dash == rest.size() ? dash : dash + 1);
  }
  key.occurrence = numbers[0];
  key.number = numbers[1];
  return key;
}

}  // namespace sluice::cli
