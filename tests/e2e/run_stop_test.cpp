// run_stop_test.cpp: how `sluice run` goes along with its input, and how it ends before its end.
// SPDX-License-Identifier: MIT
#include <sys/stat.h>

#include <filesystem>

#include "e2e/run_rig.hpp"

namespace sluice::e2e {
namespace {

// Leaves its own number and that of a child in a session of its own, and does not end.
const std::string kSleepers = "setsid sh -c '" + note_pid("child{}") + "sleep 600; sleep 600' & " +
                              wait_for("child{}") + note_pid("pid{}") + "sleep 600; sleep 600";

void check_no_sleeper_is_left(const RunRig& rig) {
  for (const char* const name : {"pid1", "pid2", "child1", "child2"}) {
    CAPTURE(name);
    CHECK(RunRig::ends(rig.pid_in(name)));
  }
}

std::unique_ptr<Process> start_sleepers(const RunRig& rig) {
  auto run = rig.start_logged({"-j", "2", "--", kSleepers, ":::", "1", "2", "3", "4"});
  (void)rig.pid_in("pid1");
  (void)rig.pid_in("pid2");
  return run;
}

TEST_SUITE("run: stop") {
  TEST_CASE("a line's output appears before the next line is written") {
    const RunRig rig;
    const auto run = rig.start({"-j", "2", "--", "echo", "got-{}"});
    for (int i = 1; i <= 5; ++i) {
      run->write_input(std::to_string(i) + "\n");
      REQUIRE(run->prints("got-" + std::to_string(i) + "\n"));
    }
    run->write_input("6\n7");
    REQUIRE(run->prints("got-6\n"));
    run->write_input("8\n");
    REQUIRE(run->prints("got-78\n"));
    run->close_input();
    CHECK(run->wait() == 0);
    CHECK(lines_of(run->out()).size() == 7);
  }

  TEST_CASE("a silent input holds back neither output nor signals") {
    const RunRig rig;
    const auto run = rig.start({"-j", "1", "--", "echo"});
    run->write_input("a\n");
    REQUIRE(run->prints("a\n"));
    run->signal(SIGINT);
    CHECK(run->wait() == 128 + SIGINT);
  }

  // The first task holds up all output. The others fail at once, without a process.
  TEST_CASE("with -k a slow first task bounds how far the run goes ahead") {
    const RunRig rig;
    rig.dir.write("slow", "#!/bin/sh\n" + wait_for("gate"));
    REQUIRE(::chmod(rig.dir.file("slow").c_str(), 0700) == 0);
    std::string programs = "./slow\n";
    for (int i = 0; i < 18'000; ++i) programs += "/no/such\n";
    rig.dir.write("programs", programs);
    const auto run =
        rig.start({"-k", "-j", "2", "--joblog", "joblog", "--", "{}", "x", "::::", "programs"});
    const auto logged = [&] { return rig.dir.lines("joblog").size(); };
    // Cheap to ask for often; a line of this joblog has less than 60 bytes, and more than 40.
    const auto size = [&] { return std::filesystem::file_size(rig.dir.file("joblog")); };
    REQUIRE(eventually([&] { return rig.dir.has("joblog"); }));
    CHECK(eventually([&] { return size() > 60 * 10'000; }));
    CHECK_FALSE(eventually([&] { return size() > 60 * 17'000; }, 500ms));
    CHECK(logged() < 17'000);
    CHECK(run->out() == "");
    rig.dir.write("gate", "");
    CHECK(run->wait() == 101);
    CHECK(logged() == 18'002);
  }

  TEST_CASE("SIGINT ends all at once: no task and no child of a task is left") {
    const RunRig rig;
    const auto run = start_sleepers(rig);
    run->signal(SIGINT);
    CHECK(run->wait() == 128 + SIGINT);
    check_no_sleeper_is_left(rig);
    CHECK_FALSE(rig.dir.has("pid3"));
    CHECK(rig.outcomes().size() == 4);
  }

  TEST_CASE("SIGHUP does the same") {
    const RunRig rig;
    const auto run = start_sleepers(rig);
    run->signal(SIGHUP);
    CHECK(run->wait() == 128 + SIGHUP);
    check_no_sleeper_is_left(rig);
  }

  TEST_CASE("SIGKILL of the program leaves no task and no child of a task") {
    const RunRig rig;
    const auto run = start_sleepers(rig);
    run->signal(SIGKILL);
    CHECK(run->wait() == 128 + SIGKILL);
    check_no_sleeper_is_left(rig);
    CHECK_FALSE(rig.dir.has("pid3"));
  }

  TEST_CASE("SIGTERM lets what runs finish and starts no more") {
    const RunRig rig;
    const auto run =
        rig.start_logged({"-j", "1", "--", "touch started{}; " + wait_for("gate") + "echo {}",
                          ":::", "1", "2", "3", "4", "5"});
    REQUIRE(eventually([&] { return rig.dir.has("started1"); }));
    run->signal(SIGTERM);
    REQUIRE(eventually([&] { return rig.dir.lines("outcomes").size() == 4; }));
    CHECK(run->running());
    rig.dir.write("gate", "");
    CHECK(run->wait() == 128 + SIGTERM);
    CHECK(run->out() == "1\n");
    const auto outcomes = rig.outcomes();
    REQUIRE(outcomes.size() == 5);
    CHECK(outcomes.at(1).at("status") == "done");
    for (std::uint64_t seq = 2; seq <= 5; ++seq) {
      CAPTURE(seq);
      CHECK(outcomes.at(seq).at("status") == "cancelled");
      CHECK_FALSE(rig.dir.has("started" + std::to_string(seq)));
    }
    CHECK(rig.joblog().size() == 1);
  }

  TEST_CASE("a second SIGTERM does not wait for what runs") {
    const RunRig rig;
    const auto run = start_sleepers(rig);
    run->signal(SIGTERM);
    REQUIRE(eventually([&] { return rig.dir.lines("outcomes").size() == 2; }));
    CHECK(run->running());
    run->signal(SIGTERM);
    CHECK(run->wait() == 128 + SIGTERM);
    check_no_sleeper_is_left(rig);
  }

  TEST_CASE("when nobody reads its output any more, the run ends and leaves nobody behind") {
    const RunRig rig;
    // Two tasks that never end, then endless output.
    const std::string task = "case {#} in 1|2) " + note_pid("pid{#}") +
                             "sleep 600; sleep 600;; esac; " + wait_for("pid1") + wait_for("pid2") +
                             "echo {}";
    ProcessOptions options;
    options.cwd = rig.dir.path();
    const Ran ran =
        run({"sh", "-c", "yes | \"$0\" run -j 4 --outcomes outcomes -- \"$1\" | head -n 1",
             sluice_program(), task},
            options);
    CHECK(ran.code == 0);
    CHECK(ran.out == "y\n");
    CHECK(ran.err == "");
    CHECK(RunRig::ends(rig.pid_in("pid1")));
    CHECK(RunRig::ends(rig.pid_in("pid2")));
  }
}

}  // namespace
}  // namespace sluice::e2e
