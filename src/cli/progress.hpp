// progress.hpp: the progress bar and ETA line that people see on stderr.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace sluice::cli {

/// A point on any steady clock; nothing here reads one.
using ProgressTime = std::chrono::steady_clock::time_point;

struct ProgressCounts {
  std::uint64_t done = 0;     ///< finished, failed ones and skipped ones included
  std::uint64_t failed = 0;
  std::uint64_t running = 0;
  std::optional<std::uint64_t> total;  ///< if it is known
  std::uint64_t skipped = 0;           ///< of `done`: by a run that was interrupted
};

/// How fast tasks finish, smoothed: what lies 15 seconds back counts about a third of what is new.
/// While nothing finishes the rate falls, so that an ETA grows instead of standing still.
class RateEstimate {
 public:
  /// Time and count must not fall; the first call only sets the start.
  void sample(std::uint64_t done, ProgressTime now);

  /// Tasks per second; 0 as long as nothing is known.
  [[nodiscard]] double per_second() const;
  /// How long `left` more tasks will take; nothing if that cannot be said.
  [[nodiscard]] std::optional<std::chrono::microseconds> eta(std::uint64_t left) const;

 private:
  std::optional<ProgressTime> last_;
  std::uint64_t last_done_ = 0;
  double tasks_ = 0;  // both decay alike, so their ratio is the rate from the first sample on
  double seconds_ = 0;
};

/// "[=====>    ] 52% 520/1000  104/s  ETA 5.0 s  3 failed", in at most `width` columns. Without a
/// total "520 done  104/s". `colour` makes failures red.
[[nodiscard]] std::string render_bar(const ProgressCounts& counts, const RateEstimate& rate,
                                     std::size_t width, bool colour);

/// "ETA: 5.0 s  Left: 480  Rate: 104/s  Running: 8  Failed: 3", in at most `width` columns.
[[nodiscard]] std::string render_eta(const ProgressCounts& counts, const RateEstimate& rate,
                                     std::size_t width);

/// "1000 tasks done in 1m 12s, 13.9/s, 3 failed, 200 skipped: done before"; the rate is that of
/// what was not skipped.
[[nodiscard]] std::string render_summary(const ProgressCounts& counts,
                                         std::chrono::microseconds elapsed);

struct ProgressOptions {
  enum class Style : std::uint8_t { bar, eta };
  Style style = Style::bar;
  bool terminal = true;  ///< false: nothing is drawn, only the last line is printed
  bool colour = false;
  std::function<std::size_t()> width;             ///< asked before each drawing
  std::function<bool(const std::string&)> write;  ///< false: give up drawing
};

/// Keeps one line at the bottom of the terminal up to date, at most ten times a second.
///
/// Before anything else is printed there, call clear(): the line is gone until the next update.
/// Progress is a courtesy: when `write` fails, drawing ends and the run goes on. One thread at a
/// time.
class Progress {
 public:
  explicit Progress(ProgressOptions options);

  /// Draws if at least 100 ms went by since the last drawing.
  void update(const ProgressCounts& counts, ProgressTime now);
  void clear();
  /// Removes the line and prints the summary in its place.
  void finish(const ProgressCounts& counts, ProgressTime now);

 private:
  void put(const std::string& text);

  ProgressOptions options_;
  RateEstimate rate_;
  std::optional<ProgressTime> start_;
  std::optional<ProgressTime> last_drawn_;
  bool visible_ = false;
  bool gave_up_ = false;
};

/// Options for drawing on `fd`: looks whether it is a terminal, its width and its colours.
[[nodiscard]] ProgressOptions progress_on(int fd, ProgressOptions::Style style);

}  // namespace sluice::cli
