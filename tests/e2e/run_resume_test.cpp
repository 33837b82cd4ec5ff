// run_resume_test.cpp: `sluice run` is killed, and the same line again does only what is missing.
// SPDX-License-Identifier: MIT
#include <filesystem>

#include "e2e/interrupted_run.hpp"
#include "e2e/small_disk.hpp"

namespace sluice::e2e {
namespace {

// Says which tasks began.
Words journaled(const Words& options, const Words& inputs, const std::string& more = "true") {
  Words words{"--journal", "j", "--joblog", "joblog"};
  words.insert(words.end(), options.begin(), options.end());
  for (const std::string& word : Words{"--", "sh", "-c", "echo {} >> began; " + more, ":::"})
    words.push_back(word);
  words.insert(words.end(), inputs.begin(), inputs.end());
  return words;
}

Words resumed(const Words& options, const Words& inputs, const std::string& more = "true") {
  Words words = journaled(options, inputs, more);
  words.erase(words.begin(), words.begin() + 2);
  return words;
}

TEST_SUITE("run: resume") {
  TEST_CASE("killed at any moment, a run comes to the end of one that nobody killed") {
    int killed = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      CAPTURE(seed);
      InterruptedRun run(40, seed % 2 == 0 ? Words{"-k"} : Words{});
      run.go(seed, 4, seed % 3 == 0 ? 60ms : 300ms);
      CHECK(run.flaws() == "");
      killed += run.killed();
    }
    CHECK(killed >= 12);
  }

  TEST_CASE("a run that is done executes nothing again, and ends with the same code") {
    const RunRig rig;
    const Words words = journaled({}, {"1", "2", "3"}, "echo out{}; test {} = 2");
    const Ran first = rig.run(words);
    CHECK(first.code == 2);
    const std::string joblog = rig.dir.read("joblog");
    const Ran second = rig.run(words);
    CHECK(second.code == 2);
    CHECK(lines_of(second.out) == lines_of(first.out));
    CHECK(holds(second.err, "3 skipped: done before"));
    CHECK(rig.dir.lines("began").size() == 3);
    CHECK(rig.dir.read("joblog") == joblog);
  }

  TEST_CASE("with --halt, too, the code is that of the end") {
    const RunRig rig;
    const Words words = journaled({"-j", "1", "--halt", "soon,done=3"}, {"1", "2", "3"}, "exit 7");
    const Ran first = rig.run(words);
    CHECK(first.code == 3);
    CHECK(rig.run(words).code == 3);
    CHECK(rig.dir.lines("began").size() == 3);
  }

  TEST_CASE("--resume-failed runs those that failed, and no others") {
    const RunRig rig;
    const Words inputs{"1", "2", "3"};
    const std::string task = "test {} != 2 -o -e mended";
    CHECK(rig.run(journaled({}, inputs, task)).code == 1);
    rig.dir.write("mended", "");
    const Ran second = rig.run(journaled({"--resume-failed"}, inputs, task));
    CHECK(second.code == 0);
    CHECK(rig.dir.lines("began").size() == 4);
    CHECK(rig.dir.lines("began").back() == "2");
    CHECK(rig.run(journaled({"--resume-failed"}, inputs, task)).code == 0);
    CHECK(rig.dir.lines("began").size() == 4);
    CHECK(rig.dir.lines("joblog").size() == 5);
  }

  TEST_CASE("more and other inputs run what is new, equal ones as often as they stand there") {
    const RunRig rig;
    CHECK(rig.run(journaled({}, {"a", "b", "b"})).code == 0);
    CHECK(rig.run(journaled({}, {"new", "b", "a", "b", "b", "end"})).code == 0);
    CHECK(lines_of(rig.dir.read("began")) ==
          std::multiset<std::string>{"a", "b", "b", "b", "end", "new"});
  }

  TEST_CASE("^C leaves what has not begun to the next start") {
    const RunRig rig;
    const Words words = journaled({"-j", "1", "-k"}, {"1", "2", "3", "4"},
                                  "test {} != 2 -o -e go || sleep 600; echo out{}");
    const auto run = rig.start(words);
    REQUIRE(eventually([&] { return rig.dir.lines("began").size() == 2; }));
    run->signal(SIGINT);
    CHECK(run->wait() == 128 + SIGINT);
    CHECK(rig.dir.lines("began").size() == 2);
    rig.dir.write("go", "");
    const Ran second = rig.run(words);
    CHECK(second.code == 0);
    CHECK(second.out == "out1\nout2\nout3\nout4\n");
    CHECK(rig.dir.lines("began") == Words{"1", "2", "2", "3", "4"});
    CHECK(rig.joblog().size() == 4);
  }

