// results_tree_test.cpp: folders named by arguments.
// SPDX-License-Identifier: MIT
#include "cli/results_tree.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/temp_folder.hpp"

namespace sluice::cli {
namespace {

std::string folder(const std::vector<std::string>& arguments) { return results_folder(arguments); }

TEST_SUITE("results tree") {
  TEST_CASE("each input source has its number, each argument a folder in it") {
    CHECK(folder({"a"}) == "1/a");
    CHECK(folder({"a", "b c"}) == "1/a/2/b c");
  }

  TEST_CASE("no argument leaves its folder, and no two share one") {
    CHECK(folder({"a/b"}) == "1/a\\_b");
    CHECK(folder({"a\\_b"}) == "1/a\\\\_b");
    CHECK(folder({"a\tb\nc"}) == "1/a\\tb\\nc");
    CHECK(folder({"."}) == "1/\\.");
    CHECK(folder({".."}) == "1/\\..");
    CHECK(folder({""}) == "1/\\0");
    const std::string one = folder({std::string(300, 'x') + "1"});
    const std::string two = folder({std::string(300, 'x') + "2"});
    CHECK(one.size() <= 2 + 255);
    CHECK(one != two);
  }

  TEST_CASE("three files are written, and written again") {
    const TempFolder dir;
    const ResultsTree tree(dir.file("out"));
    const std::vector<std::string> arguments{"../x"};
    tree.write(arguments, 3, "long output\n", "complaint\n");
    CHECK(dir.read("out/1/..\\_x/stdout") == "long output\n");
    CHECK(dir.read("out/1/..\\_x/stderr") == "complaint\n");
    CHECK(dir.read("out/1/..\\_x/seq") == "3");
    tree.write(arguments, 4, "short\n", "");
    CHECK(dir.read("out/1/..\\_x/stdout") == "short\n");
    CHECK(dir.read("out/1/..\\_x/stderr").empty());
  }
}

}  // namespace
}  // namespace sluice::cli
