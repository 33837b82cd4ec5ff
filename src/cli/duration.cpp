// duration.cpp: reading and writing lengths of time.
// SPDX-License-Identifier: MIT
#include "cli/duration.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

constexpr std::int64_t kMillisecond = 1000;
constexpr std::int64_t kSecond = 1000 * kMillisecond;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

struct Unit {
  std::string_view name;
  std::int64_t microseconds;
};

constexpr std::array<Unit, 8> kUnits{{{"d", kDay},
                                      {"h", kHour},
                                      {"m", kMinute},
                                      {"min", kMinute},
                                      {"s", kSecond},
                                      {"sec", kSecond},
                                      {"ms", kMillisecond},
                                      {"us", 1}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// a * b + c, or nothing if it does not fit. All three are non-negative.
std::optional<std::int64_t> multiply_add(std::int64_t a, std::int64_t b, std::int64_t c) {
  std::int64_t product = 0;
  std::int64_t sum = 0;
  if (__builtin_mul_overflow(a, b, &product) || __builtin_add_overflow(product, c, &sum)) {
    return std::nullopt;
  }
  return sum;
}

// Takes "12" or "12.5" off the front of `text` and gives its value in microseconds of `unit`,
// which is asked for only after the digits: it stands behind them.
struct Number {
  std::int64_t whole = 0;
  std::int64_t millionths = 0;

  [[nodiscard]] std::optional<std::int64_t> times(std::int64_t unit) const {
    // A day is 8.64e10 microseconds and a fraction below 1e6 millionths: no overflow here.
    return multiply_add(whole, unit, millionths * unit / 1'000'000);
  }
};

std::optional<Number> take_number(std::string_view& text) {
  Number number;
  std::size_t at = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    const auto next = multiply_add(number.whole, 10, text[at] - '0');
    if (!next) return std::nullopt;
    number.whole = *next;
  }
  if (at == 0) return std::nullopt;
  if (at < text.size() && text[at] == '.') {
    const std::size_t first = ++at;
    std::int64_t weight = 100'000;
    for (; at < text.size() && is_digit(text[at]); ++at, weight /= 10) {
      number.millionths += (text[at] - '0') * weight;
    }
    if (at == first) return std::nullopt;
  }
  text.remove_prefix(at);
  return number;
}

// Takes the letters of a unit off the front of `text`.
std::optional<std::int64_t> take_unit(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && is_letter(text[length])) ++length;
  const std::string_view name = text.substr(0, length);
  for (const Unit& unit : kUnits) {
    if (unit.name == name) {
      text.remove_prefix(length);
      return unit.microseconds;
    }
  }
  return std::nullopt;
}

// "1h 30m": every number has a unit, and each unit is smaller than the one before it.
std::optional<std::int64_t> parse_units(std::string_view text) {
  std::int64_t total = 0;
  std::int64_t previous = std::numeric_limits<std::int64_t>::max();
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    text = trimmed(text);
    const auto unit = take_unit(text);
    if (!unit || *unit >= previous) return std::nullopt;
    previous = *unit;
    const auto part = number->times(*unit);
    const auto sum = part ? multiply_add(total, 1, *part) : std::nullopt;
    if (!sum) return std::nullopt;
    total = *sum;
    text = trimmed(text);
  }
  return total;
}

// Exactly two digits below 60 (or 24), as the fields behind the first one of a clock form.
std::optional<std::int64_t> two_digits(std::string_view text, std::int64_t limit) {
  if (text.size() != 2 || !is_digit(text[0]) || !is_digit(text[1])) return std::nullopt;
  const std::int64_t value = (text[0] - '0') * 10 + (text[1] - '0');
  if (value >= limit) return std::nullopt;
  return value;
}

// "MM:SS", "HH:MM:SS" and "D-HH:MM:SS". The first field may be larger than its clock allows.
std::optional<std::int64_t> parse_clock(std::string_view text) {
  const auto first = take_number(text);
  if (!first || first->millionths != 0) return std::nullopt;
  if (text.size() == 9 && text[0] == '-' && text[3] == ':' && text[6] == ':') {
    const auto hours = two_digits(text.substr(1, 2), 24);
    const auto minutes = two_digits(text.substr(4, 2), 60);
    const auto seconds = two_digits(text.substr(7, 2), 60);
    if (!hours || !minutes || !seconds) return std::nullopt;
    return multiply_add(first->whole, kDay,
                        *hours * kHour + *minutes * kMinute + *seconds * kSecond);
  }
  if (text.size() == 3 && text[0] == ':') {
    const auto seconds = two_digits(text.substr(1), 60);
    if (!seconds) return std::nullopt;
    return multiply_add(first->whole, kMinute, *seconds * kSecond);
  }
  if (text.size() == 6 && text[0] == ':' && text[3] == ':') {
    const auto minutes = two_digits(text.substr(1, 2), 60);
    const auto seconds = two_digits(text.substr(4), 60);
    if (!minutes || !seconds) return std::nullopt;
    return multiply_add(first->whole, kHour, *minutes * kMinute + *seconds * kSecond);
  }
  return std::nullopt;
}

std::optional<std::int64_t> parse(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text.find(':') != std::string_view::npos) return parse_clock(text);
  if (is_letter(text.back())) return parse_units(text);
  const auto seconds = take_number(text);
  if (!seconds || !text.empty()) return std::nullopt;
  return seconds->times(kSecond);
}

std::string two_units(std::int64_t total, std::int64_t per_large, const char* large,
                      const char* small) {
  return std::to_string(total / per_large) + large + ' ' + std::to_string(total % per_large) +
         small;
}

std::int64_t rounded(std::int64_t microseconds, std::int64_t unit) {
  return (microseconds + unit / 2) / unit;
}

}  // namespace

std::chrono::microseconds parse_duration(std::string_view text) {
  const auto microseconds = parse(trimmed(text));
  if (!microseconds) {
    throw Error("'" + std::string(text) +
                "' is not a length of time; write seconds (30, 1.5), numbers with units "
                "(200ms, 1.5s, 2m, 1h30m, \"1h 30m\", 2d) or a clock form "
                "(MM:SS, HH:MM:SS, D-HH:MM:SS)");
  }
  return std::chrono::microseconds(*microseconds);
}

std::string format_duration(std::chrono::microseconds duration) {
  // A day more or less does not matter at either end of what can be said, and without it neither
  // a change of sign nor adding half a unit can overflow.
  constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max() - kDay;
  const std::int64_t us = std::clamp<std::int64_t>(duration.count(), -kLargest, kLargest);
  if (us < 0) return format_duration(std::chrono::microseconds(-us)).insert(0, 1, '-');
  // Each bound is where rounding would carry into the next form ("1000 ms", "60 s").
  if (us < kMillisecond) return std::to_string(us) + " us";
  if (rounded(us, kMillisecond) < 1000) return std::to_string(rounded(us, kMillisecond)) + " ms";
  if (const auto tenths = rounded(us, kSecond / 10); tenths < 100) {
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " s";
  }
  if (rounded(us, kSecond) < 60) return std::to_string(rounded(us, kSecond)) + " s";
  if (rounded(us, kSecond) < 3600) return two_units(rounded(us, kSecond), 60, "m", "s");
  if (rounded(us, kMinute) < 1440) return two_units(rounded(us, kMinute), 60, "h", "m");
  return two_units(rounded(us, kHour), 24, "d", "h");
}

}  // namespace sluice::cli
