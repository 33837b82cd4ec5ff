// descriptor_chaos_test.cpp: roles that can open nothing more, and then can again.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <csignal>

#include "chaos/footprint.hpp"
#include "chaos/left_behind.hpp"
#include "chaos/plan.hpp"
#include "chaos/starved.hpp"
#include "e2e/forwarder.hpp"
#include "e2e/handler_cluster.hpp"
#include "e2e/sink_process.hpp"

namespace sluice::chaos {
namespace {

using namespace e2e;
using std::chrono::milliseconds;

std::vector<json> outcomes_of(const TempFolder& folder) {
  std::vector<json> all;
  for (const std::string& line : folder.lines("outcomes.jsonl")) all.push_back(json::parse(line));
  return all;
}

std::uint16_t port_of(const std::string& endpoint) {
  return static_cast<std::uint16_t>(std::stoul(endpoint.substr(endpoint.rfind(':') + 1)));
}

// Connections that nobody has accepted yet: whatever descriptor becomes free goes to them.
class Knockers {
 public:
  Knockers(std::uint16_t port, int count) {
    for (int i = 0; i < count; ++i) fds_.push_back(connect_to("127.0.0.1", port));
  }
  ~Knockers() {
    for (const int fd : fds_) ::close(fd);
  }
  Knockers(const Knockers&) = delete;
  Knockers& operator=(const Knockers&) = delete;

