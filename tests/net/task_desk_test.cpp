// task_desk_test.cpp: what handlers leave reaches the loop once, or not at all after its end.
// SPDX-License-Identifier: MIT
#include "net/task_desk.hpp"

#include <doctest/doctest.h>

#include <future>
#include <thread>

using namespace sluice;
using namespace sluice::net;

namespace {

core::TaskHandle handle(std::uint64_t place, std::uint64_t generation = 0) {
  return static_cast<core::TaskHandle>(generation << 32 | place);
}

using Texts = std::vector<std::pair<core::TaskHandle, std::string>>;

Texts texts_of(TaskDesk& desk, std::size_t most = 100) {
  Texts texts;
  desk.take_progress(most, texts);
  return texts;
}

void say(TaskDesk& desk, core::TaskHandle task, std::string_view text) {
  desk.progress(desk.cell(task), task, text);
}

}  // namespace

TEST_SUITE("task_desk") {
  TEST_CASE("of each task the latest text is taken, once") {
    Wake wake;
    TaskDesk desk(wake, 0, 1);
    CHECK_FALSE(desk.has_progress());
    say(desk, handle(3), "page 1");
    say(desk, handle(5), "page 9");
    say(desk, handle(3), "page 2");
    CHECK(desk.has_progress());
    CHECK(texts_of(desk) == Texts{{handle(3), "page 2"}, {handle(5), "page 9"}});
    CHECK_FALSE(desk.has_progress());
  }

  TEST_CASE("what was said before is no news") {
    Wake wake;
    TaskDesk desk(wake, 0, 1);
    say(desk, handle(3), "");
    CHECK(texts_of(desk).empty());
    say(desk, handle(3), "page 1");
    CHECK(texts_of(desk).size() == 1);
    say(desk, handle(3), "page 1");
    CHECK(texts_of(desk).empty());
    // Another task in the same place has said nothing yet.
    say(desk, handle(3, 1), "page 1");
    CHECK(texts_of(desk) == Texts{{handle(3, 1), "page 1"}});
  }

  TEST_CASE("no more texts are taken than asked for; the others wait") {
    Wake wake;
    TaskDesk desk(wake, 0, 1);
    for (std::uint64_t place = 0; place < 3; ++place) say(desk, handle(place), "x");
    CHECK(texts_of(desk, 2).size() == 2);
    CHECK(texts_of(desk, 2) == Texts{{handle(2), "x"}});
  }

  TEST_CASE("a text is cut to 512 bytes, not within a character") {
    Wake wake;
    TaskDesk desk(wake, 0, 1);
    say(desk, handle(1), std::string(511, 'x') + "\xC3\xA9");
    CHECK(texts_of(desk) == Texts{{handle(1), std::string(511, 'x')}});
  }

  TEST_CASE("a task that is finished leaves its report and its slot") {
    Wake wake;
    TaskDesk desk(wake, 4, 5);
    CHECK(desk.take_slot() == 4U);
    std::future<std::optional<std::uint32_t>> next =
        std::async(std::launch::async, [&] { return desk.take_slot(); });
    JobReport report;
    report.handle = handle(7);
    report.result = core::as_bytes("result");
    CHECK_FALSE(desk.has_reports());
    desk.finish(report, 4);
    CHECK(next.get() == 4U);
    CHECK(desk.has_reports());
    ReportBuffer reports;
    desk.take_reports(reports);
    int count = 0;
    reports.for_each([&](const JobReport& taken) {
      ++count;
      CHECK(taken.handle == handle(7));
      CHECK(core::as_text(taken.result) == "result");
    });
    CHECK(count == 1);
    CHECK_FALSE(desk.has_reports());
  }

  TEST_CASE("a closed desk takes nothing, and nobody waits there for a slot") {
    Wake wake;
    TaskDesk desk(wake, 0, 0);
    std::future<std::optional<std::uint32_t>> waiting =
        std::async(std::launch::async, [&] { return desk.take_slot(); });
    desk.close();
    CHECK_FALSE(waiting.get().has_value());
    CHECK(desk.is_closed());
    desk.finish({}, 0);
    say(desk, handle(1), "page 1");
    CHECK_FALSE(desk.has_reports());
    CHECK_FALSE(desk.has_progress());
  }
}
