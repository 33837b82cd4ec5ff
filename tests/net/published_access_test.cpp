// published_access_test.cpp: whose access file may be replaced, and when it goes.
// SPDX-License-Identifier: MIT
#include "net/published_access.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include <sluice/error.hpp>

#include "support/temp_folder.hpp"

namespace sluice::net {
namespace {

Access somebody() {
  Access access = Access::of_this_process();
  access.control = "tcp://127.0.0.1:5570";
  access.sinks = {"tcp://127.0.0.1:5571"};
  access.log = std::string(32, 'a');
  return access;
}

// A process number that was in use a moment ago and is not now.
std::int64_t dead_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return child;
}

bool never(const Access&) { return false; }
bool always(const Access&) { return true; }
bool must_not_be_asked(const Access&) {
  FAIL_CHECK("the file alone tells");
  return false;
}

std::string refusal(const std::string& path, bool (*answers)(const Access&)) {
  try {
    (void)check_access_free(path, answers);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST_SUITE("published_access") {
  TEST_CASE("where there is no file there is nothing to say") {
    const TempFolder folder;
    CHECK(check_access_free(folder.file("a.json"), must_not_be_asked).empty());
  }

  TEST_CASE("the file of a ventilator that answers is not overwritten") {
    const TempFolder folder;
    const std::string path = folder.file("a.json");
    Access living = somebody();
    living.pid = ::getppid();
    living.write(path);
    const std::string text = refusal(path, always);
    CHECK(text.find(path) != std::string::npos);
    CHECK(text.find("running") != std::string::npos);
    CHECK(text.find(living.control) != std::string::npos);
  }

  TEST_CASE("a process that lives here but does not answer keeps its file") {
    const TempFolder folder;
    const std::string path = folder.file("a.json");
    Access silent = somebody();
    silent.pid = ::getppid();
    silent.write(path);
    CHECK(refusal(path, never).find("remove the file") != std::string::npos);
  }

  TEST_CASE("the file of a dead process is replaced with a note, without asking around") {
    const TempFolder folder;
    const std::string path = folder.file("a.json");
    Access dead = somebody();
    dead.pid = dead_process();
    dead.write(path);
    const std::string note = check_access_free(path, must_not_be_asked);
    CHECK(note.find("is gone") != std::string::npos);
    CHECK(note.find(path) != std::string::npos);
  }

  TEST_CASE("a file with the number of this process is of an earlier one") {
    const TempFolder folder;
    const std::string path = folder.file("a.json");
    somebody().write(path);
    CHECK(check_access_free(path, must_not_be_asked).find("is gone") != std::string::npos);
  }

  TEST_CASE("of a ventilator on another host only its answer tells") {
    const TempFolder folder;
    const std::string path = folder.file("a.json");
    Access elsewhere = somebody();
    elsewhere.host += "-other";
    elsewhere.write(path);
    CHECK(check_access_free(path, never).find("does not answer") != std::string::npos);
    CHECK(refusal(path, always).find(elsewhere.host) != std::string::npos);
  }

  TEST_CASE("a file that is no access file is left as it is") {
    const TempFolder folder;
    for (const char* const text : {"", "{}", "[1]", "my notes", R"({"control": 5})"}) {
      CAPTURE(text);
      const std::string path = folder.write("notes", text);
      const std::string text_of_refusal = refusal(path, never);
      CHECK(text_of_refusal.find("not an access file") != std::string::npos);
      CHECK(text_of_refusal.find("left as it is") != std::string::npos);
      CHECK(folder.read("notes") == text);
    }
  }

  TEST_CASE("the file says where the ventilator is, for its user alone, and goes with it") {
    const TempFolder folder;
    const std::string path = folder.file("a.json");
    {
      const std::array<std::uint8_t, 16> log{0x9f, 0x3a};
      const PublishedAccess published(path, "tcp://head:5570", {"tcp://head:5571"}, log);
      const Access read = Access::load(path);
      CHECK(read.control == "tcp://head:5570");
      CHECK(read.sinks == std::vector<std::string>{"tcp://head:5571"});
      CHECK(read.log == "9f3a" + std::string(28, '0'));
      CHECK(read.pid == ::getpid());
      struct stat info {};
      REQUIRE(::stat(path.c_str(), &info) == 0);
      CHECK((info.st_mode & 0777) == 0600);
    }
    CHECK_FALSE(std::filesystem::exists(path));
  }

  TEST_CASE("two ventilators of one process cannot have one file") {
    const TempFolder folder;
    const std::string path = folder.file("a.json");
    {
      const PublishedAccess published(path, "tcp://head:5570", {"tcp://head:5571"}, {});
      CHECK_THROWS_WITH_AS((void)check_access_free(path), doctest::Contains("of this process"),
                           Error);
    }
    CHECK(check_access_free(path).empty());
  }

  TEST_CASE("a file that another ventilator wrote meanwhile stays") {
    const TempFolder folder;
    const std::string path = folder.file("a.json");
    {
      const PublishedAccess published(path, "tcp://head:5570", {"tcp://head:5571"}, {});
      somebody().write(path);
    }
    CHECK(std::filesystem::exists(path));
  }
}

}  // namespace
}  // namespace sluice::net
