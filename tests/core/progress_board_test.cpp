// progress_board_test.cpp: the latest text of each task, and no more of them than allowed.
// SPDX-License-Identifier: MIT
#include "core/progress_board.hpp"

#include <doctest/doctest.h>

using namespace sluice::core;

TEST_SUITE("progress_board") {
  TEST_CASE("the latest text counts, with the time it came") {
    ProgressBoard board(10);
    CHECK(board.find(7) == nullptr);
    board.put(7, "page 1", Time{Duration(5)});
    board.put(7, "page 2", Time{Duration(6)});
    REQUIRE(board.find(7) != nullptr);
    CHECK(board.find(7)->text == "page 2");
    CHECK(board.find(7)->since == Time{Duration(6)});
    CHECK(board.size() == 1);
  }

  TEST_CASE("an erased task, or one that says nothing more, has no text") {
    ProgressBoard board(10);
    board.put(1, "page 1", Time{});
    board.put(2, "page 1", Time{});
    board.erase(1);
    board.put(2, "", Time{});
    CHECK(board.find(1) == nullptr);
    CHECK(board.find(2) == nullptr);
    CHECK(board.size() == 0);
  }

  TEST_CASE("a full board takes newer texts of the tasks that it has, and no others") {
    ProgressBoard board(1);
    board.put(1, "page 1", Time{});
    board.put(2, "page 1", Time{});
    board.put(1, "page 2", Time{});
    CHECK(board.find(2) == nullptr);
    CHECK(board.find(1)->text == "page 2");
  }
}
