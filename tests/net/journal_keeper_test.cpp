// journal_keeper_test.cpp: a ventilator of this process goes on where another one was.
// SPDX-License-Identifier: MIT
#include "net/journal_keeper.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include <sluice/error.hpp>
#include <sluice/sink.hpp>
#include <sluice/worker.hpp>

#include "support/temp_folder.hpp"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

constexpr auto kHangs = 30s;

VentilatorOptions durable(const TempFolder& folder, const Sink& sink) {
  VentilatorOptions options;
  options.journal = folder.file("journal");
  options.sinks = {sink.endpoint()};
  options.heartbeat = 250ms;
  return options;
}

Task task(const std::string& key = {}) {
  Task out;
  out.type = "t";
  out.key = key;
  return out;
}

}  // namespace

TEST_SUITE("journal_keeper") {
  TEST_CASE("what a journal holds is unsettled from the first moment, and runs in the end") {
    const TempFolder folder;
    std::vector<std::uint64_t> stored;  // by the sink's thread, read after it has stopped
    Sink sink(SinkOptions{}, [&](const OutcomeView& outcome) { stored.push_back(outcome.id.seq); });
    std::array<std::uint8_t, 16> log{};
    TaskId keyed;
    {
      Ventilator first(durable(folder, sink));
      log = first.log();
      first.submit(task());
      keyed = first.submit(task("k"));
      first.flush();
    }
    for (int life = 2; life <= 5; ++life) {
      Ventilator next(durable(folder, sink));
      CHECK(next.unsettled() == 2);
      CHECK(next.log() == log);
      CHECK(next.submit(task("k")) == keyed);  // the dedup window goes on, too
      CHECK_FALSE(next.wait_settled(0ms));
    }
    Ventilator last(durable(folder, sink));
    WorkerOptions one;
    one.slots = 1;
    Worker worker(one);
    worker.on("t", [](const TaskView&) { return std::vector<std::byte>{}; });
    worker.start(last.endpoint());
    CHECK(last.wait_settled(kHangs));
    worker.stop();
    last.stop();
    sink.stop();
    CHECK(stored.size() == 2);
  }

  TEST_CASE("two ventilators cannot have one journal") {
    const TempFolder folder;
    const Sink sink(SinkOptions{}, [](const OutcomeView&) {});
    const Ventilator first(durable(folder, sink));
    CHECK_THROWS_AS(Ventilator{durable(folder, sink)}, Error);
  }
}