  TEST_CASE("SIGTERM finishes what runs, and the next start has the rest") {
    const RunRig rig;
    const Words words =
        journaled({"-j", "1"}, {"1", "2", "3"}, "until [ -e gate ]; do sleep 0.02; done");
    const auto run = rig.start(words);
    REQUIRE(eventually([&] { return rig.dir.lines("began").size() == 1; }));
    run->signal(SIGTERM);
    CHECK_FALSE(run->wait(100ms));
    rig.dir.write("gate", "");
    CHECK(run->wait() == 128 + SIGTERM);
    CHECK(rig.joblog().size() == 1);
    CHECK(rig.run(words).code == 0);
    CHECK(rig.dir.lines("began") == Words{"1", "2", "3"});
  }

  TEST_CASE("a second run on the folder is refused, naming the first") {
    const RunRig rig;
    const Words words = journaled({}, {"1"}, "until [ -e gate ]; do sleep 0.02; done");
    const auto run = rig.start(words);
    REQUIRE(eventually([&] { return rig.dir.lines("began").size() == 1; }));
    const Ran second = rig.run(words);
    CHECK(second.code == 255);
    CHECK(holds(second.err, "in use by sluice run, process " + std::to_string(run->pid())));
    rig.dir.write("gate", "");
    CHECK(run->wait() == 0);
    CHECK(rig.dir.lines("began").size() == 1);
  }

  TEST_CASE("another command, and another folder's content, are refused with the cure") {
    const RunRig rig;
    CHECK(rig.run({"--journal", "j", "--", "echo", "{}", ":::", "1"}).code == 0);
    const Ran other = rig.run({"--journal", "j", "--", "echo", "x{}", ":::", "1"});
    CHECK(other.code == 255);
    CHECK(holds(other.err, "belongs to a run of another command"));
    CHECK(holds(other.err, "rm -r j"));
    std::filesystem::create_directory(rig.dir.file("mine"));
    rig.dir.write("mine/thesis", "x");
    const Ran foreign = rig.run({"--journal", "mine", "--", "echo", "{}", ":::", "1"});
    CHECK(foreign.code == 255);
    CHECK(holds(foreign.err, "holds something else (thesis)"));
  }

  TEST_CASE("--dry-run says what is left, and touches nothing") {
    const RunRig rig;
    CHECK(rig.run(journaled({}, {"1", "2"})).code == 0);
    const Ran dry = rig.run(journaled({"--dry-run"}, {"1", "2", "3"}));
    CHECK(dry.code == 0);
    CHECK(dry.out == "sh -c 'echo 3 >> began; true'\n");
    CHECK(holds(dry.err, "2 would be skipped: done before"));
    CHECK(rig.dir.lines("began").size() == 2);
  }

  TEST_CASE("a joblog that this run did not write is refused, a removed one written again") {
    const RunRig rig;
    const Words words = journaled({}, {"1", "2"});
    CHECK(rig.run(words).code == 0);
    const Words before = rig.dir.lines("joblog");
    rig.dir.write("joblog", before[0] + "\n" + "77" + before[1].substr(1) + "\n");
    const Ran refused = rig.run(words);
    CHECK(refused.code == 255);
    CHECK(holds(refused.err, "is not what this run wrote"));
    std::filesystem::remove(rig.dir.file("joblog"));
    CHECK(rig.run(words).code == 0);
    CHECK(rig.joblog().size() == 2);
    CHECK(rig.dir.lines("began").size() == 2);
  }

  TEST_CASE("behind >> only what is new is printed, behind > everything") {
    const RunRig rig;
    ProcessOptions options;
    options.cwd = rig.dir.path();
    const std::string run = sluice_program() + " run -k --journal j echo out{} ::: 1 2 3";
    CHECK(e2e::run({"sh", "-c", run + " >> more; " + run + " >> more; " + run + " > all"}, options)
              .code == 0);
    CHECK(rig.dir.read("more") == "out1\nout2\nout3\n");
    CHECK(rig.dir.read("all") == "out1\nout2\nout3\n");
  }

  TEST_CASE("by a joblog, --resume skips what stands there and appends the rest") {
    const RunRig rig;
    CHECK(rig.run(resumed({}, {"1", "2", "3"}, "test {} != 2")).code == 1);
    const Ran second = rig.run(resumed({"--resume"}, {"1", "2", "3", "4"}, "test {} != 2"));
    CHECK(second.code == 0);
    CHECK(holds(second.err, "3 skipped: done before"));
    CHECK(rig.dir.lines("began").back() == "4");
    CHECK(rig.joblog().size() == 4);
    CHECK(rig.run(resumed({"--resume-failed"}, {"1", "2", "3", "4"}, "test {} != 2")).code == 1);
    CHECK(rig.dir.lines("began").size() == 5);
    CHECK(rig.dir.lines("began").back() == "2");
  }

