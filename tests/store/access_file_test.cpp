// access_file_test.cpp: written whole, found, understood, and removed only by its owner.
// SPDX-License-Identifier: MIT
#include <sluice/access.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <sluice/error.hpp>

#include "support/temp_folder.hpp"

using namespace sluice;

namespace {

Access example() {
  Access access = Access::of_this_process();
  access.control = "tcp://head:5570";
  access.sinks = {"tcp://head:5571", "tcp://node2:5571"};
  access.log = "9f3a1c070000000000000000000000ab";
  access.durable = true;
  return access;
}
std::string error_of(const std::string& path) {
  try {
    static_cast<void>(Access::load(path));
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
// The number of a process that has ended.
pid_t ended_process() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return pid;
}

}  // namespace

TEST_SUITE_BEGIN("access_file");

TEST_CASE("what was written is loaded") {
  const TempFolder folder;
  const std::string path = folder.file("access.json");
  const Access written = example();
  written.write(path);
  const Access loaded = Access::load(path);
  CHECK(loaded.control == written.control);
  CHECK(loaded.sinks == written.sinks);
  CHECK(loaded.log == written.log);
  CHECK(loaded.pid == ::getpid());
  CHECK(loaded.host == written.host);
  CHECK(loaded.process_space == written.process_space);
  CHECK(loaded.started == written.started);
  CHECK(loaded.durable);
  CHECK(loaded.warnings.empty());
}

TEST_CASE("only its owner may read it, and nothing else is left in the folder") {
  const TempFolder folder;
  const std::string path = folder.file("access.json");
  example().write(path);
  example().write(path);  // over the first
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.file("")))
    ++files;
  CHECK(files == 1);
}

TEST_CASE("a file open to others is loaded with a warning") {
  const TempFolder folder;
  const std::string path = folder.file("access.json");
  example().write(path);
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  const Access loaded = Access::load(path);
  REQUIRE(loaded.warnings.size() == 1);
  CHECK(contains(loaded.warnings[0], "chmod 600"));
}

TEST_CASE("errors say what is wrong and what to do") {
  const TempFolder folder;
  const std::string path = folder.file("access.json");
  CHECK(contains(error_of(path), "there is no access file"));
  CHECK(contains(error_of(path), "--access"));
  write_file(path, "hello");
  CHECK(contains(error_of(path), "is not an access file"));
  write_file(path, "{}");
  CHECK(contains(error_of(path), "is not an access file"));
  write_file(path, R"({"version":"1"})");
  CHECK(contains(error_of(path), "is not an access file"));
  write_file(path, R"({"version":2,"and":"all is different"})");
  CHECK(contains(error_of(path), "version 2"));
  CHECK_FALSE(error_of(folder.file("")).empty());  // a folder
}

TEST_CASE("a device, a folder and an empty file are no access files, and are told so at once") {
  const TempFolder folder;
  const std::string empty = folder.file("empty");
  std::ofstream(empty).close();
  CHECK(contains(error_of(empty), "is empty"));
  CHECK(contains(error_of("/dev/zero"), "not an access file"));
  CHECK(contains(error_of(folder.file("")), "not an access file"));
}

TEST_CASE("a time that is none makes it no access file") {
  const TempFolder folder;
  const std::string path = folder.file("access.json");
  example().write(path);
  auto json = nlohmann::json::parse(read_file(path));
  for (const char* time : {"yesterday", "9999-01-01T00:00:00Z", "0001-01-01T00:00:00Z"}) {
    json["started"] = time;
    write_file(path, json.dump());
    CHECK(contains(error_of(path), "is not an access file"));
  }
}

TEST_CASE("a number that is not whole makes it no access file") {
  const TempFolder folder;
  const std::string path = folder.file("access.json");
  example().write(path);
  for (const char* field : {"pid", "version"}) {
    auto json = nlohmann::json::parse(read_file(path));
    json[field] = 9.3e19;
    write_file(folder.file("odd.json"), json.dump());
    CHECK(contains(error_of(folder.file("odd.json")), "is not an access file"));
  }
}

TEST_CASE("a ventilator that is gone from this host is told at once") {
  const TempFolder folder;
  const std::string path = folder.file("access.json");
  Access access = example();
  access.durable = false;
  access.pid = ended_process();
  access.started -= std::chrono::minutes(3);
  CHECK(access.process_is_gone());
  access.write(path);
  CHECK(contains(error_of(path), "is gone"));
  CHECK(contains(error_of(path), "3 min ago"));
}

TEST_CASE("one with a journal is waited for") {
  const TempFolder folder;
  const std::string path = folder.file("access.json");
  Access access = example();
  access.durable = true;
  access.pid = ended_process();
  access.write(path);
  CHECK(Access::load(path).process_is_gone());
}

TEST_CASE("what cannot be known from here is not called gone") {
  Access access = example();
  access.pid = ended_process();
  SUBCASE("another host") { access.host = "another-host.invalid"; }
  SUBCASE("another boot or container of this one") { access.process_space = "another/pid:[1]"; }
  SUBCASE("nothing known") { access.process_space.clear(); }
  CHECK_FALSE(access.process_is_gone());
}

TEST_CASE("a ventilator removes its own file and no other's") {
  const TempFolder folder;
  const std::string path = folder.file("access.json");
  const Access mine = example();
  mine.write(path);
  Access other = mine;
  other.log = "00000000000000000000000000000000";
  CHECK_FALSE(other.remove(path));
  CHECK(std::filesystem::exists(path));
  CHECK(mine.remove(path));
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(mine.remove(path));
}

TEST_CASE("a folder that cannot be written to is an error") {
  const TempFolder folder;
  CHECK_THROWS_WITH_AS(example().write(folder.file("no/such/folder/a.json")),
                       doctest::Contains("cannot write the access file"), Error);
}

TEST_CASE("the file that was named counts before the environment") {
  ::setenv("SLUICE_ACCESS", "/from/environment", 1);
  CHECK(Access::find("given") == "given");
  CHECK(Access::find() == "/from/environment");
  ::unsetenv("SLUICE_ACCESS");
  CHECK_THROWS_WITH_AS(static_cast<void>(Access::find()), doctest::Contains("SLUICE_ACCESS"),
                       Error);
}

TEST_CASE("the age is told in words that fit it") {
  Access access;
  const auto ago = [&access](std::chrono::seconds s) {
    access.started = std::chrono::system_clock::now() - s;
    return access.age();
  };
  using namespace std::chrono_literals;
  CHECK(ago(-60s) == "0 s");
  CHECK(ago(600s) == "10 min");
  CHECK(ago(3h + 12min) == "3 h 12 min");
  CHECK(ago(72h) == "3 days");
}

TEST_SUITE_END();
