// run_history_test.cpp: which lines of an input were done before.
// SPDX-License-Identifier: MIT
#include "cli/run_history.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "cli/joblog.hpp"
#include "sluice/error.hpp"
#include "support/temp_folder.hpp"

namespace sluice::cli {
namespace {

struct Log {
  TempFolder folder;
  std::string path = folder.file("joblog");

  void put(const std::string& text) const { std::ofstream(path, std::ios::binary) << text; }
  static std::string line(int seq, const std::string& command, int exit_code = 0, int signal = 0) {
    return std::to_string(seq) + "\t:\t1795432010.249\t     0.003\t0\t4\t" +
           std::to_string(exit_code) + '\t' + std::to_string(signal) + '\t' + command + '\n';
  }
};

std::vector<bool> done(RunHistory& history, const std::vector<std::string>& input) {
  std::vector<bool> all;
  for (std::size_t i = 0; i < input.size(); ++i)
    all.push_back(history.next(input[i], i + 1).entry.done);
  return all;
}

using Bools = std::vector<bool>;

TEST_SUITE("run history") {
  TEST_CASE("what stands in the joblog is done, whatever its line number") {
    const Log log;
    log.put(std::string(kJobLogHeader) + Log::line(2, "b") + Log::line(1, "a"));
    RunHistory same, moved;
    same.load_joblog(log.path);
    CHECK(same.done() == 2);
    CHECK(done(same, {"a", "b", "c"}) == Bools{true, true, false});
    moved.load_joblog(log.path);
    CHECK(done(moved, {"c", "b", "a"}) == Bools{false, true, true});
  }

  TEST_CASE("of equal commands as many are done as the joblog has") {
    const Log log;
    log.put(std::string(kJobLogHeader) + Log::line(1, "a") + Log::line(3, "a"));
    RunHistory history;
    history.load_joblog(log.path);
    CHECK(done(history, {"a", "b", "a", "a"}) == Bools{true, false, true, false});
  }

  // Task 1 ran when the run was killed, 3 was done: the joblog is to have each number once.
  TEST_CASE("an equal command that was logged first leaves its number to the other") {
    const Log log;
    log.put(std::string(kJobLogHeader) + Log::line(3, "a") + Log::line(2, "b"));
    RunHistory history;
    history.load_joblog(log.path);
    CHECK(history.next("a", 1).entry.done);
    CHECK(history.next("b", 2).entry.done);
    const auto third = history.next("a", 3);
    CHECK_FALSE(third.entry.done);
    CHECK(third.log_as == 1);
    CHECK(history.next("a", 4).log_as == 4);
  }

  TEST_CASE("a later line about the same task replaces an earlier one") {
    const Log log;
    log.put(std::string(kJobLogHeader) + Log::line(1, "a", 3) + Log::line(2, "b", 0, 9) +
            Log::line(1, "a"));
    RunHistory history;
    history.load_joblog(log.path);
    CHECK(history.done() == 2);
    const auto a = history.next("a", 1);
    CHECK(a.entry.done);
    CHECK_FALSE(a.entry.failed);
    const auto b = history.next("b", 2);
    CHECK(b.entry.failed);
    CHECK(b.log_as == 2);
  }

  TEST_CASE("a torn last line is not done, and neither is what is no line at all") {
    const Log log;
    const std::string torn = Log::line(2, "b");
    log.put(std::string(kJobLogHeader) + Log::line(1, "a") + "rubbish\n" +
            torn.substr(0, torn.size() - 1));
    RunHistory history;
    history.load_joblog(log.path);
    CHECK(done(history, {"a", "b"}) == Bools{true, false});
  }

  TEST_CASE("a joblog that is not there is an empty one; another file is refused") {
    const Log log;
    RunHistory history;
    history.load_joblog(log.path);
    CHECK(history.done() == 0);
    log.put("precious\nnotes\n");
    CHECK_THROWS_WITH_AS(history.load_joblog(log.path), doctest::Contains("is no joblog"), Error);
  }

  // As `parallel -j2 --joblog log sh -c ::: 'exit 3' 'echo "a b"; kill -9 $$' "echo 'x
  // y'"` of version 20221122 writes it: the run time in ten places, a line break as NUL.
  TEST_CASE("a joblog of GNU parallel is understood") {
    const Log log;
    using namespace std::string_literals;
    log.put(
        "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"
        "1\t:\t1695432010.249\t     0.003\t0\t0\t3\t0\tsh -c 'exit 3'\n"
        "2\tn7\t1695432010.300\t     1.250\t0\t4\t0\t9\tsh -c 'echo \"a b\"; kill -9 $$'\n"
        "3\t:\t1695432010.301\t     0.004\t0\t4\t0\t0\tsh -c 'echo x\0y'\n"s);
    RunHistory history;
    history.load_joblog(log.path);
    CHECK(history.next("sh -c 'exit 3'", 1).entry.failed);
    CHECK(history.next("sh -c 'echo \"a b\"; kill -9 $$'", 2).entry.failed);
    const auto third = history.next("sh -c 'echo x\ny'", 3);
    CHECK(third.entry.done);
    CHECK_FALSE(third.entry.failed);
  }

  TEST_CASE("what outcomes say is found by occurrence, with where it was delivered") {
    RunHistory history;
    const CommandDigest digest = digest_of("a");
    history.note({digest, 2, 5}, true, 4096, true, false);
    CHECK(history.is_done({digest, 2, 0}));
    CHECK_FALSE(history.is_done({digest, 1, 0}));
    CHECK_FALSE(history.next("a", 1).entry.done);
    const auto second = history.next("a", 2);
    CHECK(second.entry.done);
    CHECK(second.entry.failed);
    CHECK(second.entry.printed);
    CHECK_FALSE(second.entry.filed);
    CHECK(second.entry.place == 4096);
    CHECK(second.log_as == 2);
    CHECK(history.next("a", 3).occurrence == 3);
  }

  TEST_CASE("a hundred thousand commands cost at most 64 bytes each") {
    RunHistory history;
    for (std::uint64_t i = 0; i < 100'000; ++i)
      history.note({digest_of(std::to_string(i)), 1, i}, false, i * 200, false, false);
    for (std::uint64_t i = 0; i < 100'000; ++i) {
      const auto past = history.next(std::to_string(i), i);
      REQUIRE(past.entry.done);
      REQUIRE(past.entry.place == i * 200);
    }
    CHECK(history.done() == 100'000);
    CHECK(history.bytes() <= 64 * 100'000);
  }
}

}  // namespace
}  // namespace sluice::cli