  TEST_CASE("a torn last line of a joblog is cut, and its task runs again") {
    const RunRig rig;
    CHECK(rig.run(resumed({"-j1"}, {"1", "2", "3"})).code == 0);
    const std::string whole = rig.dir.read("joblog");
    rig.dir.write("joblog", whole.substr(0, whole.size() - 5));
    CHECK(rig.run(resumed({"-j1", "--resume"}, {"1", "2", "3"})).code == 0);
    CHECK(rig.dir.lines("began") == Words{"1", "2", "3", "3"});
    CHECK(rig.joblog().size() == 3);
  }

  TEST_CASE("--resume without a joblog says what is missing") {
    const RunRig rig;
    const Ran ran = rig.run({"--resume", "--", "true", ":::", "1"});
    CHECK(ran.code == 255);
    CHECK(holds(ran.err, "give --joblog FILE"));
  }

  TEST_CASE("a command that is not there is not tried again, nor is what may not be run") {
    const RunRig rig;
    rig.dir.write("data", "no program");
    const Ran ran = rig.run({"--retries", "5", "--joblog", "joblog", "--outcomes", "outcomes", "--",
                             "{}", "x", ":::", "./no-such", "./data"});
    CHECK(ran.code == 2);
    std::map<std::string, int> codes;
    for (const auto& [seq, task] : rig.joblog()) codes[task.command] = task.exit_code;
    CHECK(codes["./no-such x"] == 127);
    CHECK(codes["./data x"] == 126);
    for (const auto& [seq, outcome] : rig.outcomes()) CHECK(outcome.at("attempts") == 1);
  }

  TEST_CASE("a full disk is told, and the run goes on when there is room") {
    const RunRig rig;
    const SmallDisk disk(rig.dir.file("small"), "1m");
    if (!disk.mounted()) {
      MESSAGE("skipped: this user cannot mount a file system");
      return;
    }
    for (const Words& options : {Words{}, Words{"--journal", "j"}}) {
      rig.dir.write("small/filler", std::string(800'000, 'x'));
      Words words = options;
      for (const char* const word : {"--outcomes", "small/outcomes", "--output", "quiet", "--",
                                     "sh", "-c", "head -c 8000 /dev/zero | tr '\\0' x # {}", ":::"})
        words.emplace_back(word);
      for (int i = 1; i <= 40; ++i) words.push_back(std::to_string(i));
      const auto run = rig.start(words);
      CHECK(run->complains("No space left on device; waiting until that is mended"));
      std::filesystem::remove(rig.dir.file("small/filler"));
      CHECK(run->wait() == 0);
      CHECK(rig.dir.lines("small/outcomes").size() == 40);
      std::filesystem::remove(rig.dir.file("small/outcomes"));
    }
  }

  TEST_CASE("workers that joined are not waited for by the next start") {
    const RunRig rig;
    const Words words = journaled({"-j", "0", "--access", "access"}, {"1", "2", "3"},
                                  "test {} != 3 -o -e go || sleep 600; echo out{}");
    const Words worker{sluice_program(), "worker", "--access", rig.dir.file("access"), "-j", "1"};
    const auto run = rig.start(words);
    REQUIRE(eventually([&] { return rig.dir.has("access"); }));
    Process first(worker);
    REQUIRE(eventually([&] { return rig.dir.lines("began").size() == 3; }));
    REQUIRE(eventually([&] { return rig.dir.lines("joblog").size() == 3; }));
    run->signal(SIGKILL);
    (void)run->wait();
    first.signal(SIGKILL);
    (void)first.wait();
    rig.dir.write("go", "");
    const auto again = rig.start(words);
    REQUIRE(again->complains("workers may join with"));
    Process second(worker);
    CHECK(again->wait() == 0);
    CHECK(second.wait() == 0);
    CHECK(lines_of(again->out()) == std::multiset<std::string>{"out1", "out2", "out3"});
    CHECK(rig.dir.lines("began") == Words{"1", "2", "3", "3"});
    CHECK(rig.joblog().size() == 3);
  }

  TEST_CASE("--retries 0 is an error that says what the number means") {
    const RunRig rig;
    const Ran ran = rig.run({"--retries", "0", "--", "true", ":::", "1"});
    CHECK(ran.code == 255);
    CHECK(holds(ran.err, "1 or more"));
  }
}

}  // namespace
}  // namespace sluice::e2e
