// byte_size.cpp: reading amounts of bytes.
// SPDX-License-Identifier: MIT
#include "cli/byte_size.hpp"

#include <cstddef>
#include <limits>
#include <optional>
#include <string>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

constexpr std::string_view kLetters = "kmgtp";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::uint64_t> multiplier(std::string_view suffix) {
  std::string name;
  for (const char c : suffix) name.push_back(lower(c));
  if (name.empty() || name == "b") return 1;
  const std::size_t power = kLetters.find(name[0]);
  if (power == std::string_view::npos) return std::nullopt;
  const std::string rest = name.substr(1);
  if (!rest.empty() && rest != "b" && rest != "ib") return std::nullopt;
  const std::uint64_t base = rest == "b" ? 1000 : 1024;
  std::uint64_t result = 1;
  for (std::size_t i = 0; i <= power; ++i) result *= base;
  return result;
}

std::optional<std::uint64_t> parse(std::string_view text) {
  std::size_t at = 0;
  std::uint64_t whole = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    if (__builtin_mul_overflow(whole, std::uint64_t{10}, &whole) ||
        __builtin_add_overflow(whole, static_cast<std::uint64_t>(text[at] - '0'), &whole)) {
      return std::nullopt;
    }
  }
  if (at == 0) return std::nullopt;
  std::uint64_t fraction = 0;  // of `scale`; digits past the ninth are below one byte in a million
  std::uint64_t scale = 1;
  if (at < text.size() && text[at] == '.') {
    const std::size_t first = ++at;
    for (; at < text.size() && is_digit(text[at]); ++at) {
      if (scale == 1'000'000'000) continue;
      fraction = fraction * 10 + static_cast<std::uint64_t>(text[at] - '0');
      scale *= 10;
    }
    if (at == first) return std::nullopt;
  }
  if (at < text.size() && text[at] == ' ') ++at;
  const auto unit = multiplier(text.substr(at));
  std::uint64_t result = 0;
  if (!unit || __builtin_mul_overflow(whole, *unit, &result)) return std::nullopt;
  // unit / scale would lose the remainder; the product may not fit, so both halves are taken.
  const std::uint64_t part = *unit / scale * fraction + *unit % scale * fraction / scale;
  if (__builtin_add_overflow(result, part, &result)) return std::nullopt;
  return result;
}

}  // namespace

std::uint64_t parse_byte_size(std::string_view text) {
  const auto bytes = parse(text);
  if (!bytes) {
    throw Error("'" + std::string(text) +
                "' is not an amount of bytes; write 512, 64K, 1.5G or 1MiB "
                "(K M G T P are powers of 1024; KB MB GB TB PB of 1000)");
  }
  return *bytes;
}

}  // namespace sluice::cli
