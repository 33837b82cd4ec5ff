// progress_test.cpp: estimates, and what people see while a run goes on.
// SPDX-License-Identifier: MIT
#include "cli/progress.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <vector>

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

const ProgressTime kStart{1000s};

// Ten tasks a second for ten seconds: a rate of exactly 10/s.
RateEstimate steady_rate() {
  RateEstimate rate;
  for (std::uint64_t i = 0; i <= 10; ++i) {
    rate.sample(10 * i, kStart + std::chrono::seconds(i));
  }
  return rate;
}

ProgressCounts counts(std::uint64_t done, std::optional<std::uint64_t> total,
                      std::uint64_t failed = 0, std::uint64_t running = 0) {
  return {done, failed, running, total};
}

struct Screen {
  std::vector<std::string> writes;
  std::size_t width = 81;
  bool broken = false;

  Progress progress(bool terminal = true,
                    ProgressOptions::Style style = ProgressOptions::Style::bar) {
    ProgressOptions options;
    options.style = style;
    options.terminal = terminal;
    options.width = [this] { return width; };
    options.write = [this](const std::string& text) {
      writes.push_back(text);
      return !broken;
    };
    return Progress(options);
  }
};

TEST_SUITE("rate_estimate") {
  TEST_CASE("nothing is known before the second sample") {
    RateEstimate rate;
    CHECK(rate.per_second() == 0);
    CHECK_FALSE(rate.eta(1));
    rate.sample(5, kStart);
    CHECK(rate.per_second() == 0);
    rate.sample(7, kStart + 1s);
    CHECK(rate.per_second() == doctest::Approx(2));
  }

  TEST_CASE("a steady pace is known exactly from the start") {
    CHECK(steady_rate().per_second() == doctest::Approx(10).epsilon(0.05));
    RateEstimate rate;
    rate.sample(0, kStart);
    rate.sample(10, kStart + 1s);
    CHECK(rate.per_second() == doctest::Approx(10));
  }

  TEST_CASE("a new pace takes over within a minute, and not at once") {
    RateEstimate rate;
    std::uint64_t done = 0;
    ProgressTime now = kStart;
    const auto go = [&](int seconds, std::uint64_t per_second) {
      for (int i = 0; i < seconds; ++i) rate.sample(done += per_second, now += 1s);
    };
    go(60, 10);
    go(1, 100);
    CHECK(rate.per_second() > 10);
    CHECK(rate.per_second() < 20);
    go(60, 100);
    CHECK(rate.per_second() > 95);
  }

  TEST_CASE("the rate falls and the eta grows while nothing finishes") {
    RateEstimate rate = steady_rate();
    const auto before = rate.eta(100);
    rate.sample(100, kStart + 20s);
    REQUIRE(rate.eta(100));
    CHECK(*rate.eta(100) > *before);
  }

  TEST_CASE("two samples at one instant lose no task") {
    RateEstimate rate;
    rate.sample(0, kStart);
    rate.sample(5, kStart);
    rate.sample(10, kStart + 1s);
    CHECK(rate.per_second() == doctest::Approx(10));
  }

  TEST_CASE("nothing left takes no time, and a hopeless eta is unknown") {
    RateEstimate rate;
    CHECK(rate.eta(0) == 0us);
    rate.sample(0, kStart);
    rate.sample(1, kStart + 100s);
    CHECK(rate.eta(1));
    CHECK_FALSE(rate.eta(1'000'000'000'000));
  }
}

