// sink_test.cpp: what a Sink refuses at its start, and how it ends.
// SPDX-License-Identifier: MIT
#include <sluice/sink.hpp>

#include <doctest/doctest.h>

#include <string>

#include <sluice/error.hpp>

#include "support/temp_folder.hpp"

using namespace sluice;

namespace {

void ignore(const OutcomeView&) {}

}  // namespace

TEST_SUITE_BEGIN("sink");

TEST_CASE("options out of range are refused with the range") {
  SinkOptions options;
  CHECK_THROWS_WITH_AS(Sink{options}, doctest::Contains("file, a handler, or both"), Error);
  options.heartbeat = std::chrono::milliseconds(249);
  CHECK_THROWS_WITH_AS(Sink(options, ignore), doctest::Contains("250 ms"), Error);
  options = {};
  options.max_frame = 1000;
  CHECK_THROWS_WITH_AS(Sink(options, ignore), doctest::Contains("128 KiB"), Error);
  options = {};
  options.name = std::string(129, 'x');
  CHECK_THROWS_WITH_AS(Sink(options, ignore), doctest::Contains("128 bytes"), Error);
}

TEST_CASE("an address that is taken, and a file that is not ours, stop the start") {
  SinkOptions options;
  const Sink first(options, ignore);
  options.bind = first.endpoint();
  CHECK_THROWS_AS(Sink(options, ignore), Error);
  const TempFolder folder;
  options = {};
  options.file = folder.file("notes.txt");
  write_file(options.file, "hello\n");
  CHECK_THROWS_WITH_AS(Sink{options}, doctest::Contains("is not an outcome file"), Error);
}

TEST_CASE("the address told to others has the real port, and the host that was asked for") {
  SinkOptions options;
  const Sink plain(options, ignore);
  CHECK(plain.endpoint().find("tcp://127.0.0.1:") == 0);
  CHECK(plain.endpoint().find('*') == std::string::npos);
  options.advertise = "head.example";
  const Sink shown(options, ignore);
  CHECK(shown.endpoint().find("tcp://head.example:") == 0);
}

TEST_CASE("stopping twice is stopping, and the file is free then") {
  const TempFolder folder;
  SinkOptions options;
  options.file = folder.file("out.jsonl");
  {
    Sink sink(options);
    sink.stop();
    sink.stop();
    CHECK_NOTHROW(sink.check());
  }
  CHECK_NOTHROW(Sink{options});
}

TEST_SUITE_END();
