// array_range.cpp: reading and counting through an array range.
// SPDX-License-Identifier: MIT
#include "cli/array_range.hpp"

#include <string>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

[[noreturn]] void reject(std::string_view part, std::string_view whole, const std::string& why) {
  std::string where = "'" + std::string(whole) + "' is not an array range: ";
  where += part.empty() ? "an empty part " : "'" + std::string(part) + "' ";
  throw Error(where + why + "; write for example 7, 1-100, 1-100:2 or 1,3,5-8");
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<std::uint64_t>(c - '0'), &value)) {
      return std::nullopt;
    }
  }
  return value;
}

}  // namespace

ArrayRange::Part ArrayRange::parse_part(std::string_view part, std::string_view whole) {
  const std::size_t dash = part.find('-');
  if (dash == std::string_view::npos) {
    const auto number = parse_number(part);
    if (!number) reject(part, whole, "is not a number");
    return {*number, *number, 1};
  }
  const std::size_t colon = part.find(':', dash);
  const std::size_t length =
      colon == std::string_view::npos ? std::string_view::npos : colon - dash - 1;
  const auto first = parse_number(part.substr(0, dash));
  const auto last = parse_number(part.substr(dash + 1, length));
  const auto step = colon == std::string_view::npos ? std::optional<std::uint64_t>(1)
                                                    : parse_number(part.substr(colon + 1));
  if (!first || !last || !step) reject(part, whole, "is not FIRST-LAST or FIRST-LAST:STEP");
  if (*first > *last) reject(part, whole, "runs backwards");
  if (*step == 0) reject(part, whole, "has a step of 0");
  return {*first, *last, *step};
}

ArrayRange::ArrayRange(std::string_view text) {
  std::size_t at = 0;
  while (true) {
    const std::size_t comma = text.find(',', at);
    const std::string_view piece =
        text.substr(at, comma == std::string_view::npos ? comma : comma - at);
    const Part part = parse_part(piece, text);
    // The number of a full 64-bit range does not fit either, hence two additions.
    if (__builtin_add_overflow(size_, (part.last - part.first) / part.step, &size_) ||
        __builtin_add_overflow(size_, std::uint64_t{1}, &size_)) {
      reject(piece, text, "makes it longer than 64 bits can count");
    }
    parts_.push_back(part);
    if (comma == std::string_view::npos) return;
    at = comma + 1;
  }
}

std::optional<std::uint64_t> ArrayRange::next() {
  if (part_ == parts_.size()) return std::nullopt;
  const Part& part = parts_[part_];
  const std::uint64_t value = part.first + taken_in_part_ * part.step;
  if (taken_in_part_ == (part.last - part.first) / part.step) {
    ++part_;
    taken_in_part_ = 0;
  } else {
    ++taken_in_part_;
  }
  return value;
}

}  // namespace sluice::cli
