// text_table_test.cpp: columns stand under their headings.
// SPDX-License-Identifier: MIT
#include "cli/text_table.hpp"

#include <doctest/doctest.h>

namespace sluice::cli {
namespace {

using Align = TextTable::Align;

TEST_SUITE("text_table") {
  TEST_CASE("words stand left, numbers right, and no line ends in blanks") {
    TextTable table({{"NAME", Align::left}, {"N"}, {"STATE", Align::left}});
    table.add({"a", "1", "up"});
    table.add({"longer", "1000", ""});
    CHECK(table.text() ==
          "NAME       N  STATE\n"
          "a          1  up\n"
          "longer  1000\n");
  }

  TEST_CASE("a character of several bytes takes one column") {
    TextTable table({{"NAME", Align::left}, {"N"}});
    table.add({"zürich", "1"});
    table.add({"berlin", "2"});
    CHECK(table.text() == "NAME    N\nzürich  1\nberlin  2\n");
  }

  TEST_CASE("control characters do not reach the terminal") {
    TextTable table({{"NAME", Align::left}});
    table.add({"a\x1b[31m\nb\x7f"});
    CHECK(table.text() == "NAME\na?[31m?b?\n");
  }

  TEST_CASE("only the headings are bold") {
    TextTable table({{"NAME", Align::left}});
    table.add({"a"});
    CHECK(table.text(true) == "\x1b[1mNAME\x1b[0m\na\n");
  }
}

}  // namespace
}  // namespace sluice::cli
