// journal_chaos_test.cpp: with a journal, every role may be killed, alone or with the others.
// SPDX-License-Identifier: MIT
//
// SLUICE_SEED repeats the decisions of a run; SLUICE_CHAOS_ROUNDS makes it longer.
#include <doctest/doctest.h>

#include <csignal>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "chaos/left_behind.hpp"
#include "chaos/plan.hpp"
#include "e2e/cluster.hpp"
#include "e2e/sink_process.hpp"

namespace sluice::chaos {
namespace {

using namespace e2e;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t kWorkers = 3;
constexpr int kSlots = 2;
constexpr std::uint64_t kLinesPerRound = 60;

// What is killed in a round.
struct Victims {
  bool ventilator = false, sink = false, submit = false;
  std::vector<std::size_t> workers;

  [[nodiscard]] std::string text() const {
    std::string out = "kill";
    if (ventilator) out += " the ventilator";
    if (sink) out += " the sink";
    if (submit) out += " a submit";
    for (const std::size_t which : workers) out += " worker " + std::to_string(which);
    return out;
  }
};

// All roles as processes; the tasks are commands that note that they were started.
class Durable {
 public:
  Durable() : sink_(cluster_.dir.file("outcomes.jsonl")) {
    begin();
    for (std::size_t i = 0; i < kWorkers; ++i) workers_.push_back(worker());
  }

  void submit(bool is_killed) {
    std::string lines;
    for (std::uint64_t i = 0; i < kLinesPerRound; ++i) lines += std::to_string(++lines_) + '\n';
    if (is_killed) {
      Process victim = start_submit(lines, true);
      (void)victim.prints("-");  // the first id, if it comes to that
      victim.signal(SIGKILL);
      CHECK(victim.wait(kHangs) == 128 + SIGKILL);
    }
    submits_.emplace_back(new Process(start_submit(lines, false)));
  }

  // All at one instant, as far as there is one.
  void kill(const Victims& victims, milliseconds away) {
    std::vector<Process*> dead;
    if (victims.ventilator) dead.push_back(cluster_.ventilator.get());
    if (victims.sink) dead.push_back(&sink_.process());
    for (const std::size_t which : victims.workers) dead.push_back(workers_[which].get());
    for (Process* const process : dead) process->signal(SIGKILL);
    for (Process* const process : dead) CHECK(process->wait(kHangs) == 128 + SIGKILL);
    pass(away);
    if (victims.sink) sink_.start_again();
    if (victims.ventilator) begin();
    for (const std::size_t which : victims.workers) {
      workers_[which] = worker();
      ++workers_killed_;
    }
  }

  void settle() {
    for (auto& submit : submits_) {
      const auto code = submit->wait(kHangs);
      INFO(submit->err());
      CHECK(code == 0);
    }
    submits_.clear();
    const bool settled =
        eventually([this] { return cluster_.status().at("tasks").at("unsettled") == 0; }, kHangs);
    INFO(cluster_.status().dump(2));
    REQUIRE(settled);
  }

  // Each line has one outcome, done. It was started once, unless workers were killed: what they
  // were running then, and what they had finished and no sink had stored yet, is run again.
  void check() {
    std::set<std::string> ids;
    for (const json& outcome : cluster_.outcomes()) {
      INFO(outcome.dump());
      CHECK(outcome.at("status") == "done");
      CHECK(ids.insert(outcome.at("id")).second);
    }
    CHECK(ids.size() == lines_);
    std::map<std::string, int> started;
    for (const std::string& line : cluster_.dir.lines("started")) ++started[line];
    CHECK(started.size() == lines_);
    std::uint64_t again = 0;
    for (const auto& [line, times] : started) again += static_cast<std::uint64_t>(times) - 1;
    if (workers_killed_ == 0) CHECK(again == 0);
    tell(std::to_string(lines_) + " tasks, " + std::to_string(lives_) +
         " lives of the ventilator, " + std::to_string(workers_killed_) + " workers killed, " +
         std::to_string(again) + " tasks started again");
  }

  void end() {
    cluster_.ventilator->signal(SIGTERM);
    CHECK(cluster_.ventilator->wait(kHangs) == 0);
    for (auto& worker : workers_) {  // a ventilator with a journal says no BYE: they wait for it
      worker->signal(SIGTERM);
      CHECK(worker->wait(kHangs).has_value());
    }
    sink_.process().signal(SIGTERM);
    CHECK(sink_.process().wait(kHangs) == 0);
  }

 private:
  void begin() {
    ++lives_;
    cluster_.start_ventilator({"--sink", sink_.endpoint(), "--journal",
                               cluster_.dir.file("journal"), "--heartbeat", "250ms", "--max-losses",
                               "1000"});
  }
  std::unique_ptr<Process> worker() {
    return std::unique_ptr<Process>(new Process(
        cluster_.start({"worker", "-j", std::to_string(kSlots), "--connect-timeout", "0"})));
  }
  Process start_submit(const std::string& lines, bool open) {
    ProcessOptions options;
    options.input = lines;
    options.keep_input = open;
    const std::string note =
        "echo $0 >> " + cluster_.dir.file("started") + "; sleep 0.0$(($0 % 7))";
    return cluster_.start({"submit", "--key", "auto", "--", "sh", "-c", note, "{}"}, options);
  }

  Cluster cluster_;
  SinkProcess sink_;
  std::vector<std::unique_ptr<Process>> workers_, submits_;
  std::uint64_t lines_ = 0, lives_ = 0, workers_killed_ = 0;
};

void run_rounds(Plan& plan, Durable& roles, bool workers_die) {
  const std::uint64_t rounds = number_from("SLUICE_CHAOS_ROUNDS", 10);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    Victims victims;
    victims.submit = plan.one_in(4);
    victims.ventilator = plan.one_in(2);
    victims.sink = plan.one_in(3);
    if (workers_die)
      for (std::size_t i = 0; i < kWorkers; ++i)
        if (plan.one_in(3)) victims.workers.push_back(i);
    if (victims.workers.empty() && !victims.sink) victims.ventilator = true;
    const milliseconds before = plan.between(0, 500), away = plan.between(0, 400);
    plan.add("load, after " + shown(before) + " " + victims.text() + " for " + shown(away),
             [=, &roles] {
               roles.submit(victims.submit);
               pass(before);
               roles.kill(victims, away);
             });
    if (plan.one_in(5)) plan.add("settle", [&roles] { roles.settle(); });
  }
  plan.add("settle", [&roles] { roles.settle(); });
  INFO(plan.text());
  plan.run();
  roles.check();
  roles.end();
}

}  // namespace

TEST_SUITE("chaos: journal") {
  // Case 10: "running tasks are kept, not re-run".
  TEST_CASE("ventilators and sinks are killed, and each task runs once and has one outcome") {
    const AloneAtTheEnd alone;
    Plan plan;
    Durable roles;
    run_rounds(plan, roles, false);
  }

  TEST_CASE("every role is killed, and each task has one outcome") {
    const AloneAtTheEnd alone;
    Plan plan;
    Durable roles;
    run_rounds(plan, roles, true);
  }
}

}  // namespace sluice::chaos
