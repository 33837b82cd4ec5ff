// supervisor_commands_test.cpp: how commands end, by themselves and otherwise.
// SPDX-License-Identifier: MIT
#include "exec/rig.hpp"

namespace sluice::exec {
namespace {

using namespace test;  // NOLINT: the whole file speaks of the rig

CommandOptions with(milliseconds kill_grace, milliseconds linger = milliseconds(200)) {
  CommandOptions options;
  options.kill_grace = kill_grace;
  options.linger = linger;
  return options;
}

constexpr std::chrono::hours kNever{1};

// Leaves the group first and lets go of the pipes then, as daemon(3) does, and
// tells its process id.
std::string daemon_script(const Word& word) {
  return "(setsid sh -c 'exec > /dev/null 2>&1; echo $$ > " + word.path() +
         "; exec sleep 1000' &)";
}

// The time runs from the start of a shell, which must get as far as its first words meanwhile, on
// a crowded machine too.
constexpr milliseconds kShellHasBegun{1000};

}  // namespace

TEST_SUITE_BEGIN("supervisor_commands");

TEST_CASE("a command that dies of a signal says which") {
  Rig rig;
  const CommandResult result = rig.run(shell("kill -KILL $$"));
  CHECK(result.end == End::signalled);
  CHECK(result.signal == SIGKILL);
  CHECK(result.exit_code == 128 + SIGKILL);
  CHECK(rig.error == "killed by signal 9 (KILL)");
}

TEST_CASE("a command that outstays its timeout gets TERM") {
  Rig rig(with(kNever));
  const CommandResult result = rig.run(shell("echo started; exec sleep 1000"), kShellHasBegun);
  CHECK(result.end == End::timed_out);
  CHECK(result.signal == SIGTERM);
  CHECK(result.exit_code == 128 + SIGTERM);
  CHECK(result.out == "started\n");
  CHECK(result.wall >= kShellHasBegun);
  CHECK(rig.error == "timed out after 1 s");
}

TEST_CASE("a command that ignores TERM is killed after the grace") {
  Rig rig(with(milliseconds(100)));
  const CommandResult result =
      rig.run(shell("trap '' TERM; while :; do sleep 1; done"), kShellHasBegun);
  CHECK(result.end == End::timed_out);
  CHECK(result.signal == SIGKILL);
  CHECK(result.wall >= kShellHasBegun + milliseconds(100));
}

TEST_CASE("a command that ends well after TERM has timed out all the same") {
  Rig rig(with(kNever));
  const CommandResult result = rig.run(
      shell("trap 'echo saved; exit 0' TERM; while :; do sleep 0.02; done"), kShellHasBegun);
  CHECK(result.end == End::timed_out);
  CHECK(result.exit_code == 0);
  CHECK(result.out == "saved\n");
  CHECK_FALSE(result.ok());
}

// `sh` dies of TERM at once; the program it runs has its grace nevertheless,
// even if none of our pipes tells that it is still there.
TEST_CASE("the grace is the whole group's, not only the first process's") {
  const TempFolder folder;
  const std::string saver =
      folder.write("saver",
                   "#!/bin/sh\ntrap 'sleep 0.4; echo saved > " + folder.file("state") +
                       "; exit 0' TERM\necho x\nwhile :; do sleep 0.02; done\n",
                   0755);
  Rig rig(with(kNever, milliseconds(1)));
  for (const std::string& redirection : {std::string(), " > " + folder.file("log") + " 2>&1"}) {
    CAPTURE(redirection);
    std::filesystem::remove(folder.file("state"));
    const CommandResult result = rig.run(shell(saver + redirection + "; :"), milliseconds(200));
    CHECK(result.end == End::timed_out);
    CHECK(result.signal == SIGTERM);
    CHECK(std::filesystem::exists(folder.file("state")));
  }
}

TEST_CASE("a command in time is not touched by its timeout") {
  Rig rig;
  CHECK(rig.run(program({"true"}), std::chrono::hours(1)).ok());
  CHECK(rig.run(program({"true"}), milliseconds::max()).ok());
}

TEST_CASE("a stopped command can time out, and be told so by TERM") {
  Rig rig(with(kNever));
  const CommandResult result = rig.run(shell("kill -STOP $$"), milliseconds(100));
  CHECK(result.end == End::timed_out);
  CHECK(result.signal == SIGTERM);
}

TEST_CASE("a background process that holds the output does not hold up the command") {
  const TempFolder folder;
  Word word(folder);
  Rig rig(with(kNever, milliseconds(50)));
  rig.start(shell("sleep 1000 & echo $! > " + word.path() + "; echo said"));
  const Watched background(word.pid());
  const Finished finished = rig.next();
  CHECK(finished.ok);
  CHECK(Rig::result_of(finished).out == "said\n");
  CHECK(background.ends());
}

TEST_CASE("what a background process says soon after the end belongs to the command") {
  Rig rig(with(kNever, std::chrono::hours(1)));
  CHECK(rig.run(shell("(sleep 0.05; echo late) & echo early")).out == "early\nlate\n");
}

TEST_CASE("a background process that writes without end is cut off") {
  Rig rig(with(kNever, milliseconds(50)));
  const CommandResult result = rig.run(shell("yes & sleep 0.05"));
  CHECK(result.ok());
  CHECK(result.out.substr(0, 4) == "y\ny\n");
}

TEST_CASE("a background process without our pipes ends with the command") {
  const TempFolder folder;
  Word word(folder);
  const Word go(folder, "go");
  Rig rig(with(kNever, std::chrono::hours(1)));
  rig.start(shell("sleep 1000 > /dev/null 2>&1 & echo $! > " + word.path() + "; read x < " +
                  go.path()));
  const Watched background(word.pid());
  std::ofstream(go.path()) << "go\n";
  CHECK(rig.next().ok);
  CHECK(background.ends());
}

TEST_CASE("a daemon that left the group outlives its command, but not the runner") {
  const TempFolder folder;
  Word word(folder);
  std::vector<Watched> daemon;
  {
    Rig rig;
    CHECK(rig.run(shell(daemon_script(word))).ok());
    daemon.emplace_back(word.pid());
    CHECK(rig.run(program({"true"})).ok());
    CHECK(daemon.front().is_running());
  }
  CHECK(daemon.front().is_collected());
}

TEST_CASE("orphans that end are collected while commands go on") {
  const TempFolder folder;
  Word word(folder);
  Rig rig;
  CHECK(rig.run(shell(daemon_script(word))).ok());
  const Watched daemon(word.pid());
  ::kill(daemon.pid(), SIGKILL);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!daemon.is_collected() && std::chrono::steady_clock::now() < deadline)
    CHECK(rig.run(program({"true"})).ok());
  CHECK(daemon.is_collected());
}

TEST_SUITE_END();

}  // namespace sluice::exec
