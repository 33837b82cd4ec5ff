// status_text_test.cpp: what people read of a ventilator's status.
// SPDX-License-Identifier: MIT
#include "cli/status_text.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

Json sample() {
  return Json::parse(R"({
    "version": 1, "name": "head-7", "endpoint": "tcp://127.0.0.1:5570", "log": "9f3a", "epoch": 1,
    "durable": false, "draining": false, "up_s": 72.0,
    "tasks": {"ready": 100, "delayed": 1, "leased": 20, "settling": 2, "unsettled": 123,
              "done": 875, "failed": 5, "expired": 3, "cancelled": 4},
    "limits": {"tasks": 123, "max_tasks": 1000000, "bytes": 12288, "max_bytes": 1073741824},
    "rates": {"settled_per_s": 104.4, "submitted_per_s": 9.25},
    "clients": 2,
    "counters": {"submitted": 1000, "workers_lost": 0, "redelivered": 0, "losses": 0},
    "refused_frames": {"bad_frame": 0, "too_large": 0},
    "types": [{"type": "exec", "ready": 100, "workers": 2}],
    "workers": [
      {"name": "node1-11", "state": "active", "lane": "push", "slots": 8, "leased": 12,
       "queued": 4, "running": 8, "done": 800, "not_done": 3, "quiet_s": 0.1, "up_s": 70},
      {"name": "node10-12", "state": "suspect", "lane": "inline", "slots": 16, "leased": 8,
       "queued": 0, "running": 8, "done": 75, "not_done": 2, "quiet_s": 9, "up_s": 69}],
    "sinks": [{"endpoint": "tcp://127.0.0.1:5571", "connected": true, "unconfirmed": 0}]})");
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_SUITE("status_text") {
  TEST_CASE("tasks stand by state, with rates and limits") {
    const std::string text = status_text(sample().dump(), false);
    CAPTURE(text);
    CHECK(holds(text, "head-7 at tcp://127.0.0.1:5570, up 1m 12s, tasks in memory\n"));
    CHECK(holds(text, "123: ready 100, delayed 1, leased 20, settling 2\n"));
    CHECK(holds(text, "887: done 875, failed 5, expired 3, cancelled 4\n"));
    CHECK(holds(text, "settled 104/s, submitted 9.2/s\n"));
    CHECK(holds(text, "123 of 1000000 tasks, 12 KiB of 1 GiB\n"));
  }

  TEST_CASE("workers stand in aligned columns") {
    const std::string text = status_text(sample().dump(), false);
    CAPTURE(text);
    const std::size_t table = text.find("WORKER ");
    REQUIRE(table != std::string::npos);
    const std::size_t slots = text.find("SLOTS", table) + 5 - table;
    const std::size_t first = text.find("node1-11");
    const std::size_t second = text.find("node10-12");
    CHECK(text.substr(first + slots - 2, 2) == " 8");
    CHECK(text.substr(second + slots - 2, 2) == "16");
    CHECK(holds(text, "suspect  inline"));
  }

  TEST_CASE("what handlers say of their tasks stands in a table of its own") {
    Json status = sample();
    CHECK_FALSE(holds(status_text(status.dump(), false), "PROGRESS"));
    status["workers"][1]["progress"] = Json::parse(
        R"([{"task": "9f3a1c07-42", "attempt": 2, "since_s": 3, "text": "page 2 of\u001b 7"}])");
    const std::string text = status_text(status.dump(), false);
    CAPTURE(text);
    CHECK(holds(text, "9f3a1c07-42  node10-12        2  3.0 s ago  page 2 of? 7\n"));
  }

  TEST_CASE("sinks tell whether they are reached") {
    Json status = sample();
    CHECK(holds(status_text(status.dump(), false), "tcp://127.0.0.1:5571  connected"));
    status["sinks"][0]["connected"] = false;
    CHECK(holds(status_text(status.dump(), false), "tcp://127.0.0.1:5571  away"));
  }

  TEST_CASE("trouble is told only when there was some") {
    Json status = sample();
    CHECK_FALSE(holds(status_text(status.dump(), false), "trouble"));
    status["refused_frames"]["bad_frame"] = 3;
    status["counters"]["workers_lost"] = 1;
    CHECK(holds(status_text(status.dump(), false), "workers lost 1, frames: bad_frame 3\n"));
  }

  TEST_CASE("colour comes only where it is wanted") {
    Json status = sample();
    status["counters"]["losses"] = 1;
    CHECK(holds(status_text(status.dump(), true), "\x1b[31mlosses 1\x1b[0m"));
    CHECK_FALSE(holds(status_text(status.dump(), false), "\x1b"));
  }

  TEST_CASE("a ventilator without workers says so") {
    Json status = sample();
    status["workers"] = Json::array();
    CHECK(holds(status_text(status.dump(), false), "no workers are connected\n"));
  }

  TEST_CASE("fields that are missing or of another kind count as nothing") {
    const std::string text = status_text(R"({"tasks": {"ready": "many"}, "up_s": []})", false);
    CHECK(holds(text, "0: ready 0, delayed 0, leased 0, settling 0"));
  }

  TEST_CASE("names cannot steer the terminal") {
    Json status = sample();
    status["name"] = "a\x1b[2Jb";
    status["workers"][0]["name"] = "c\x1b[2Jd";
    const std::string text = status_text(status.dump(), false);
    CHECK_FALSE(holds(text, "\x1b"));
    CHECK(holds(text, "a?[2Jb"));
    CHECK(holds(text, "c?[2Jd"));
  }

  TEST_CASE("what is no status is refused") {
    CHECK_THROWS_AS((void)status_text("nonsense", false), Error);
    CHECK_THROWS_AS((void)status_text("[]", false), Error);
    CHECK_THROWS_AS((void)status_text("{}", false), Error);
  }
}

}  // namespace
}  // namespace sluice::cli
