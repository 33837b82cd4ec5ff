// sink_watch_test.cpp: an operator hears of a lost sink once, and of its return.
// SPDX-License-Identifier: MIT
#include "cli/sink_watch.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

struct Watched {
  std::vector<std::string> warnings, infos;
  SinkWatch watch{[this](const std::string& text) { warnings.push_back(text); },
                  [this](const std::string& text) { infos.push_back(text); }};
  SinkWatch::Clock::time_point now{};

  void look(bool first, bool second, SinkWatch::Clock::duration after) {
    now += after;
    const auto sink = [](const char* name, bool connected) {
      return R"({"endpoint":")" + std::string(name) + R"(","connected":)" +
             (connected ? "true" : "false") + "}";
    };
    watch.look(R"({"sinks":[)" + sink("tcp://a:1", first) + "," + sink("tcp://b:2", second) + "]}",
               now);
  }
};

}  // namespace

TEST_SUITE("sink watch") {
  TEST_CASE("a sink that connects in time is not worth a word") {
    Watched w;
    w.look(false, false, 0s);
    w.look(false, true, 1900ms);
    w.look(true, true, 50ms);
    w.look(true, true, 10s);
    CHECK(w.warnings.empty());
    CHECK(w.infos.empty());
  }

  TEST_CASE("a sink that is away is told of once, and so is its return") {
    Watched w;
    w.look(true, false, 0s);
    for (int i = 0; i < 10; ++i) w.look(true, false, 1s);
    REQUIRE(w.warnings.size() == 1);
    CHECK(w.warnings[0].find("tcp://b:2 cannot be reached") != std::string::npos);
    w.look(true, true, 1s);
    CHECK(w.infos.size() == 1);
    w.look(true, false, 1s);  // patience begins anew
    CHECK(w.warnings.size() == 1);
    w.look(true, false, 2s);
    CHECK(w.warnings.size() == 2);
  }
}

}  // namespace sluice::cli
