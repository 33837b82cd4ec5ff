// program_search_test.cpp: the file behind a command's first word.
// SPDX-License-Identifier: MIT
#include "exec/program_search.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include "exec/rig.hpp"

namespace sluice::exec {

TEST_SUITE_BEGIN("program_search");

TEST_CASE("the first file in PATH that can be run is taken") {
  const TempFolder one, two;
  one.write("tool", "", 0644);
  const std::string second = two.write("tool", "", 0755);
  const Program program = find_program("tool", one.path() + ":/nonexistent:" + two.path(), "");
  CHECK(program.error == 0);
  CHECK(program.file == second);
}

TEST_CASE("a file that may not be run is told from one that is not there") {
  const TempFolder folder;
  folder.write("tool", "", 0644);
  std::filesystem::create_directory(folder.file("folder"));
  CHECK(find_program("tool", folder.path(), "").error == EACCES);
  CHECK(find_program("other", folder.path(), "").error == ENOENT);
  CHECK(find_program("folder", folder.path(), "").error == ENOENT);
  CHECK(find_program("", folder.path(), "").error == ENOENT);
}

TEST_CASE("a name with a slash is left alone") {
  CHECK(find_program("./any", "/bin", "").file == "./any");
  CHECK(find_program("/no/such", "", "").file == "/no/such");
}

TEST_CASE("relative and empty entries of PATH are meant from the working folder") {
  const TempFolder folder;
  std::filesystem::create_directory(folder.file("bin"));
  folder.write("bin/tool", "", 0755);
  folder.write("here", "", 0755);
  CHECK(find_program("tool", "bin", folder.path()).file == "bin/tool");
  CHECK(find_program("here", "/nonexistent:", folder.path()).file == "./here");
  CHECK(find_program("tool", "bin", "").error == ENOENT);
}

TEST_CASE("without PATH the usual folders are searched") {
  CHECK(find_program("sh", "", "").error == 0);
}

TEST_SUITE_END();

}  // namespace sluice::exec
