// trace.hpp: what has happened in a run, as a number that tells runs apart and as lines to read.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/message.hpp"
#include "sim/timeline.hpp"

namespace sluice::sim {

/// Every run has the number; the lines are kept only if wanted, since making them takes longer
/// than the run itself.
class Trace {
 public:
  explicit Trace(bool wants_lines) : wants_lines_(wants_lines) {}

  [[nodiscard]] bool wants_lines() const { return wants_lines_; }
  /// Bytes that belong to the run: frames, above all.
  void note(Time at, std::string_view bytes);
  /// Both: what has happened, in words.
  void event(Time at, std::string_view words);
  /// A line, with its time put before it. It counts for nothing in the number.
  void line(Time at, std::string_view text);

  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  void mix(std::uint64_t word) { number_ = (number_ ^ word) * 0x100000001b3ULL; }

  const bool wants_lines_;
  std::uint64_t number_ = 0xcbf29ce484222325ULL;
  std::vector<std::string> lines_;
};

/// A message in a few words: "TASKS n=4 3:17/42 ..." with seq and lease of each entry.
[[nodiscard]] std::string describe(const core::Envelope& envelope);

/// Seconds with six digits.
[[nodiscard]] std::string time_text(Time at);

}  // namespace sluice::sim
