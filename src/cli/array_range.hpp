// array_range.hpp: the numbers of a task array, written as "1-100:2,200".
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace sluice::cli {

/// Numbers and ranges, separated by commas: "7", "1,3,5-8", "1-100:2" (every second one).
///
/// The numbers come in the order written, also when a number stands there twice. Nothing is
/// stored per number, so "1-1000000000" costs no memory. Copies go on independently.
class ArrayRange {
 public:
  /// Throws sluice::Error, naming the part at fault, if `text` is not of this form.
  explicit ArrayRange(std::string_view text);

  /// The next number, or nothing after the last one.
  [[nodiscard]] std::optional<std::uint64_t> next();

  /// How many numbers there are altogether, however many were taken.
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  struct Part {
    std::uint64_t first;
    std::uint64_t last;
    std::uint64_t step;
  };

  static Part parse_part(std::string_view part, std::string_view whole);

  std::vector<Part> parts_;
  std::uint64_t size_ = 0;
  std::size_t part_ = 0;
  std::uint64_t taken_in_part_ = 0;
};

}  // namespace sluice::cli