TEST_SUITE("progress") {
  TEST_CASE("a bar shows share, counts, rate, eta and failures") {
    const RateEstimate rate = steady_rate();
    CHECK(render_bar(counts(50, 100), rate, 60, false) ==
          "[==============>             ] 50% 50/100  10.0/s  ETA 5.0 s");
    CHECK(render_bar(counts(50, 100, 3), rate, 200, false) ==
          "[====================>                   ] 50% 50/100  10.0/s  ETA 5.0 s  3 failed");
  }

  TEST_CASE("a bar is empty at the start and full at the end") {
    const RateEstimate rate;
    CHECK(render_bar(counts(0, 4), rate, 45, false) ==
          "[>                    ] 0% 0/4  0.00/s  ETA ?");
    CHECK(render_bar(counts(4, 4), rate, 45, false) ==
          "[=================] 100% 4/4  0.00/s  ETA 0 s");
    CHECK(render_bar(counts(0, 0), rate, 30, false) == "100% 0/0  0.00/s  ETA 0 s");
  }

  TEST_CASE("without a total a line shows what is done and the rate") {
    CHECK(render_bar(counts(520, {}, 0, 8), steady_rate(), 80, false) ==
          "520 done  10.0/s  8 running");
    CHECK(render_bar(counts(520, {}, 2), steady_rate(), 80, false) == "520 done  10.0/s  2 failed");
  }

  TEST_CASE("no line is wider than asked for") {
    const RateEstimate rate = steady_rate();
    for (std::size_t width = 1; width < 120; ++width) {
      CAPTURE(width);
      CHECK(render_bar(counts(520, 1000, 7, 8), rate, width, false).size() <= width);
      CHECK(render_bar(counts(520, {}, 7, 8), rate, width, false).size() <= width);
      // Where a bar fits it fills the line, up to its own limit of 40.
      const std::size_t bar = render_bar(counts(520, 1000), rate, width, false).size();
      if (width >= 42 && width < 74) CHECK(bar == width);
      CHECK(render_eta(counts(520, 1000, 7, 8), rate, width).size() <= width);
    }
  }

  TEST_CASE("more done than the total counts as the total") {
    CHECK(render_bar(counts(5, 4), steady_rate(), 20, false).substr(0, 8) == "100% 5/5");
    CHECK(render_eta(counts(5, 4), steady_rate(), 80).substr(0, 18) == "ETA: 0 s  Left: 0 ");
  }

  TEST_CASE("failures are red where colour is wanted") {
    CHECK(render_bar(counts(1, {}, 1), RateEstimate{}, 80, true) ==
          "1 done  0.00/s\x1b[31m  1 failed\x1b[0m");
    CHECK(render_bar(counts(1, {}, 0), RateEstimate{}, 80, true) == "1 done  0.00/s");
  }

  TEST_CASE("the eta line tells what is left and what is running") {
    CHECK(render_eta(counts(520, 1000, 3, 8), steady_rate(), 80) ==
          "ETA: 48 s  Left: 480  Rate: 10.0/s  Running: 8  Failed: 3");
    CHECK(render_eta(counts(520, {}, 3, 8), steady_rate(), 80) ==
          "ETA: ?  Done: 520  Rate: 10.0/s  Running: 8  Failed: 3");
  }

  TEST_CASE("the summary tells what came of it") {
    CHECK(render_summary(counts(1000, 1000, 3), 72s) ==
          "1000 tasks done in 1m 12s, 13.9/s, 3 failed");
    CHECK(render_summary(counts(1, 1), 2s) == "1 task done in 2.0 s, 0.50/s");
    ProgressCounts resumed = counts(300, 300, 1);
    resumed.skipped = 200;
    CHECK(render_summary(resumed, 10s) ==
          "300 tasks done in 10 s, 10.0/s, 1 failed, 200 skipped: done before");
    CHECK(render_summary(counts(0, {}), 0s) == "0 tasks done in 0 us");
    CHECK(render_summary(counts(1, 5), 2s) == "1 of 5 tasks done in 2.0 s, 0.50/s");
  }

  TEST_CASE("the line is redrawn at most ten times a second") {
    Screen screen;
    Progress progress = screen.progress();
    progress.update(counts(0, 10), kStart);
    CHECK(screen.writes.size() == 1);
    progress.update(counts(1, 10), kStart + 99ms);
    CHECK(screen.writes.size() == 1);
    progress.update(counts(1, 10), kStart + 100ms);
    CHECK(screen.writes.size() == 2);
  }

  TEST_CASE("a drawing overwrites the last one and leaves the last column free") {
    Screen screen;
    Progress progress = screen.progress();
    screen.width = 30;
    progress.update(counts(0, 1000000), kStart);
    const std::string& drawn = screen.writes.at(0);
    CHECK(drawn.front() == '\r');
    CHECK(drawn.find('\n') == std::string::npos);
    CHECK(drawn.substr(drawn.size() - 3) == "\x1b[K");
    CHECK(drawn.size() - 4 <= 29);
  }

  TEST_CASE("clearing removes a line that is there, once") {
    Screen screen;
    Progress progress = screen.progress();
    progress.clear();
    CHECK(screen.writes.empty());
    progress.update(counts(0, 10), kStart);
    progress.clear();
    progress.clear();
    REQUIRE(screen.writes.size() == 2);
    CHECK(screen.writes[1] == "\r\x1b[K");
    progress.update(counts(0, 10), kStart + 100ms);
    CHECK(screen.writes.size() == 3);
  }

  TEST_CASE("the end is a plain line in place of the bar") {
    Screen screen;
    Progress progress = screen.progress();
    progress.update(counts(0, 10), kStart);
    progress.finish(counts(10, 10, 1), kStart + 4s);
    REQUIRE(screen.writes.size() == 3);
    CHECK(screen.writes[1] == "\r\x1b[K");
    CHECK(screen.writes[2] == "10 tasks done in 4.0 s, 2.5/s, 1 failed\n");
  }

  TEST_CASE("without a terminal only the last line is printed") {
    Screen screen;
    Progress progress = screen.progress(false);
    progress.update(counts(0, 10), kStart);
    progress.clear();
    progress.finish(counts(10, 10), kStart + 4s);
    CHECK(screen.writes == std::vector<std::string>{"10 tasks done in 4.0 s, 2.5/s\n"});
  }

  TEST_CASE("the style may be an eta line") {
    Screen screen;
    Progress progress = screen.progress(true, ProgressOptions::Style::eta);
    progress.update(counts(0, 10), kStart);
    CHECK(screen.writes.at(0).substr(0, 7) == "\rETA: ?");
  }

  TEST_CASE("drawing ends when it fails, and nothing else does") {
    Screen screen;
    Progress progress = screen.progress();
    screen.broken = true;
    progress.update(counts(0, 10), kStart);
    progress.update(counts(1, 10), kStart + 1s);
    progress.finish(counts(10, 10), kStart + 4s);
    CHECK(screen.writes.size() == 1);
  }

  TEST_CASE("a file is not drawn on, and a full one is only given up") {
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    REQUIRE(full >= 0);
    const ProgressOptions options = progress_on(full, ProgressOptions::Style::bar);
    CHECK_FALSE(options.terminal);
    CHECK_FALSE(options.colour);
    CHECK(options.width() == 80);
    CHECK_FALSE(options.write("x"));
    ::close(full);
  }
}

}  // namespace
}  // namespace sluice::cli
