// network_chaos_test.cpp: hosts of their own, and all that a network can do to them.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <csignal>

#include "chaos/footprint.hpp"
#include "chaos/left_behind.hpp"
#include "chaos/network.hpp"
#include "chaos/plan.hpp"
#include "chaos/private_world.hpp"
#include "e2e/handler_cluster.hpp"
#include "e2e/sink_process.hpp"

namespace sluice::chaos {
namespace {

using namespace e2e;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A ventilator, a sink and workers on a host each; the client is here. Heartbeats of 250 ms: D is
// 1 s, R 3 s.
class Field {
 public:
  static constexpr std::size_t kVentilator = 2, kSink = 3, kFirstWorker = 4, kWorkers = 3;

  explicit Field(std::uint64_t seed)
      : network(seed),
        sink(folder_.file("outcomes.jsonl"), "tcp://" + Network::address(kSink) + ":5571",
             {"--insecure", "--heartbeat", "250ms"}, place(kSink)),
        cluster({"--bind", "tcp://" + Network::address(kVentilator) + ":5570", "--insecure",
                 "--sink", sink.endpoint(), "--heartbeat", "250ms", "--max-losses", "1000"},
                place(kVentilator)) {
    for (std::size_t i = 0; i < kWorkers; ++i) workers.push_back(worker_on(kFirstWorker + i));
    REQUIRE(cluster.wait_workers(kWorkers));
  }

  Network network;

 private:
  const TempFolder folder_;

 public:
  SinkProcess sink;
  HandlerCluster cluster;
  std::vector<HandlerWorker> workers;

