// command_runner_test.cpp: the worker's view: tokens, results, stopping, and a lost supervisor.
// SPDX-License-Identifier: MIT
#include "exec/command_runner.hpp"

#include <sys/prctl.h>

#include <map>

#include "exec/rig.hpp"

namespace sluice::exec {
namespace {

using namespace test;  // NOLINT: the whole file speaks of the rig

CommandOptions slots(std::size_t count) {
  CommandOptions options;
  options.slots = count;
  return options;
}

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

TEST_SUITE_BEGIN("command_runner");

TEST_CASE("a command's output, exit code and times come back") {
  Rig rig;
  const std::int64_t before = now_us();
  const std::uint64_t token = rig.start(shell("echo out; echo err >&2; exit 3"));
  const Finished finished = rig.next();
  const std::int64_t after = now_us();
  const CommandResult result = Rig::result_of(finished);
  CHECK(finished.token == token);
  CHECK_FALSE(finished.ok);
  CHECK(finished.end == End::exited);
  CHECK(finished.error == "exit code 3");
  CHECK(finished.started_us >= before);
  CHECK(finished.started_us <= after);
  CHECK(finished.run_us > 0);
  CHECK(finished.run_us <= after - before + 1000);
  CHECK(result.exit_code == 3);
  CHECK(result.signal == 0);
  CHECK(result.out == "out\n");
  CHECK(result.err == "err\n");
  CHECK(result.wall.count() == finished.run_us);
  CHECK(result.peak_memory_bytes > 100'000);
  CHECK(result.display == "/bin/sh -c echo out; echo err >&2; exit 3");
}

TEST_CASE("a command that succeeds is ok and needs no words") {
  Rig rig;
  Command command = program({"true"});
  command.display = "nothing at all";
  const CommandResult result = rig.run(command);
  CHECK(result.ok());
  CHECK(result.display == "nothing at all");
  CHECK(rig.error.empty());
}

TEST_CASE("processor time is the command's") {
  Rig rig;
  const CommandResult result =
      rig.run(shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"));
  CHECK(result.cpu_user.count() + result.cpu_system.count() > 0);
  CHECK(result.cpu_user + result.cpu_system <= 2 * result.wall + std::chrono::milliseconds(20));
}

TEST_CASE("commands run side by side and come back as they end") {
  const TempFolder folder;
  REQUIRE(::mkfifo(folder.file("gate").c_str(), 0600) == 0);
  Rig rig(slots(2));
  const std::uint64_t first = rig.start(shell("cat < " + folder.file("gate")));
  const std::uint64_t second = rig.start(shell("echo opened > " + folder.file("gate")));
  CHECK(rig.runner.under_way() == 2);
  std::map<std::uint64_t, CommandResult> results;
  for (int i = 0; i < 2; ++i) {
    const Finished finished = rig.next();
    results[finished.token] = Rig::result_of(finished);
  }
  CHECK(results[first].out == "opened\n");
  CHECK(results[second].ok());
  CHECK(rig.runner.under_way() == 0);
}

TEST_CASE("many commands with different environments keep them apart") {
  Rig rig(slots(8));
  std::map<std::uint64_t, std::string> expected;
  int received = 0;
  for (int i = 0; i < 200; ++i) {
    while (rig.runner.under_way() == 8) {
      const Finished finished = rig.next();
      CHECK(Rig::result_of(finished).out == expected[finished.token]);
      ++received;
    }
    const std::string number = std::to_string(i);
    expected[rig.start(shell("echo $NUMBER"), milliseconds(0), {{"NUMBER", number}})] =
        number + "\n";
  }
  while (rig.runner.under_way() > 0) {
    const Finished finished = rig.next();
    CHECK(Rig::result_of(finished).out == expected[finished.token]);
    ++received;
  }
  CHECK(received == 200);
}

TEST_CASE("a payload that is no command is answered") {
  Rig rig;
  const std::vector<std::byte> payload(10, std::byte{0xC1});
  rig.runner.run(77, payload, {}, milliseconds(0));
  const Finished finished = rig.next();
  CHECK(finished.token == 77);
  CHECK(finished.end == End::not_started);
  CHECK(finished.error.find("not a command: the payload (10 bytes)") == 0);
  CHECK(Rig::result_of(finished).error == finished.error);
  CHECK(rig.run(program({"true"})).ok());
}

TEST_CASE("a program that is not found is a result like any other") {
  Rig rig;
  const CommandResult result = rig.run(program({"no-such-program", "x"}));
  CHECK(result.end == End::not_started);
  CHECK(result.exit_code == 127);
  CHECK(rig.error == "not found: no-such-program");
  CHECK(result.display == "no-such-program x");
}

TEST_CASE("a cancelled command and its children end, and it says so") {
  const TempFolder folder;
  Word word(folder);
  Rig rig;
  const std::uint64_t token =
      rig.start(shell("sleep 1000 & echo $! > " + word.path() + "; wait"));
  const Watched child(word.pid());
  rig.runner.cancel(token + 1);  // not under way: nothing happens
  CHECK(child.is_running());
  rig.runner.cancel(token);
  rig.runner.cancel(token);
  const Finished finished = rig.next();
  CHECK(finished.end == End::cancelled);
  CHECK(finished.error == "cancelled");
  CHECK(Rig::result_of(finished).signal == SIGTERM);
  CHECK(child.ends());
}

TEST_CASE("stop ends all commands, reports them, and ends the supervisor") {
  const TempFolder folder;
  Word word(folder);
  Rig rig(slots(2));
  rig.start(shell("echo $PPID > " + word.path() + "; exec sleep 1000"));
  const Watched supervisor(word.pid());
  rig.start(shell("trap '' TERM; echo $$ > " + word.path() + "; while :; do sleep 1; done"));
  REQUIRE(!word.line().empty());
  rig.runner.stop(milliseconds(50));
  CHECK(rig.next().end == End::cancelled);
  CHECK(rig.next().end == End::cancelled);
  CHECK(rig.wait_until_gone());
  CHECK_FALSE(rig.runner.alive());
  CHECK(supervisor.is_collected());
}

TEST_CASE("a second stop can be more impatient") {
  const TempFolder folder;
  Word word(folder);
  Rig rig;
  rig.start(shell("trap '' TERM; echo x > " + word.path() + "; while :; do sleep 1; done"));
  REQUIRE(word.line() == "x");
  rig.runner.stop(std::chrono::hours(1));
  rig.runner.stop(milliseconds(0));
  const Finished finished = rig.next();
  CHECK(finished.end == End::cancelled);
  CHECK(Rig::result_of(finished).signal == SIGKILL);
  CHECK(rig.wait_until_gone());
}

TEST_CASE("stop without commands ends the supervisor at once") {
  Rig rig;
  rig.runner.stop(std::chrono::hours(1));
  CHECK(rig.wait_until_gone());
}

TEST_CASE("the destructor ends commands that ignore TERM, daemons, and the supervisor") {
  const TempFolder folder;
  Word word(folder);
  const auto script = "trap '' TERM; setsid sleep 1000 & echo $! $$ $PPID | tr ' ' '\\n' > " +
                      word.path() + "; while :; do sleep 1; done";
  std::vector<Watched> processes;
  {
    Rig rig;
    rig.start(shell(script));
    for (int i = 0; i < 3; ++i) processes.emplace_back(word.pid());
  }
  for (const Watched& process : processes) CHECK(process.is_collected());
}

TEST_CASE("two runners in one process do not disturb each other") {
  Rig one;
  {
    Rig two;
    CHECK(two.run(shell("echo two")).out == "two\n");
    CHECK(one.run(shell("echo one")).out == "one\n");
  }
  CHECK(one.run(shell("echo one")).out == "one\n");
}

// The direct children die by the kernel's hand; daemons become our children,
// are known by the mark in their environment, and are ended by the runner.
TEST_CASE("a killed supervisor is noticed, and leaves no process behind") {
  const TempFolder folder;
  Word word(folder);
  Rig rig;
  rig.start(shell("(setsid sh -c 'echo $$ > " + word.path() + "; exec sleep 1000' &); " +
                  "sleep 1000 & echo $! $$ $PPID | tr ' ' '\\n' > " + word.path() + "; wait"));
  std::vector<Watched> processes;
  pid_t supervisor = 0;
  for (int i = 0; i < 4; ++i) processes.emplace_back(word.pid());
  for (const Watched& process : processes) {
    const auto status = process_status(process.pid());
    REQUIRE(status.has_value());
    if (status->parent == ::getpid()) supervisor = process.pid();
  }
  REQUIRE(supervisor != 0);
  ::kill(supervisor, SIGKILL);
  CHECK(rig.wait_until_gone());
  CHECK_FALSE(rig.runner.alive());
  CHECK(rig.runner.under_way() == 1);
  for (const Watched& process : processes) CHECK(process.ends());
  CHECK(children_of(::getpid()).empty());
}

TEST_CASE("a killed supervisor's clean-up spares the program's own children") {
  const pid_t own = fork_helper([] { ::execlp("sleep", "sleep", "1000", nullptr); });
  const Watched watched(own);
  const TempFolder folder;
  Word word(folder);
  {
    Rig rig;
    rig.start(shell("echo $PPID > " + word.path() + "; exec sleep 1000"));
    ::kill(word.pid(), SIGKILL);
    CHECK(rig.wait_until_gone());
  }
  CHECK(watched.is_running());
  ::kill(own, SIGKILL);
  CHECK(::waitpid(own, nullptr, 0) == own);
}

TEST_CASE("a supervisor that was stopped does not hang the destructor") {
  const TempFolder folder;
  Word word(folder);
  CommandOptions options;
  std::vector<Watched> processes;
  {
    Rig rig(options);
    rig.start(shell("echo $$ $PPID | tr ' ' '\\n' > " + word.path() + "; exec sleep 1000"));
    processes.emplace_back(word.pid());
    processes.emplace_back(word.pid());
    ::kill(processes.back().pid(), SIGSTOP);
  }
  for (const Watched& process : processes) CHECK(process.is_collected());
}

TEST_CASE("orphans are adopted only if the options say so") {
  for (const bool adopt : {false, true}) {
    const pid_t helper = fork_helper([adopt] {
      ::prctl(PR_SET_CHILD_SUBREAPER, 0);
      CommandOptions options;
      options.adopt_orphans = adopt;
      const CommandRunner runner(options);
      int is_subreaper = -1;
      ::prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper);
      ::_exit(is_subreaper);
    });
    int status = -1;
    REQUIRE(::waitpid(helper, &status, 0) == helper);
    CHECK(WEXITSTATUS(status) == (adopt ? 1 : 0));
  }
}

TEST_SUITE_END();

}  // namespace sluice::exec