 private:
  std::vector<int> fds_;
};

bool back_to(const Footprint& before, pid_t pid) {
  return eventually([&] { return footprint(pid).descriptors <= before.descriptors; }, kHangs);
}

}  // namespace

TEST_SUITE("chaos: descriptors") {
  // While it starves its sink goes and comes back, so that it needs new sockets to it.
  TEST_CASE("a ventilator without descriptors works on, and takes newcomers in when it has some") {
    const AloneAtTheEnd alone;
    const TempFolder folder;
    SinkProcess sink(folder.file("outcomes.jsonl"));
    HandlerCluster cluster({"--sink", sink.endpoint(), "--heartbeat", "1s"});
    std::vector<HandlerWorker> workers = cluster.handler_workers(2, 2);
    cluster.hold(500, [](int) { return 300; });
    REQUIRE(cluster.wait_settled());
    const Footprint before = footprint(cluster.ventilator->pid());
    {
      const Starved starved(cluster.ventilator->pid(), 1);
      const Knockers knockers(port_of(cluster.control), 50);
      workers.push_back(cluster.handler_worker(2));
      sink.kill();
      // Nobody runs it: its outcome is the ventilator's own, and needs its link to the sink.
      Task hopeless;
      hopeless.type = "no such type";
      hopeless.ttl = milliseconds(300);
      cluster.client().post(hopeless);
      cluster.hold(500, [](int) { return 300; });
      CHECK_FALSE(cluster.ventilator->wait(milliseconds(2000)).has_value());
      sink.start_again();
      CHECK(cluster.wait_done(1000));  // by those who were there before
      CHECK(cluster.ask_status().at("workers").size() == 2);
      tell("starved: " + shown(footprint(cluster.ventilator->pid())));
    }
    REQUIRE(cluster.ventilator->running());
    CHECK(cluster.wait_workers(3));
    REQUIRE(cluster.wait_settled());
    cluster.hold(500, [](int) { return 300; });
    REQUIRE(cluster.wait_settled());
    std::vector<json> outcomes = outcomes_of(folder);
    const auto expired = std::find_if(outcomes.begin(), outcomes.end(), [](const json& outcome) {
      return outcome.at("status") == "expired";
    });
    REQUIRE(expired != outcomes.end());
    CHECK(expired->at("seq") == 501);
    (*expired)["status"] = "done";  // it has been looked at
    CHECK(flaws(outcomes, 1501) == "");
    workers.pop_back();
    CHECK(back_to(before, cluster.ventilator->pid()));
    tell("after: " + shown(footprint(cluster.ventilator->pid())));
  }

  // A handler that leaks descriptors takes the worker's own, too: every connection of the worker is
  // broken meanwhile, and none can be made again.
  TEST_CASE("a worker whose handler takes all descriptors is back when it lets go of them") {
    const AloneAtTheEnd alone;
    const TempFolder folder;
    SinkProcess sink(folder.file("outcomes.jsonl"));
    HandlerCluster cluster({"--sink", sink.endpoint(), "--heartbeat", "250ms", "--max-losses",
                            "100"});
    HandlerWorker worker = cluster.handler_worker(4);
    REQUIRE(cluster.wait_workers(1));
    {
      const Starved starved(worker.process().pid(), 8);
      cluster.submit_task("hoard", "6000000");
      cluster.hold(100, [](int) { return 100'000; });
      REQUIRE(eventually([&] { return !worker.diary().empty(); }));
      sink.kill();
      cluster.ventilator->signal(SIGSTOP);
      CHECK_FALSE(worker.process().wait(milliseconds(2000)).has_value());  // D is 1 s
      cluster.ventilator->signal(SIGCONT);
      sink.start_again();
      REQUIRE(cluster.wait_settled());
    }
    CHECK(worker.process().running());
    CHECK(flaws(outcomes_of(folder), 101) == "");
    CHECK(cluster.wait_workers(1));
  }

  // What cannot be started is a failed attempt, with the reason and the cure; tasks that may be
  // tried often enough are done in the end.
  TEST_CASE("a worker that cannot start commands for want of descriptors says so, and goes on") {
    const AloneAtTheEnd alone;
    HandlerCluster cluster({"--heartbeat", "250ms", "--backoff", "200ms", "--no-sync"});
    Process& worker = cluster.start_worker({"-j", "4"});
    const pid_t supervisor = child_of(worker.pid());
    REQUIRE(supervisor > 0);
    CHECK(cluster.submit({"--array", "1-20", "--", "true"}).code == 0);
    REQUIRE(cluster.wait_outcomes(20));
    const Footprint before = footprint(supervisor);
    {
      const Starved starved(supervisor, 1);
      CHECK(cluster.submit({"--retries", "1", "--array", "1-5", "--", "true"}).code == 0);
      REQUIRE(cluster.wait_outcomes(25));
      CHECK(cluster.submit({"--retries", "100", "--array", "1-20", "--", "true"}).code == 0);
      REQUIRE(eventually([&] { return cluster.number("counters", "nacked") > 20; }));
    }
    REQUIRE(cluster.wait_settled());
    const std::vector<json> outcomes = cluster.outcomes();
    REQUIRE(outcomes.size() == 45);
    for (const json& outcome : outcomes) {
      const bool refused = outcome.at("seq") > 20 && outcome.at("seq") <= 25;
      CHECK(outcome.at("status") == (refused ? "failed" : "done"));
      if (refused) CHECK(outcome.at("error").dump().find("ulimit -n") != std::string::npos);
    }
    CHECK(back_to(before, supervisor));
  }

  TEST_CASE("a sink without descriptors serves whom it has, and newcomers when it has some") {
    const AloneAtTheEnd alone;
    const TempFolder folder;
    SinkProcess sink(folder.file("outcomes.jsonl"));
    HandlerCluster cluster({"--sink", sink.endpoint(), "--heartbeat", "1s"});
    HandlerWorker worker = cluster.handler_worker(2);
    cluster.hold(500, [](int) { return 300; });
    REQUIRE(cluster.wait_settled());
    const Footprint before = footprint(sink.process().pid());
    HandlerWorker newcomer = [&] {
      const Starved starved(sink.process().pid(), 0);
      const Knockers knockers(port_of(sink.endpoint()), 50);
      HandlerWorker late = cluster.handler_worker(2);
      REQUIRE(cluster.wait_workers(2));
      cluster.hold(500, [](int) { return 300; });
      // The newcomer's outcomes wait with it; the other goes on.
      REQUIRE(eventually([&] { return folder.lines("outcomes.jsonl").size() > 600; }, kHangs));
      CHECK(sink.process().running());
      return late;
    }();
    REQUIRE(cluster.wait_settled());
    CHECK(flaws(outcomes_of(folder), 1000) == "");
    newcomer.kill();
    CHECK(back_to(before, sink.process().pid()));
  }

  // PROTOCOL rule 20.2: "what is stored but no longer kept from its file".
  TEST_CASE("outcomes that a sink cannot look up for want of descriptors come when it can") {
    const AloneAtTheEnd alone;
    const TempFolder folder;
    SinkProcess sink(folder.file("outcomes.jsonl"));
    HandlerCluster cluster({"--sink", sink.endpoint(), "--heartbeat", "1s"});
    cluster.start_worker({"-j", "2"});
    const Words words{"--wait", "--key", "auto", "--", "echo", "{}", ":::", "a", "b", "c"};
    const Ran first = cluster.submit(words);
    REQUIRE(first.code == 0);
    sink.kill();
    sink.start_again();  // its shelf is empty now
    CHECK(cluster.submit({"--array", "1-1", "--", "true"}).code == 0);
    REQUIRE(eventually([&] { return folder.lines("outcomes.jsonl").size() == 4; }, kHangs));
    REQUIRE(eventually([&] { return cluster.ask_status()["sinks"][0]["connected"] == true; }));
    const Ran second = [&] {
      const Starved starved(sink.process().pid(), 1);  // for the client's connection
      return cluster.submit(words);
    }();
    CHECK(second.code == 0);
    CHECK(second.out == first.out);
  }
}

}  // namespace sluice::chaos
