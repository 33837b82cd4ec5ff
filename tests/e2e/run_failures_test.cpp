// run_failures_test.cpp: tasks of `sluice run` that fail, hang or cannot start, and what is said.
// SPDX-License-Identifier: MIT
#include <sys/stat.h>

#include "e2e/run_rig.hpp"

namespace sluice::e2e {
namespace {

Words with_numbers(Words words, int count) {
  words.emplace_back(":::");
  for (int i = 1; i <= count; ++i) words.push_back(std::to_string(i));
  return words;
}

TEST_SUITE("run: failures") {
  TEST_CASE("a task's exit code stands in the outcome and in the joblog") {
    const RunRig rig;
    const Ran ran = rig.run_logged({"-j", "2", "--", "echo {} >&2; exit {}", ":::", "3", "0"});
    CHECK(ran.code == 1);
    CHECK(lines_of(ran.err) == std::multiset<std::string>{"0", "3"});
    const auto outcomes = rig.outcomes();
    CHECK(outcomes.at(1).at("status") == "failed");
    CHECK(outcomes.at(1).at("exit") == 3);
    CHECK(outcomes.at(1).at("signal") == 0);
    CHECK(outcomes.at(1).at("error") == "exit code 3");
    CHECK(outcomes.at(1).at("stderr") == "3\n");
    CHECK(outcomes.at(2).at("status") == "done");
    CHECK(outcomes.at(2).at("exit") == 0);
    const auto joblog = rig.joblog();
    REQUIRE(joblog.size() == 2);
    CHECK(joblog.at(1).exit_code == 3);
    CHECK(joblog.at(1).signal == 0);
    CHECK(joblog.at(1).received == 2);
    CHECK(joblog.at(1).host == ":");
    CHECK(joblog.at(1).command == "echo 3 >&2; exit 3");
    CHECK(joblog.at(1).start > 1e9);
    CHECK(joblog.at(1).runtime >= 0);
    CHECK(joblog.at(2).exit_code == 0);
  }

  TEST_CASE("a task that hangs is ended by --timeout, TERM first, KILL for who will not hear") {
    const RunRig rig;
    const Ran ran = rig.run_logged(
        {"-j", "2", "--timeout", "300ms", "--",
         "if [ {} = 2 ]; then trap '' TERM; fi; " + note_pid("pid{}") + "sleep 600; sleep 600",
         ":::", "1", "2"});
    CHECK(ran.code == 2);
    CHECK(holds(ran.err, "sluice run: task 1: timed out after 0.3 s"));
    CHECK(holds(ran.err, "sluice run: task 2: timed out after 0.3 s"));
    const auto outcomes = rig.outcomes();
    const auto joblog = rig.joblog();
    for (const std::uint64_t seq : {std::uint64_t{1}, std::uint64_t{2}}) {
      CAPTURE(seq);
      const int signal = seq == 1 ? SIGTERM : SIGKILL;
      CHECK(outcomes.at(seq).at("status") == "failed");
      CHECK(outcomes.at(seq).at("signal") == signal);
      CHECK(outcomes.at(seq).at("exit") == 128 + signal);
      CHECK(joblog.at(seq).signal == signal);
      CHECK(joblog.at(seq).exit_code == 0);
      CHECK(joblog.at(seq).runtime >= 0.3);
      CHECK(RunRig::ends(rig.pid_in("pid" + std::to_string(seq))));
    }
  }

  TEST_CASE("a task that a signal ends has failed by that signal") {
    const RunRig rig;
    const Ran ran = rig.run_logged({"--", "kill -s USR1 $$ # {}", ":::", "x"});
    CHECK(ran.code == 1);
    CHECK(rig.outcomes().at(1).at("signal") == SIGUSR1);
    CHECK(rig.joblog().at(1).signal == SIGUSR1);
    CHECK(rig.joblog().at(1).exit_code == 0);
  }

  TEST_CASE("a command that is not there is 127, one that is no program 126") {
    const RunRig rig;
    rig.dir.write("plain", "text\n");
    REQUIRE(::chmod(rig.dir.file("plain").c_str(), 0644) == 0);
    const Ran ran = rig.run_logged(
        {"-j", "1", "--", "{}", "x", ":::", "no-such-program", "./plain", "/no/such"});
    CHECK(ran.code == 3);
    CHECK(ran.out == "");
    CHECK(holds(ran.err, "sluice run: task 1: not found: no-such-program\n"));
    CHECK(holds(ran.err, "sluice run: task 2: permission denied: ./plain\n"));
    CHECK(lines_of(ran.err).size() == 3);
    const auto outcomes = rig.outcomes();
    const auto joblog = rig.joblog();
    REQUIRE(outcomes.size() == 3);
    REQUIRE(joblog.size() == 3);
    const std::map<std::uint64_t, int> expected{{1, 127}, {2, 126}, {3, 127}};
    for (const auto& entry : expected) {
      const std::uint64_t seq = entry.first;
      const auto& code = entry.second;
      CAPTURE(seq);
      CHECK(outcomes.at(seq).at("status") == "failed");
      CHECK(outcomes.at(seq).at("exit") == code);
      CHECK(joblog.at(seq).exit_code == code);
      CHECK(joblog.at(seq).signal == 0);
    }
  }

  TEST_CASE("the exit code counts failed tasks up to 100; 101 stands for more") {
    const RunRig rig;
    const Words exits{"-j", "4", "--", "/no/such"};
    CHECK(rig.run(with_numbers(exits, 1)).code == 1);
    CHECK(rig.run(with_numbers(exits, 100)).code == 100);
    CHECK(rig.run(with_numbers(exits, 101)).code == 101);
    CHECK(rig.run(with_numbers(exits, 300)).code == 101);
  }

  TEST_CASE("--retries runs a failing task so many times and says so") {
    const RunRig rig;
    const Ran ran = rig.run_logged(
        {"--retries", "3", "--", "echo $SLUICE_ATTEMPT >> tries; exit 5 # {}", ":::", "x"});
    CHECK(ran.code == 1);
    CHECK(rig.dir.lines("tries") == Words{"1", "2", "3"});
    CHECK(rig.outcomes().at(1).at("attempts") == 3);
    CHECK(rig.outcomes().at(1).at("exit") == 5);
    CHECK(rig.joblog().at(1).exit_code == 5);
  }

  TEST_CASE("a task that succeeds when it is tried again is done, and prints once") {
    const RunRig rig;
    const Ran ran =
        rig.run_logged({"--retries", "5", "--",
                        "echo try $SLUICE_ATTEMPT; [ $SLUICE_ATTEMPT = 2 ] # {}", ":::", "x"});
    CHECK(ran.code == 0);
    CHECK(ran.out == "try 2\n");
    CHECK(rig.outcomes().at(1).at("status") == "done");
    CHECK(rig.outcomes().at(1).at("attempts") == 2);
    CHECK(rig.joblog().at(1).exit_code == 0);
  }

  TEST_CASE("--halt now,fail=1 kills what runs and ends with the task's own code") {
    const RunRig rig;
    const Ran ran = rig.run_logged(
        with_numbers({"-j", "3", "--halt", "now,fail=1", "--",
                      "if [ {} = 2 ]; then " + wait_for("pid1") + wait_for("pid3") +
                          "exit 7; fi; " + note_pid("pid{}") + "sleep 600; sleep 600"},
                     20));
    CHECK(ran.code == 7);
    CHECK(RunRig::ends(rig.pid_in("pid1")));
    CHECK(RunRig::ends(rig.pid_in("pid3")));
    const auto joblog = rig.joblog();
    REQUIRE(joblog.size() == 1);
    CHECK(joblog.at(2).exit_code == 7);
    const auto outcomes = rig.outcomes();
    REQUIRE(outcomes.size() == 3);  // what had no slot yet was not even submitted
    for (const auto& entry : outcomes) {
      const std::uint64_t seq = entry.first;
      const auto& outcome = entry.second;
      CAPTURE(seq);
      CHECK(outcome.at("status") == (seq == 2 ? "failed" : "cancelled"));
    }
  }

  TEST_CASE("--halt soon,fail=2 lets what runs finish and starts no more") {
    const RunRig rig;
    const auto run = rig.start_logged(with_numbers(
        {"-j", "3", "--halt", "soon,fail=2", "--",
         "if [ {} -le 2 ]; then " + wait_for("started3") + "exit 9; fi; touch started{}; " +
             wait_for("gate") + "echo {}"},
        20));
    REQUIRE(eventually([&] { return rig.dir.lines("outcomes").size() >= 2; }));
    CHECK(run->running());
    rig.dir.write("gate", "");
    CHECK(run->wait() == 2);
    // With three slots at most a fourth task was under way when the second one failed.
    std::multiset<std::string> printed;
    for (std::uint64_t seq = 3; seq <= 20; ++seq)
      if (rig.dir.has("started" + std::to_string(seq))) printed.insert(std::to_string(seq));
    CHECK(printed.size() >= 1);
    CHECK(printed.size() <= 2);
    CHECK(lines_of(run->out()) == printed);
    const auto joblog = rig.joblog();
    const auto outcomes = rig.outcomes();
    CHECK(joblog.size() == 2 + printed.size());
    CHECK(outcomes.size() <= 4);
    for (const auto& entry : outcomes) {
      CAPTURE(entry.first);
      const bool ran = joblog.contains(entry.first);
      CHECK(entry.second.at("status") ==
            (!ran ? "cancelled" : entry.first <= 2 ? "failed" : "done"));
    }
  }

  TEST_CASE("--halt soon,fail=1 with one slot starts nothing after the failure") {
    const RunRig rig;
    const Ran ran = rig.run_logged({"-j", "1", "--halt", "soon,fail=1", "--",
                                    "touch started{#}; exit {}", ":::", "0", "7", "0", "0", "0"});
    CHECK(ran.code == 7);
    CHECK(rig.dir.has("started2"));
    CHECK_FALSE(rig.dir.has("started3"));
    CHECK(rig.joblog().size() == 2);
  }

  TEST_CASE("--halt soon,success=1 ends well once a task is done") {
    const RunRig rig;
    const Ran ran = rig.run_logged(
        with_numbers({"-j", "1", "--halt", "soon,success=1", "--", "[ {} = 2 ]"}, 50));
    CHECK(ran.code == 0);
    CHECK(rig.joblog().size() < 50);
    CHECK(rig.outcomes().at(1).at("status") == "failed");
    CHECK(rig.outcomes().at(2).at("status") == "done");
  }

  TEST_CASE("when the process that runs the commands is killed, the run says so and ends") {
    const RunRig rig;
    const auto run =
        rig.start({"-j", "2", "--", note_pid("pid{}") + "sleep 600; sleep 600", ":::", "1", "2"});
    const pid_t first = rig.pid_in("pid1"), second = rig.pid_in("pid2");
    const auto status = exec::process_status(first);
    REQUIRE(status);
    REQUIRE(exec::process_status(status->parent)->parent == run->pid());
    REQUIRE(::kill(status->parent, SIGKILL) == 0);
    CHECK(run->wait() == 255);
    CHECK(lines_of(run->err()).size() == 1);
    CHECK(holds(run->err(), "killed"));
    CHECK(RunRig::ends(first));
    CHECK(RunRig::ends(second));
  }
}

}  // namespace
}  // namespace sluice::e2e
