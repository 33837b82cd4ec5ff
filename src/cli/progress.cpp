// progress.cpp: estimating, rendering and drawing progress.
// SPDX-License-Identifier: MIT
#include "cli/progress.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "cli/duration.hpp"
#include "cli/ordered_output.hpp"
#include "cli/terminal.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

constexpr double kSmoothingSeconds = 15;
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::size_t kWidestBar = 40;
constexpr std::size_t kNarrowestBar = 5;
constexpr double kLongestEtaSeconds = 100.0 * 365 * 86400;  // beyond, "unknown" is the truth

// "0.05/s", "3.2/s", "104/s"
std::string format_rate(double per_second) {
  std::array<char, 32> text{};
  const int digits = per_second < 1 ? 2 : per_second < 100 ? 1 : 0;
  std::snprintf(text.data(), text.size(), "%.*f/s", digits, per_second);
  return text.data();
}

std::string format_eta(const ProgressCounts& counts, const RateEstimate& rate) {
  if (!counts.total) return "?";
  const std::uint64_t left = *counts.total - std::min(counts.done, *counts.total);
  if (left == 0) return "0 s";
  const auto eta = rate.eta(left);
  return eta ? format_duration(*eta) : "?";
}

std::string cut(std::string text, std::size_t width) {
  if (text.size() > width) text.resize(width);
  return text;
}

std::string bar(double part, std::size_t inside) {
  const auto full = std::min(inside, static_cast<std::size_t>(part * static_cast<double>(inside)));
  std::string text(full, '=');
  if (full < inside) text += '>';
  text.resize(inside, ' ');
  return '[' + text + "] ";
}

}  // namespace

void RateEstimate::sample(std::uint64_t done, ProgressTime now) {
  if (last_) {
    const double passed = std::chrono::duration<double>(now - *last_).count();
    if (passed <= 0) return;  // its tasks count with the next sample
    const double decay = std::exp(-passed / kSmoothingSeconds);
    tasks_ = tasks_ * decay + static_cast<double>(done - std::min(done, last_done_));
    seconds_ = seconds_ * decay + passed;
  }
  last_ = now;
  last_done_ = done;
}

double RateEstimate::per_second() const { return seconds_ > 0 ? tasks_ / seconds_ : 0; }

std::optional<std::chrono::microseconds> RateEstimate::eta(std::uint64_t left) const {
  if (left == 0) return std::chrono::microseconds(0);
  const double rate = per_second();
  if (rate <= 0) return std::nullopt;
  const double seconds = static_cast<double>(left) / rate;
  if (seconds > kLongestEtaSeconds) return std::nullopt;
  return std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6));
}

std::string render_bar(const ProgressCounts& counts, const RateEstimate& rate, std::size_t width,
                       bool colour) {
  std::string facts;
  std::string line;
  if (counts.total) {
    const std::uint64_t total = std::max(*counts.total, counts.done);
    const double part =
        total == 0 ? 1 : static_cast<double>(counts.done) / static_cast<double>(total);
    facts = std::to_string(static_cast<int>(part * 100)) + "% " + std::to_string(counts.done) +
            '/' + std::to_string(total) + "  " + format_rate(rate.per_second()) + "  ETA " +
            format_eta(counts, rate);
    const std::string failed =
        counts.failed == 0 ? "" : "  " + std::to_string(counts.failed) + " failed";
    const std::size_t around = facts.size() + failed.size() + 3;  // "[", "] "
    if (width >= around + kNarrowestBar) line = bar(part, std::min(kWidestBar, width - around));
  } else {
    facts = std::to_string(counts.done) + " done  " + format_rate(rate.per_second());
    if (counts.running > 0) facts += "  " + std::to_string(counts.running) + " running";
  }
  line = cut(line + facts, width);
  if (counts.failed == 0) return line;
  const std::string failed =
      cut("  " + std::to_string(counts.failed) + " failed", width - line.size());
  return line + (colour ? "\x1b[31m" + failed + "\x1b[0m" : failed);
}

std::string render_eta(const ProgressCounts& counts, const RateEstimate& rate, std::size_t width) {
  std::string line = "ETA: " + format_eta(counts, rate);
  if (counts.total) {
    line += "  Left: " + std::to_string(*counts.total - std::min(counts.done, *counts.total));
  } else {
    line += "  Done: " + std::to_string(counts.done);
  }
  line += "  Rate: " + format_rate(rate.per_second()) +
          "  Running: " + std::to_string(counts.running) +
          "  Failed: " + std::to_string(counts.failed);
  return cut(std::move(line), width);
}

std::string render_summary(const ProgressCounts& counts, std::chrono::microseconds elapsed) {
  std::string line = std::to_string(counts.done);
  if (counts.total && *counts.total != counts.done) line += " of " + std::to_string(*counts.total);
  line += counts.done == 1 && line.size() == 1 ? " task done in " : " tasks done in ";
  line += format_duration(elapsed);
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const std::uint64_t ran = counts.done - counts.skipped;
  if (seconds > 0) line += ", " + format_rate(static_cast<double>(ran) / seconds);
  if (counts.failed > 0) line += ", " + std::to_string(counts.failed) + " failed";
  if (counts.skipped > 0) line += ", " + std::to_string(counts.skipped) + " skipped: done before";
  return line;
}

Progress::Progress(ProgressOptions options) : options_(std::move(options)) {}

void Progress::put(const std::string& text) {
  if (!gave_up_ && !options_.write(text)) gave_up_ = true;
}

void Progress::update(const ProgressCounts& counts, ProgressTime now) {
  if (!start_) start_ = now;
  if (!options_.terminal || gave_up_) return;
  if (last_drawn_ && now - *last_drawn_ < kRedraw) return;
  rate_.sample(counts.done - counts.skipped, now);
  last_drawn_ = now;
  // The last column stays free: a terminal that wraps there would scroll.
  const std::size_t columns = options_.width();
  const std::size_t width = columns > 1 ? columns - 1 : 1;
  const std::string line = options_.style == ProgressOptions::Style::bar
                               ? render_bar(counts, rate_, width, options_.colour)
                               : render_eta(counts, rate_, width);
  put("\r" + line + "\x1b[K");
  visible_ = true;
}

void Progress::clear() {
  if (!visible_) return;
  put("\r\x1b[K");
  visible_ = false;
}

void Progress::finish(const ProgressCounts& counts, ProgressTime now) {
  clear();
  const auto elapsed = now - start_.value_or(now);
  put(render_summary(counts, std::chrono::duration_cast<std::chrono::microseconds>(elapsed)) +
      '\n');
}

ProgressOptions progress_on(int fd, ProgressOptions::Style style) {
  ProgressOptions options;
  options.style = style;
  options.terminal = is_terminal(fd);
  options.colour = use_colour(fd);
  options.width = [fd] { return terminal_width(fd); };
  options.write = [fd](const std::string& text) {
    try {
      return write_all(fd, text);
    } catch (const Error&) {
      return false;  // a bar that cannot be drawn is no reason to end a run
    }
  };
  return options;
}

}  // namespace sluice::cli
