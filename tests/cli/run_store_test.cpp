// run_store_test.cpp: an outcome is on disk before anybody hears of it.
// SPDX-License-Identifier: MIT
#include "cli/run_store.hpp"

#include <doctest/doctest.h>

#include <string>

#include "cli/outcome_lines.hpp"
#include "sluice/error.hpp"
#include "store/outcome_line.hpp"
#include "support/temp_folder.hpp"

namespace sluice::cli {
namespace {

OutcomeView outcome(std::uint64_t seq) {
  OutcomeView view;
  view.id.log[0] = 7;
  view.id.seq = seq;
  view.type = "render";
  view.worker = ":";
  return view;
}

TEST_SUITE("run store") {
  TEST_CASE("outcomes are handed on when their group is in the file, with their places") {
    const TempFolder dir;
    OutcomeQueue queue;
    RunStore store(dir.file("o"), queue);
    for (std::uint64_t seq = 1; seq <= 3; ++seq) store.take(outcome(seq));
    CHECK_FALSE(queue.pop_item());
    CHECK(dir.read("o").empty());
    store.commit();
    CHECK(store.size() == dir.read("o").size());
    const OutcomeLines lines(dir.file("o"));
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
      const auto item = queue.pop_item();
      REQUIRE(item);
      CHECK(item->outcome.id.seq == seq);
      const auto facts = store::read_outcome_line(lines.at(item->place));
      REQUIRE(facts);
      CHECK(facts->id.seq == seq);
    }
    CHECK_FALSE(queue.pop_item());
  }

  TEST_CASE("what is in the file already is confirmed and not stored again") {
    const TempFolder dir;
    OutcomeQueue queue;
    RunStore store(dir.file("o"), queue);
    store.known().insert(outcome(1).id);
    store.take(outcome(1));
    store.take(outcome(2));
    store.commit();
    store.take(outcome(2));
    store.commit();
    CHECK(dir.lines("o").size() == 1);
    const auto item = queue.pop_item();
    REQUIRE(item);
    CHECK(item->outcome.id.seq == 2);
    CHECK_FALSE(queue.pop_item());
  }

  TEST_CASE("a second one on the same file is refused") {
    const TempFolder dir;
    OutcomeQueue queue;
    const RunStore store(dir.file("o"), queue);
    CHECK_THROWS_AS(RunStore(dir.file("o"), queue), Error);
  }
}

}  // namespace
}  // namespace sluice::cli
