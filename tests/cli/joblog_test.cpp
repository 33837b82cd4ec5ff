// joblog_test.cpp: the joblog, byte for byte as GNU parallel 20221122 writes it.
// SPDX-License-Identifier: MIT
#include "cli/joblog.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "sluice/error.hpp"
#include "support/temp_folder.hpp"

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

JobLogEntry entry(std::uint64_t seq, std::string command) {
  JobLogEntry result;
  result.seq = seq;
  result.start = 1795432010s + 249ms;
  result.runtime = 3ms;
  result.received = 4;
  result.command = std::move(command);
  return result;
}

const std::string kHeader(kJobLogHeader);
const std::string kFirst = "1\t:\t1795432010.249\t     0.003\t0\t4\t0\t0\techo 'a b'\n";

TEST_SUITE("joblog") {
  TEST_CASE("a line has the nine columns of GNU parallel, the run time in ten places") {
    CHECK(joblog_line(entry(1, "echo 'a b'")) == kFirst);
  }

  TEST_CASE("exit code, signal, host and bytes have their columns") {
    JobLogEntry killed = entry(12, "kill -9 $$");
    killed.host = "node7";
    killed.runtime = 1234567s + 8ms;
    killed.sent = 10;
    killed.received = 20;
    killed.exit_code = 3;
    killed.signal = 9;
    CHECK(joblog_line(killed) ==
          "12\tnode7\t1795432010.249\t1234567.008\t10\t20\t3\t9\tkill -9 $$\n");
  }

  TEST_CASE("times are rounded to the millisecond, and never negative") {
    JobLogEntry rounded = entry(1, "x");
    rounded.start = 5s + 999'499us;
    rounded.runtime = 1s + 999'500us;
    CHECK(joblog_line(rounded) == "1\t:\t5.999\t     2.000\t0\t4\t0\t0\tx\n");
    rounded.start = -1s;
    rounded.runtime = -1us;
    CHECK(joblog_line(rounded) == "1\t:\t0.000\t     0.000\t0\t4\t0\t0\tx\n");
  }

  TEST_CASE("an entry is one line whatever its command and host hold") {
    JobLogEntry odd = entry(1, "echo 'x\ny\tz'");
    odd.host = "a\tb\nc";
    CHECK(joblog_line(odd) == "1\ta b c\t1795432010.249\t     0.003\t0\t4\t0\t0\techo 'x" +
                                  std::string(1, '\0') + "y\tz'\n");
  }

  TEST_CASE("what was written is read back") {
    JobLogEntry odd = entry(77, "echo 'x\ny\tz'");
    odd.host = "node7";
    odd.exit_code = 255;
    odd.signal = 15;
    odd.sent = 1;
    std::string line = joblog_line(odd);
    line.pop_back();
    const auto read = parse_joblog_line(line);
    REQUIRE(read);
    CHECK(read->seq == 77);
    CHECK(read->host == "node7");
    CHECK(read->start == odd.start);
    CHECK(read->runtime == odd.runtime);
    CHECK(read->sent == 1);
    CHECK(read->received == 4);
    CHECK(read->exit_code == 255);
    CHECK(read->signal == 15);
    CHECK(read->command == odd.command);
  }

  TEST_CASE("what is no entry is not read as one") {
    std::string line = kFirst.substr(0, kFirst.size() - 1);
    REQUIRE(parse_joblog_line(line));
    CHECK_FALSE(parse_joblog_line(kHeader));
    CHECK_FALSE(parse_joblog_line(""));
    CHECK_FALSE(parse_joblog_line(line.substr(0, 30)));
    CHECK_FALSE(parse_joblog_line("x" + line));
    CHECK_FALSE(parse_joblog_line("1\t:\t5\t6\t0\t0\t0\tx\tcmd"));
    CHECK_FALSE(parse_joblog_line("1\t:\t5.x\t6\t0\t0\t0\t0\tcmd"));
    CHECK_FALSE(parse_joblog_line("1\t:\t99999999999999\t6\t0\t0\t0\t0\tcmd"));
    CHECK_FALSE(parse_joblog_line("1\t:\t5\t-6\t0\t0\t0\t0\tcmd"));
    CHECK(parse_joblog_line("1\t:\t5\t6\t0\t0\t0\t0\t"));
  }

  TEST_CASE("a fresh joblog starts with the header and forgets what was there") {
    const TempFolder folder;
    put(folder.file("log"), "old\n");
    JobLog log(folder.file("log"), JobLog::Open::fresh);
    CHECK(content(folder.file("log")) == kHeader);
  }

  TEST_CASE("an entry is in the file as soon as it is written") {
    const TempFolder folder;
    JobLog log(folder.file("log"), JobLog::Open::fresh);
    log.write(entry(1, "echo 'a b'"));
    CHECK(content(folder.file("log")) == kHeader + kFirst);
    log.write(entry(1, "echo 'a b'"));
    CHECK(content(folder.file("log")) == kHeader + kFirst + kFirst);
  }

  TEST_CASE("an appended joblog keeps what was there, and has one header") {
    const TempFolder folder;
    for (int i = 0; i < 2; ++i) {
      JobLog log(folder.file("log"), JobLog::Open::append);
      log.write(entry(1, "echo 'a b'"));
    }
    CHECK(content(folder.file("log")) == kHeader + kFirst + kFirst);
  }

  TEST_CASE("a line torn off by a crash is cut before new ones") {
    const TempFolder folder;
    for (const std::size_t torn : {8U, 5'000U, 20'000U}) {
      put(folder.file("log"), kHeader + "1\t:\t179" + std::string(torn, 'x'));
      JobLog log(folder.file("log"), JobLog::Open::append);
      log.write(entry(1, "echo 'a b'"));
      CHECK(content(folder.file("log")) == kHeader + kFirst);
    }
  }

  TEST_CASE("a torn header is written again") {
    const TempFolder folder;
    put(folder.file("log"), kHeader.substr(0, 20));
    JobLog log(folder.file("log"), JobLog::Open::append);
    log.write(entry(1, "echo 'a b'"));
    CHECK(content(folder.file("log")) == kHeader + kFirst);
  }

  TEST_CASE("a joblog that cannot be opened is an error that names it") {
    CHECK_THROWS_WITH_AS(JobLog("/nowhere/log", JobLog::Open::fresh),
                         doctest::Contains("'/nowhere/log'"), Error);
    CHECK_THROWS_AS(JobLog("/", JobLog::Open::append), Error);
  }

  TEST_CASE("a full disk is an error that names the joblog") {
    CHECK_THROWS_WITH_AS(JobLog("/dev/full", JobLog::Open::append),
                         doctest::Contains("'/dev/full'"), Error);
  }
}

}  // namespace
}  // namespace sluice::cli
