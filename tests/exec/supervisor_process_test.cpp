// supervisor_process_test.cpp: what the supervisor process sheds, and that it leaves nothing.
// SPDX-License-Identifier: MIT
#include "exec/supervisor_process.hpp"

#include "exec/rig.hpp"

namespace sluice::exec {
namespace {

using namespace test;  // NOLINT: the whole file speaks of the rig

// Where descriptor `fd` of process `pid` leads.
std::string target_of(pid_t pid, const std::string& fd) {
  return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/fd/" + fd).string();
}

}  // namespace

TEST_SUITE_BEGIN("supervisor_process");

TEST_CASE("a command inherits no descriptor but the three") {
  const UniqueFd leaky(::dup(STDERR_FILENO));  // not closed on exec
  Rig rig;
  // The fourth descriptor is the one by which ls reads the folder.
  CHECK(rig.run(program({"ls", "/proc/self/fd"})).out == "0\n1\n2\n3\n");
}

TEST_CASE("a supervisor keeps none of the worker's descriptors") {
  int ends[2] = {-1, -1};
  REQUIRE(::pipe(ends) == 0);
  UniqueFd reader(ends[0]), writer(ends[1]);
  const Rig rig;
  writer.reset();
  char byte = 0;
  REQUIRE(wait_for(reader.get()));
  CHECK(::read(reader.get(), &byte, 1) == 0);  // nobody else holds the writing end
}

TEST_CASE("a supervisor has its own session and holds neither stdin nor stdout") {
  const TempFolder folder;
  Word word(folder);
  Rig rig;
  rig.start(shell("echo $PPID > " + word.path() + "; exec sleep 1000"));
  const pid_t supervisor = word.pid();
  const auto status = process_status(supervisor);
  REQUIRE(status.has_value());
  CHECK(status->parent == ::getpid());
  CHECK(status->session == supervisor);
  CHECK(target_of(supervisor, "0") == "/dev/null");
  CHECK(target_of(supervisor, "1") == "/dev/null");
}

TEST_CASE("a supervisor outlives the signals by which a terminal or a batch system ends a job") {
  const TempFolder folder;
  Word word(folder);
  const Word go(folder, "go");
  Rig rig;
  rig.start(shell("echo $PPID > " + word.path() + "; read x < " + go.path()));
  const pid_t supervisor = word.pid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::kill(supervisor, signal);
  std::ofstream(go.path()) << "go\n";
  CHECK(rig.next().ok);
  CHECK(rig.run(program({"true"})).ok());
}

TEST_CASE("a worker that ignores its children or blocks signals passes neither on") {
  struct sigaction ignore {}, before {};
  ignore.sa_handler = SIG_IGN;
  REQUIRE(::sigaction(SIGCHLD, &ignore, &before) == 0);
  sigset_t all, mask;
  ::sigfillset(&all);
  REQUIRE(::sigprocmask(SIG_BLOCK, &all, &mask) == 0);
  {
    Rig rig;
    CHECK(rig.run(shell("exit 5")).exit_code == 5);
    CHECK(rig.run(program({"grep", "SigBlk", "/proc/self/status"})).out ==
          "SigBlk:\t0000000000000000\n");
    CHECK(rig.run(program({"grep", "SigIgn", "/proc/self/status"})).out ==
          "SigIgn:\t0000000000000000\n");
  }
  REQUIRE(::sigprocmask(SIG_SETMASK, &mask, nullptr) == 0);
  REQUIRE(::sigaction(SIGCHLD, &before, nullptr) == 0);
}

TEST_CASE("a worker that is killed leaves no process behind") {
  const TempFolder folder;
  Word word(folder);
  const Command simple = shell("echo $$ $PPID | tr ' ' '\\n' > " + word.path() +
                               "; exec sleep 1000");
  // A child of the group, a child that left it, and a daemon with neither parent nor pipes,
  // all of which ignore TERM.
  const std::string sleeper = " sh -c 'trap \"\" TERM HUP; echo $$ > " + word.path() +
                              "; while :; do sleep 1; done' ";
  const Command family = shell("trap '' TERM; echo $$ > " + word.path() + ";" + sleeper +
                               "& setsid" + sleeper + "& (setsid" + sleeper +
                               "> /dev/null 2>&1 < /dev/null &); wait");
  const pid_t worker = fork_helper([&] {
    CommandOptions options;
    options.slots = 2;
    CommandRunner runner(options);
    runner.run(1, simple.encode(), {}, milliseconds(0));
    runner.run(2, family.encode(), {}, milliseconds(0));
    for (;;) ::pause();
  });
  std::vector<Watched> processes;
  for (int i = 0; i < 6; ++i) processes.emplace_back(word.pid());
  for (const Watched& process : processes) CHECK(process.is_running());
  ::kill(worker, SIGKILL);
  CHECK(::waitpid(worker, nullptr, 0) == worker);
  for (const Watched& process : processes) CHECK(process.ends());
}

// A copy of the worker's end of the socket lives on in a process that knows
// nothing of it, so the supervisor sees no end of file.
TEST_CASE("a worker's end is noticed even if its socket lives on") {
  const TempFolder folder;
  Word word(folder);
  const Command command = shell("echo $$ > " + word.path() + "; exec sleep 1000");
  const pid_t worker = fork_helper([&] {
    CommandRunner runner{CommandOptions()};
    runner.run(1, command.encode(), {}, milliseconds(0));
    const pid_t stray = ::fork();
    if (stray != 0) std::ofstream(word.path()) << stray << "\n";
    for (;;) ::pause();
  });
  std::vector<Watched> processes;
  processes.emplace_back(word.pid());
  processes.emplace_back(word.pid());
  ::kill(worker, SIGKILL);
  CHECK(::waitpid(worker, nullptr, 0) == worker);
  std::size_t ended = 0;
  for (const Watched& process : processes) {
    const auto status = process_status(process.pid());
    const bool is_stray = status && status->group == ::getpgrp();
    if (is_stray) {
      CHECK(process.is_running());
      ::kill(process.pid(), SIGKILL);
    } else {
      ++ended;
    }
    CHECK(process.ends());
  }
  CHECK(ended == 1);
}

TEST_SUITE_END();

}  // namespace sluice::exec
