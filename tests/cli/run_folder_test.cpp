// run_folder_test.cpp: whose folder it is, and what is refused.
// SPDX-License-Identifier: MIT
#include "cli/run_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "sluice/error.hpp"
#include "support/temp_folder.hpp"

namespace sluice::cli {
namespace {

const RunIdentity kMine{{"echo", "{}"}, "/here"};

TEST_SUITE("run folder") {
  TEST_CASE("a folder is new until its first start, and counts the starts") {
    const TempFolder dir;
    for (std::uint64_t start = 1; start <= 3; ++start) {
      RunFolder folder(dir.file("j"), kMine);
      CHECK(folder.is_new() == (start == 1));
      folder.begin();
      CHECK(folder.start() == start);
    }
  }

  TEST_CASE("a start that was killed before it began leaves the folder new") {
    const TempFolder dir;
    { const RunFolder folder(dir.file("j"), kMine); }
    dir.write("j/printed", "");
    dir.write("j/run.json.part", "{");
    CHECK(RunFolder(dir.file("j"), kMine).is_new());
  }

  TEST_CASE("another command and another working folder are refused") {
    const TempFolder dir;
    RunFolder(dir.file("j"), kMine).begin();
    CHECK_THROWS_WITH_AS(RunFolder(dir.file("j"), {{"echo", "{.}"}, "/here"}),
                         doctest::Contains("another command"), Error);
    CHECK_THROWS_WITH_AS(RunFolder(dir.file("j"), {{"echo", "{}"}, "/there"}),
                         doctest::Contains("in the folder /here, not in /there"), Error);
    CHECK_THROWS_AS(static_cast<void>(outcomes_to_look_at(dir.file("j"), {{"x"}, "/here"})), Error);
    CHECK(outcomes_to_look_at(dir.file("j"), kMine) == dir.file("j/outcomes"));
    CHECK_NOTHROW(RunFolder(dir.file("j"), kMine));
  }

  TEST_CASE("a damaged or newer run.json is refused, with how to start anew") {
    const TempFolder dir;
    RunFolder(dir.file("j"), kMine).begin();
    dir.write("j/run.json", "{\"version\": 1");
    CHECK_THROWS_WITH_AS(RunFolder(dir.file("j"), kMine), doctest::Contains("rm -r"), Error);
    dir.write("j/run.json",
              R"({"version": 2, "command": ["echo", "{}"], "folder": "/here", "starts": 1})");
    CHECK_THROWS_WITH_AS(RunFolder(dir.file("j"), kMine), doctest::Contains("another version"),
                         Error);
  }

  TEST_CASE("a folder that holds something else, or cannot be made, is refused") {
    const TempFolder dir;
    std::filesystem::create_directory(dir.file("j"));
    dir.write("j/journal.db", "x");
    CHECK_THROWS_WITH_AS(RunFolder(dir.file("j"), kMine), doctest::Contains("journal.db"), Error);
    CHECK_THROWS_AS(RunFolder(dir.file("no/where"), kMine), Error);
  }

  TEST_CASE("who has it is told to whoever comes second") {
    const TempFolder dir;
    const RunFolder first(dir.file("j"), kMine);
    CHECK_THROWS_WITH_AS(RunFolder(dir.file("j"), kMine), doctest::Contains("sluice run, process"),
                         Error);
  }

  TEST_CASE("a command that is not UTF-8 is known again") {
    const TempFolder dir;
    const RunIdentity odd{{"echo", "\xff{}"}, "/h\xe4re"};
    RunFolder(dir.file("j"), odd).begin();
    CHECK_NOTHROW(RunFolder(dir.file("j"), odd));
  }

  TEST_CASE("the end is remembered") {
    const TempFolder dir;
    RunFolder folder(dir.file("j"), kMine);
    folder.begin();
    CHECK_FALSE(folder.end());
    folder.set_end({3, 40});
    REQUIRE(folder.end());
    CHECK(folder.end()->exit_code == 3);
    CHECK(folder.end()->tasks == 40);
    CHECK(folder.filed("res") == folder.filed("./res/../res"));
    CHECK(folder.filed("res") != folder.filed("other"));
  }
}

}  // namespace
}  // namespace sluice::cli
