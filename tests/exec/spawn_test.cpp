// spawn_test.cpp: what a command finds when it starts, and why it does not.
// SPDX-License-Identifier: MIT
#include "exec/spawn.hpp"

#include <sys/resource.h>

#include "exec/rig.hpp"

namespace sluice::exec {
namespace {

using test::program;
using test::shell;

Spawner make_spawner() { return Spawner({"SLUICE_SUPERVISOR", "test"}); }

SpawnFailure failure_of(const Command& command, const Variables& task_env = {}) {
  Spawner spawner = make_spawner();
  Spawned spawned;
  SpawnFailure failure;
  REQUIRE_FALSE(spawner.start(command, task_env, spawned, failure));
  CHECK(spawned.pid == 0);
  return failure;
}

// The stdout of a command started by a Spawner in this process.
std::string output_of(const Command& command, const Variables& task_env = {}) {
  Spawner spawner = make_spawner();
  Spawned spawned;
  SpawnFailure failure;
  const bool started = spawner.start(command, task_env, spawned, failure);
  INFO(failure.reason);
  REQUIRE(started);
  std::string output;
  char part[4096];
  while (test::wait_for(spawned.out.get())) {
    const ssize_t n = ::read(spawned.out.get(), part, sizeof part);
    if (n <= 0) break;
    output.append(part, static_cast<std::size_t>(n));
  }
  CHECK(::waitpid(spawned.pid, nullptr, 0) == spawned.pid);
  return output;
}

}  // namespace

TEST_SUITE_BEGIN("spawn");

TEST_CASE("a program is found by PATH and gets its arguments as they are") {
  CHECK(output_of(program({"printf", "%s|", "a b", "", "$HOME", "*"})) == "a b||$HOME|*|");
}

TEST_CASE("PATH is the command's own") {
  const TempFolder folder;
  folder.write("tool", "#!/bin/sh\necho found\n", 0755);
  Command command = program({"tool"});
  command.env = {{"PATH", folder.path()}};
  CHECK(output_of(command) == "found\n");
}

TEST_CASE("the task's variables win over the command's, and these over the worker's") {
  REQUIRE(::setenv("SLUICE_TEST_A", "worker", 1) == 0);
  Command command = shell("echo $SLUICE_TEST_A $SLUICE_TEST_B $SLUICE_SUPERVISOR");
  CHECK(output_of(command) == "worker test\n");
  command.env = {{"SLUICE_TEST_A", "command"}, {"SLUICE_TEST_B", "command"}};
  CHECK(output_of(command, {{"SLUICE_TEST_B", "task"}}) == "command task test\n");
  REQUIRE(::unsetenv("SLUICE_TEST_A") == 0);
}

TEST_CASE("the working folder also counts for a relative program") {
  const TempFolder folder;
  folder.write("tool", "#!/bin/sh\npwd\n", 0755);
  Command command = program({"./tool"});
  command.cwd = folder.path();
  CHECK(output_of(command) == folder.path() + "\n");
}

TEST_CASE("a script without an interpreter line is run by the shell") {
  const TempFolder folder;
  const std::string file = folder.write("tool", "echo \"$1 from sh\"\n", 0755);
  CHECK(output_of(program({file, "hello"})) == "hello from sh\n");
}

TEST_CASE("a command leads its own group and inherits no ignored signals") {
  struct sigaction ignore {}, before {};
  ignore.sa_handler = SIG_IGN;
  REQUIRE(::sigaction(SIGPIPE, &ignore, &before) == 0);
  CHECK(output_of(shell("[ $$ = $(cut -d' ' -f5 /proc/$$/stat) ] && echo leader")) == "leader\n");
  CHECK(output_of(program({"grep", "SigIgn", "/proc/self/status"})) ==
        "SigIgn:\t0000000000000000\n");
  CHECK(output_of(program({"grep", "SigBlk", "/proc/self/status"})) ==
        "SigBlk:\t0000000000000000\n");
  REQUIRE(::sigaction(SIGPIPE, &before, nullptr) == 0);
}

TEST_CASE("without input stdin is at its end, and short input is in the pipe from the start") {
  CHECK(output_of(program({"cat"})).empty());
  Command command = program({"cat"});
  command.input = std::string("a\0b", 3);
  CHECK(output_of(command) == command.input);
}

TEST_CASE("what is not found is 127, what may not be run is 126") {
  const TempFolder folder;
  const std::string file = folder.write("data", "text", 0644);
  const SpawnFailure missing = failure_of(program({"no-such-program"}));
  CHECK(missing.exit_code == 127);
  CHECK(missing.reason == "not found: no-such-program");
  CHECK(failure_of(program({"./no/such"})).reason == "not found: ./no/such");
  CHECK(failure_of(program({file + "/below"})).exit_code == 127);
  CHECK(failure_of(program({""})).exit_code == 127);
  const SpawnFailure forbidden = failure_of(program({file}));
  CHECK(forbidden.exit_code == 126);
  CHECK(forbidden.reason == "permission denied: " + file);
  CHECK(failure_of(program({folder.path()})).exit_code == 126);
}

TEST_CASE("a missing interpreter is not blamed on the script") {
  const TempFolder folder;
  const std::string file = folder.write("tool", "#!/no/such/interpreter\n", 0755);
  const SpawnFailure failure = failure_of(program({file}));
  CHECK(failure.exit_code == 127);
  CHECK(failure.reason == "interpreter not found: " + file);
}

TEST_CASE("a missing working folder is named") {
  Command command = program({"true"});
  command.cwd = "/no/such/folder";
  const SpawnFailure failure = failure_of(command);
  CHECK(failure.exit_code == 126);
  CHECK(failure.reason == "cannot enter folder /no/such/folder: No such file or directory");
}

TEST_CASE("what the kernel cannot be told is not a command") {
  CHECK(failure_of(program({})).reason == "not a command: it has no program");
  CHECK(failure_of(program({"echo", std::string("a\0b", 3)})).reason ==
        "not a command: argument 1 holds a NUL byte");
  Command command = program({"true"});
  command.cwd = std::string("/\0", 2);
  CHECK(failure_of(command).reason == "not a command: its working folder holds a NUL byte");
  command.cwd.clear();
  command.env = {{"A=B", "c"}};
  CHECK(failure_of(command).reason.find("environment variable \"A=B\"") != std::string::npos);
  CHECK(failure_of(program({"true"}), {{"", "c"}}).reason.find("environment variable") !=
        std::string::npos);
}

TEST_CASE("an argument list that is too long is called that") {
  const SpawnFailure one = failure_of(program({"true", std::string(200'000, 'a')}));
  CHECK(one.exit_code == 126);
  CHECK(one.reason.find("argument list too long: ") == 0);
  CHECK(failure_of(program(std::vector<std::string>(100, std::string(100'000, 'a')))).exit_code ==
        127);  // the name of the program is such a word, too
  std::vector<std::string> many(101, std::string(100'000, 'a'));
  many.front() = "true";
  CHECK(failure_of(program(many)).reason.find("argument list too long: 100") == 0);
}

TEST_CASE("a shortage of descriptors is an answer with a cure, and leaks none") {
  Spawner spawner = make_spawner();
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const UniqueFd lowest(::dup(STDERR_FILENO));
  // From room for no descriptor to room for all that a start takes.
  bool started = false;
  for (int room = 1; room < 12 && !started; ++room) {
    rlimit tight = before;
    tight.rlim_cur = static_cast<rlim_t>(lowest.get() + room);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    Spawned spawned;
    SpawnFailure failure;
    Command command = program({"true"});
    command.input = "x";
    started = spawner.start(command, {}, spawned, failure);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    if (started) {
      CHECK(room > 3);
      CHECK(::waitpid(spawned.pid, nullptr, 0) == spawned.pid);
    } else {
      CHECK(failure.reason ==
            "cannot start true: no pipe: Too many open files "
            "(raise the limit on open files, ulimit -n)");
    }
  }
  CHECK(started);
}

TEST_SUITE_END();

}  // namespace sluice::exec