  void load(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i)
      cluster.submit_task("hold", std::to_string(i % 50 == 0 ? 15'000 : i * 7 % 900));
    posted_ += count;
  }
  /// Nobody is left there who could say goodbye.
  void lose(std::size_t host, Process& whoever) {
    network.vanish(host);
    whoever.signal(SIGKILL);
    REQUIRE(whoever.wait(kHangs) == 128 + SIGKILL);
  }
  void lose_worker(std::size_t which) {
    lose(kFirstWorker + which, workers[which].process());
  }
  void bring_worker(std::size_t which) {
    network.come_back(kFirstWorker + which);
    workers[which] = worker_on(kFirstWorker + which);
  }
  void settle() { settle_without(0); }
  /// With so many workers who cannot be reached.
  void settle_without(std::size_t missing) {
    REQUIRE(cluster.client().wait_confirmed(kHangs));
    const bool settled = cluster.wait_settled();
    INFO(cluster.ask_status().dump(2));
    REQUIRE(settled);
    REQUIRE(cluster.wait_workers(kWorkers - missing));
  }
  [[nodiscard]] std::string flaws_so_far() {
    std::vector<json> outcomes;
    for (const std::string& line : folder_.lines("outcomes.jsonl"))
      outcomes.push_back(json::parse(line));
    if (const auto counted = cluster.number("counters", "submitted"); counted != posted_)
      return std::to_string(posted_) + " posted, " + std::to_string(counted) + " taken";
    return flaws(outcomes, posted_);
  }
  void tell_counters() {
    const Network::Counters frames = network.counters();
    tell(std::to_string(posted_) + " tasks; frames: " + std::to_string(frames.passed) +
         " passed, " + std::to_string(frames.dropped) + " dropped, " +
         std::to_string(frames.delayed) + " delayed; " +
         cluster.ask_status().at("counters").dump());
  }
  void end() {
    CHECK(cluster.end() == 0);
    for (HandlerWorker& worker : workers) see_off(worker.process());
    sink.process().signal(SIGTERM);
    CHECK(sink.process().wait(kHangs) == 0);
  }
  [[nodiscard]] static std::string name(std::size_t host) {
    if (host == Network::kHere) return "client";
    if (host == kVentilator) return "ventilator";
    return host == kSink ? "sink" : "worker " + std::to_string(host - kFirstWorker);
  }

 private:
  Words place(std::size_t host) {
    while (network.hosts() < host) static_cast<void>(network.add_host());
    return network.on(host);
  }
  HandlerWorker worker_on(std::size_t host) {
    return cluster.handler_worker(2, {}, place(host));
  }

  std::uint64_t posted_ = 0;
};

constexpr Way kCut{.cut = true};

Way slow(Plan& plan) {
  Way way;
  way.delay = plan.between(1, 80);
  way.jitter = plan.between(0, 30);
  way.loss_percent = static_cast<unsigned>(plan.below(15));
  return way;
}
std::string text_of(const Way& way) {
  return std::to_string(way.delay.count() / 1000) + " ms and up to " +
         std::to_string(way.jitter.count() / 1000) + " more, " +
         std::to_string(way.loss_percent) + " % lost";
}

void draw_step(Plan& plan, Field& field) {
  const std::size_t hosts = field.network.hosts();
  const std::size_t a = 1 + plan.below(hosts), b = 1 + (a + plan.below(hosts - 1)) % hosts;
  const std::string pair = Field::name(a) + " and " + Field::name(b);
  plan.add("load", [&field] { field.load(400); });
  switch (plan.below(6)) {
    case 0:
      plan.add("cut between " + pair, [=, &field] { field.network.set_both(a, b, kCut); });
      break;
    case 1:
      plan.add("cut from " + Field::name(a) + " to " + Field::name(b),
               [=, &field] { field.network.set(a, b, kCut); });
      break;
    case 2:
      plan.add("cut off " + Field::name(a), [=, &field] {
        for (std::size_t other = 1; other <= hosts; ++other)
          if (other != a) field.network.set_both(a, other, kCut);
      });
      break;
    case 3:
      plan.add("reset between " + pair, [=, &field] { (void)field.network.reset(a, b); });
      break;
    case 4: {
      const Way way = slow(plan);
      plan.add("slow: " + text_of(way), [=, &field] { field.network.set_all(way); });
      break;
    }
    default: {
      const std::size_t which = plan.below(Field::kWorkers);
      const milliseconds away = plan.between(100, 1500);
      plan.add("the host of worker " + std::to_string(which) + " vanishes for " + shown(away),
               [=, &field] {
        field.lose_worker(which);
        pass(away);
        field.bring_worker(which);
      });
    }
  }
  const milliseconds time = plan.between(100, plan.one_in(4) ? 4000 : 1200);
  plan.add("go on for " + shown(time), [=] { pass(time); });
  if (plan.one_in(2)) plan.add("heal", [&field] { field.network.heal(); });
}

}  // namespace

TEST_SUITE("chaos: networks") {
  TEST_CASE("whatever a network does, each accepted task has one outcome in the end") {
    if (!in_private_world()) return;
    const AloneAtTheEnd alone;
    Plan plan;
    Field field(plan.seed());
    static_cast<void>(field.cluster.client());
    for (int round = 0; round < 3; ++round) {
      for (int step = 0; step < 7; ++step) draw_step(plan, field);
      plan.add("heal and settle", [&field] {
        field.network.heal();
        field.settle();
      });
    }
    const pid_t ventilator = field.cluster.ventilator->pid(), sink = field.sink.process().pid();
    const Footprint before = footprint(ventilator), sink_before = footprint(sink);
    INFO(plan.text());
    plan.run();
    CHECK(field.flaws_so_far() == "");
    // What is half open goes when libzmq misses its peer's heartbeats, after 20 s.
    CHECK(eventually([&] { return footprint(ventilator).descriptors <= before.descriptors; },
                     kHangs));
    CHECK(eventually([&] { return footprint(sink).descriptors <= sink_before.descriptors; },
                     kHangs));
    tell("ventilator: " + shown(before) + ", then " + shown(footprint(ventilator)) + "; sink: " +
         shown(sink_before) + ", then " + shown(footprint(sink)));
    field.tell_counters();
    field.end();
  }

  // A way that is cut in one direction only looks alive to one of its ends.
  TEST_CASE("a one-way cut between any two roles holds nothing up for good") {
    if (!in_private_world()) return;
    const AloneAtTheEnd alone;
    Plan plan;  // for its seed: what is lost is drawn from it
    Field field(plan.seed());
    constexpr std::size_t kV = Field::kVentilator, kS = Field::kSink, kW = Field::kFirstWorker;
    const std::vector<std::pair<std::size_t, std::size_t>> ways{{kV, kW}, {kW, kV}, {kS, kW},
                                                                {kW, kS}, {kV, kS}, {kS, kV}};
    for (const auto& way : ways) {
      const std::size_t from = way.first, to = way.second;
      INFO("from ", Field::name(from), " to ", Field::name(to));
      field.load(1000);
      field.network.set(from, to, kCut);
      const bool to_worker = from == kW || to == kW;
      const auto start = steady_clock::now();
      // The others work meanwhile: what the cut worker held has gone to them, unless its
      // outcomes only wait for a sink that it cannot reach.
      if (to_worker && from != kS && to != kS) field.settle_without(1);
      else pass(milliseconds(3500));
      field.network.heal();
      field.settle();
      tell("cut from " + Field::name(from) + " to " + Field::name(to) + ": settled after " +
           shown(std::chrono::duration_cast<milliseconds>(steady_clock::now() - start)));
    }
    CHECK(field.flaws_so_far() == "");
    field.tell_counters();
    field.end();
  }

  // PROTOCOL case 17: "silence D both ways".
  TEST_CASE("hosts that vanish without a word are missed, and their sockets do not stay") {
    if (!in_private_world()) return;
    const AloneAtTheEnd alone;
    Plan plan;  // for its seed: what is lost is drawn from it
    Field field(plan.seed());
    field.load(500);
    field.settle();
    const pid_t ventilator = field.cluster.ventilator->pid();
    const Footprint before = footprint(ventilator);
    field.load(1000);
    const auto start = steady_clock::now();
    field.lose_worker(0);
    REQUIRE(field.cluster.wait_workers(Field::kWorkers - 1));
    tell("a vanished worker was missed after " +
         shown(std::chrono::duration_cast<milliseconds>(steady_clock::now() - start)));
    field.lose(Field::kSink, field.sink.process());
    field.load(1000);
    pass(milliseconds(1500));  // D: all have given the old sink up
    field.network.come_back(Field::kSink);
    field.sink.start_again(field.network.on(Field::kSink));
    field.bring_worker(0);
    field.settle();
    CHECK(field.flaws_so_far() == "");
    CHECK(eventually([&] { return footprint(ventilator).descriptors <= before.descriptors; },
                     kHangs));
    tell("ventilator before: " + shown(before) + "; after: " +
         shown(footprint(ventilator)));
    field.end();
  }

  TEST_CASE("connections that are reset again and again are made again") {
    if (!in_private_world()) return;
    const AloneAtTheEnd alone;
    Plan plan;  // for its seed: what is lost is drawn from it
    Field field(plan.seed());
    std::size_t resets = 0;
    for (int round = 0; round < 20; ++round) {
      field.load(200);
      for (std::size_t worker = 0; worker < Field::kWorkers; ++worker)
        for (const std::size_t peer : {Field::kVentilator, Field::kSink})
          resets += field.network.reset(Field::kFirstWorker + worker, peer);
      resets += field.network.reset(Network::kHere, Field::kVentilator);
      resets += field.network.reset(Field::kVentilator, Field::kSink);
      pass(milliseconds(100));
    }
    if (resets == 0) skip("this kernel resets no connections for us (ss -K)");
    field.settle();
    CHECK(field.flaws_so_far() == "");
    tell(std::to_string(resets) + " connections reset");
    field.tell_counters();
    field.end();
  }

  TEST_CASE("a slow and lossy network delays outcomes, and nothing else") {
    if (!in_private_world()) return;
    const AloneAtTheEnd alone;
    Plan plan;  // for its seed: what is lost is drawn from it
    Field field(plan.seed());
    field.network.set_all({.delay = milliseconds(20), .jitter = milliseconds(10),
                           .loss_percent = 2});
    field.load(2000);
    field.settle();
    CHECK(field.flaws_so_far() == "");
    field.tell_counters();
    field.network.heal();
    field.end();
  }
}

}  // namespace sluice::chaos
