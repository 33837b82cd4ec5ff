// outcome_test.cpp: names of tasks and statuses, and outcomes that own their bytes.
// SPDX-License-Identifier: MIT
#include <sluice/outcome.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace sluice;

TEST_SUITE_BEGIN("outcome");

TEST_CASE("a task is shown by four bytes of its log and its number") {
  TaskId id;
  id.log = {0x9f, 0x3a, 0x1c, 0x07, 0xff};
  id.seq = 42;
  CHECK(id.str() == "9f3a1c07-42");
}

TEST_CASE("every status has its word") {
  CHECK(to_string(Status::done) == "done");
  CHECK(to_string(Status::failed) == "failed");
  CHECK(to_string(Status::expired) == "expired");
  CHECK(to_string(Status::cancelled) == "cancelled");
}

TEST_CASE("an outcome keeps what its view showed") {
  Outcome kept;
  {
    std::string key = "k", type = "resize", worker = "w1", error = "boom";
    const std::vector<std::byte> result{std::byte{1}, std::byte{2}};
    OutcomeView view;
    view.id.seq = 7;
    view.status = Status::failed;
    view.attempt = 3;
    view.key = key;
    view.type = type;
    view.worker = worker;
    view.error = error;
    view.result = result;
    view.result_is_task = true;
    view.run = std::chrono::microseconds(5);
    kept = Outcome(view);
  }
  CHECK(kept.id.seq == 7);
  CHECK(kept.status == Status::failed);
  CHECK(kept.attempt == 3);
  CHECK(kept.key == "k");
  CHECK(kept.type == "resize");
  CHECK(kept.worker == "w1");
  CHECK(kept.error == "boom");
  CHECK(kept.result == std::vector<std::byte>{std::byte{1}, std::byte{2}});
  CHECK(kept.result_is_task);
  CHECK(kept.run.count() == 5);
}

TEST_SUITE_END();
