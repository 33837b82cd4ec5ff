// process_tree_test.cpp: descendants are found and ended, and only those chosen.
// SPDX-License-Identifier: MIT
#include "exec/process_tree.hpp"

#include <sys/prctl.h>

#include <algorithm>

#include "exec/rig.hpp"

namespace sluice::exec {
namespace {

bool contains(const std::vector<pid_t>& pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

// A child that runs a script, as a plain fork and exec by this process.
pid_t start_script(const std::string& script) {
  return test::fork_helper(
      [&] { ::execl("/bin/sh", "sh", "-c", script.c_str(), static_cast<char*>(nullptr)); });
}

}  // namespace

TEST_SUITE_BEGIN("process_tree");

TEST_CASE("a process knows its own status") {
  const auto status = process_status(::getpid());
  REQUIRE(status.has_value());
  CHECK(status->parent == ::getppid());
  CHECK(status->group == ::getpgrp());
  CHECK(status->session == ::getsid(0));
  CHECK(status->state == 'R');
  CHECK_FALSE(process_status(0x3FFFFFFF).has_value());
}

TEST_CASE("grandchildren are descendants but not children") {
  const TempFolder folder;
  test::Word word(folder);
  const pid_t child = start_script("sleep 1000 & echo $! > " + word.path() + "; wait");
  const pid_t grandchild = word.pid();
  CHECK(contains(children_of(::getpid()), child));
  CHECK_FALSE(contains(children_of(::getpid()), grandchild));
  CHECK(contains(descendants_of(::getpid()), grandchild));

  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  const test::Watched end(grandchild);
  CHECK(kill_children([&](pid_t pid) { return pid == child || pid == grandchild; },
                      test::kPatience));
  CHECK(end.is_collected());
  CHECK(::waitpid(child, nullptr, 0) == -1);
}

TEST_CASE("a child that is not chosen lives on") {
  const TempFolder folder;
  test::Word word(folder);
  const pid_t child = start_script("echo $$ > " + word.path() + "; exec sleep 1000");
  CHECK(word.pid() == child);
  const test::Watched watched(child);
  CHECK(kill_children([](pid_t) { return false; }, test::kPatience));
  CHECK(watched.is_running());
  ::kill(child, SIGKILL);
  CHECK(::waitpid(child, nullptr, 0) == child);
}

TEST_CASE("the environment that a process was started with is told exactly") {
  const TempFolder folder;
  test::Word word(folder);
  const test::Word never(folder, "never");
  const pid_t child = start_script("MARK=abc exec sh -c 'echo x > " + word.path() + "; read y < " +
                                   never.path() + "'");
  REQUIRE(word.line() == "x");
  CHECK(started_with(child, "MARK=abc") == true);
  CHECK(started_with(child, "MARK=ab") == false);
  CHECK(started_with(child, "ARK=abc") == false);
  ::kill(child, SIGKILL);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  CHECK_FALSE(started_with(child, "MARK=abc").has_value());  // a zombie has none to show
  CHECK(::waitpid(child, nullptr, 0) == child);
}

TEST_SUITE_END();

}  // namespace sluice::exec
