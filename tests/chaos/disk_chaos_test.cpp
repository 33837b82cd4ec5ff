// disk_chaos_test.cpp: a disk that is full, and has room, and is full again, under an outcome file.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "chaos/footprint.hpp"
#include "chaos/left_behind.hpp"
#include "chaos/plan.hpp"
#include "chaos/private_world.hpp"
#include "e2e/handler_cluster.hpp"
#include "e2e/sink_process.hpp"
#include "e2e/small_disk.hpp"

namespace sluice::chaos {
namespace {

using namespace e2e;
using std::chrono::milliseconds;

constexpr int kSteps = 12, kTasksPerStep = 60;

// Writes until there is no room left, not even for a line.
void fill(const SmallDisk& disk) {
  const int fd = ::open(disk.file("ballast").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                        0600);
  REQUIRE(fd >= 0);
  const std::string block(4096, 'b');
  while (::write(fd, block.data(), block.size()) > 0) continue;
  CHECK(errno == ENOSPC);
  ::close(fd);
}
void make_room(const SmallDisk& disk) { std::filesystem::remove(disk.file("ballast")); }

std::vector<json> outcomes_on(const SmallDisk& disk) {
  std::vector<json> all;
  std::ifstream file(disk.file("outcomes.jsonl"));
  for (std::string line; std::getline(file, line);) all.push_back(json::parse(line));
  return all;
}

// Draws steps: the disk fills or gets room, the sink dies, whatever the disk is like just then.
void draw(Plan& plan, HandlerCluster& cluster, const SmallDisk& disk, SinkProcess* sink) {
  for (int step = 0; step < kSteps; ++step) {
    std::vector<std::size_t> sizes;
    for (int i = 0; i < kTasksPerStep; ++i)
      sizes.push_back(plan.below(plan.one_in(8) ? 9000 : 900));
    plan.add("load", [=, &cluster] {
      for (const std::size_t size : sizes) cluster.submit_task("echo", std::string(size, 'x'));
    });
    const milliseconds time = plan.between(50, 900);
    switch (plan.below(sink != nullptr ? 4 : 3)) {
      case 0:
      case 1:
        plan.add("fill the disk", [&disk] { fill(disk); });
        break;
      case 2:
        plan.add("make room", [&disk] { make_room(disk); });
        break;
      default:
        plan.add("kill the sink for " + shown(time), [=] {
          sink->kill();
          pass(time);
          sink->start_again();
        });
    }
    plan.add("go on for " + shown(time), [=] { pass(time); });
  }
}

void heal(HandlerCluster& cluster, const SmallDisk& disk) {
  constexpr std::uint64_t kTasks = kSteps * kTasksPerStep;
  REQUIRE(cluster.client().wait_confirmed(kHangs));
  fill(disk);
  cluster.submit_task("echo", std::string(9000, 'x'));  // one more, for which there is no room
  CHECK_FALSE(eventually([&] { return cluster.number("tasks", "unsettled") == 0; },
                         milliseconds(300)));
  make_room(disk);
  const bool settled = cluster.wait_settled();
  INFO(cluster.ask_status().dump(2));
  REQUIRE(settled);
  const std::vector<json> outcomes = outcomes_on(disk);
  CHECK(flaws(outcomes, kTasks + 1) == "");
  for (const json& outcome : outcomes) CHECK(outcome.at("attempts") == 1);  // none ran again
}

}  // namespace

TEST_SUITE("chaos: disks") {
  // PROTOCOL case 9, again and again.
  TEST_CASE("a sink whose disk fills and empties stores each outcome once, killed or not") {
    if (!in_private_world()) return;
    const AloneAtTheEnd alone;
    const TempFolder folder;
    const SmallDisk disk(folder.file("disk"), "6m");
    if (!disk.mounted()) return skip("no file system can be mounted");
    Plan plan;
    SinkProcess sink(disk.file("outcomes.jsonl"));
    HandlerCluster cluster({"--sink", sink.endpoint()});
    std::vector<HandlerWorker> workers = cluster.handler_workers(3, 2);
    draw(plan, cluster, disk, &sink);
    INFO(plan.text());
    plan.run();
    heal(cluster, disk);
    CHECK(sink.process().complains("outcomes are stored again"));
    tell("sink: " + shown(footprint(sink.process().pid())));
  }

  TEST_CASE("a ventilator with the sink inside holds what its full disk cannot take") {
    if (!in_private_world()) return;
    const AloneAtTheEnd alone;
    const TempFolder folder;
    const SmallDisk disk(folder.file("disk"), "6m");
    if (!disk.mounted()) return skip("no file system can be mounted");
    Plan plan;
    HandlerCluster cluster({"--out", disk.file("outcomes.jsonl")});
    std::vector<HandlerWorker> workers = cluster.handler_workers(3, 2);
    draw(plan, cluster, disk, nullptr);
    INFO(plan.text());
    plan.run();
    heal(cluster, disk);
    CHECK(cluster.ventilator->complains("outcomes are stored again"));
    CHECK(cluster.end() == 0);
  }
}

}  // namespace sluice::chaos
