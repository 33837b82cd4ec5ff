// run_workers_test.cpp: who runs the tasks of `sluice run`: slots here, and workers that join.
// SPDX-License-Identifier: MIT
#include "e2e/run_rig.hpp"

namespace sluice::e2e {
namespace {

std::unique_ptr<Process> start_worker(const RunRig& rig, const Words& options) {
  Words words{sluice_program(), "worker", "--access", rig.dir.file("access")};
  words.insert(words.end(), options.begin(), options.end());
  return std::make_unique<Process>(words);
}

std::unique_ptr<Process> start_open_run(const RunRig& rig, Words options, const Words& rest) {
  options.insert(options.end(), {"--access", "access"});
  options.insert(options.end(), rest.begin(), rest.end());
  auto run = rig.start_logged(options);
  REQUIRE(run->complains("workers may join with: sluice worker --access access"));
  REQUIRE(rig.dir.has("access"));
  return run;
}

TEST_SUITE("run: workers") {
  TEST_CASE("a task finds its id, type, attempt, slot and key in its environment") {
    const RunRig rig;
    const Ran ran =
        rig.run_logged({"--retries", "2", "--",
                        "echo \"$SLUICE_TASK_ID $SLUICE_TASK_TYPE $SLUICE_ATTEMPT $SLUICE_SLOT "
                        "[${SLUICE_KEY-none}]\"; [ $SLUICE_ATTEMPT = 2 ] # {}",
                        ":::", "x"});
    CHECK(ran.code == 0);
    const auto id = rig.outcomes().at(1).at("id").get<std::string>();
    CHECK(ran.out.starts_with(id + " exec 2 "));
    CHECK(ran.out.ends_with(" []\n"));
  }

  TEST_CASE("slots are numbered from 1 to -j, and none has two tasks at once") {
    const RunRig rig;
    std::string input;
    for (int i = 1; i <= 90; ++i) input += std::to_string(i) + "\n";
    // The folder can be made only by who is alone in the slot. The first tasks wait for each
    // other, so that all slots are seen.
    const Ran ran = rig.run({"-j", "3", "--",
                             "mkdir slot$SLUICE_SLOT || echo clash; if [ {} -le 3 ]; then "
                             "touch at{}; " +
                                 wait_for("at1") + wait_for("at2") + wait_for("at3") +
                                 "fi; echo $SLUICE_SLOT; rmdir slot$SLUICE_SLOT"},
                            input);
    CHECK(ran.code == 0);
    CHECK(ran.err == "");
    const auto lines = lines_of(ran.out);
    CHECK(lines.size() == 90);
    CHECK(std::set<std::string>(lines.begin(), lines.end()) ==
          std::set<std::string>{"1", "2", "3"});
  }

  TEST_CASE("workers that join by the access file run what a run with -j 0 has") {
    const RunRig rig;
    const auto run =
        start_open_run(rig, {"-j", "0"}, {"-k", "--", "pwd; exit {}", ":::", "0", "3", "0", "0"});
    const auto worker = start_worker(rig, {"-j", "2", "--name", "ann"});
    CHECK(run->wait() == 1);
    // The commands start where the run does, wherever the worker was started.
    const std::string here = rig.dir.path() + "\n";
    CHECK(run->out() == here + here + here + here);
    const auto joblog = rig.joblog();
    REQUIRE(joblog.size() == 4);
    for (const auto& entry : joblog) {
      const std::uint64_t seq = entry.first;
      const auto& task = entry.second;
      CAPTURE(seq);
      CHECK(task.host == "ann");
      CHECK(task.exit_code == (seq == 2 ? 3 : 0));
      CHECK(rig.outcomes().at(seq).at("worker") == "ann");
    }
    CHECK(worker->wait() == 0);  // it ends with the run
    CHECK_FALSE(rig.dir.has("access"));
  }

  TEST_CASE("slots here and workers that join run tasks side by side") {
    const RunRig rig;
    const auto run = start_open_run(
        rig, {"-j", "1"},
        {"--", "touch started{}; " + wait_for("gate") + "echo {}", ":::", "1", "2", "3"});
    const auto worker = start_worker(rig, {"-j", "2", "--name", "bob"});
    CHECK(eventually([&] {
      return rig.dir.has("started1") && rig.dir.has("started2") && rig.dir.has("started3");
    }));
    rig.dir.write("gate", "");
    CHECK(run->wait() == 0);
    CHECK(lines_of(run->out()) == std::multiset<std::string>{"1", "2", "3"});
    std::multiset<std::string> hosts;
    for (const auto& [seq, task] : rig.joblog()) hosts.insert(task.host);
    CHECK(hosts.count("bob") == 2);
    CHECK(worker->wait() == 0);
  }

  TEST_CASE("when a worker that joined is killed, its task runs elsewhere") {
    const RunRig rig;
    const auto run = start_open_run(rig, {"-j", "0"},
                                    {"--",
                                     note_pid("pid$SLUICE_ATTEMPT") + "[ -e gate ] || sleep 600; "
                                                                      "echo {}",
                                     ":::", "x"});
    {
      const auto first = start_worker(rig, {"-j", "1", "--name", "ann"});
      const pid_t task = rig.pid_in("pid1");
      rig.dir.write("gate", "");
      first->signal(SIGKILL);
      CHECK(RunRig::ends(task));
    }
    const auto second = start_worker(rig, {"-j", "1", "--name", "bob"});
    CHECK(run->wait(60s) == 0);
    CHECK(run->out() == "x\n");
    CHECK(rig.outcomes().at(1).at("worker") == "bob");
  }

  TEST_CASE("a worker that is stopped for good does not keep a run from ending by SIGINT") {
    const RunRig rig;
    const auto run =
        start_open_run(rig, {"-j", "0"}, {"--", note_pid("pid1") + "sleep 600 # {}", ":::", "x"});
    const auto worker = start_worker(rig, {"-j", "1", "--name", "ann"});
    const pid_t task = rig.pid_in("pid1");
    worker->signal(SIGSTOP);
    run->signal(SIGINT);
    CHECK(run->wait() == 128 + SIGINT);
    worker->signal(SIGKILL);
    CHECK(RunRig::ends(task));
  }
}

}  // namespace
}  // namespace sluice::e2e
