// roles_chaos_test.cpp: every role but the ventilator is killed, and all are stopped, under load.
// SPDX-License-Identifier: MIT
//
// SLUICE_SEED repeats the decisions of a run; SLUICE_CHAOS_ROUNDS makes it longer.
#include <doctest/doctest.h>

#include <atomic>
#include <csignal>

#include "chaos/footprint.hpp"
#include "chaos/left_behind.hpp"
#include "chaos/plan.hpp"
#include "e2e/handler_cluster.hpp"
#include "e2e/sink_process.hpp"

namespace sluice::chaos {
namespace {

using namespace e2e;
using std::chrono::milliseconds;

constexpr int kStepsPerRound = 4, kTasksPerStep = 1000, kLinesPerStep = 25;
constexpr std::uint64_t kAwaitedEach = 10;  // of so many tasks the client awaits one's outcome
constexpr std::size_t kWorkers = 4, kCommandWorkers = 2;
// 16,000 tasks lie between the halves of eight rounds: less than 256 bytes for a task. (Each key is
// remembered for ten minutes.)
constexpr std::uint64_t kSpareKb = 4'000;

// All roles as processes, a client that never goes, and `sluice submit` runs that do.
class Roles {
 public:
  Roles()
      : sink_(folder_.file("outcomes.jsonl")),
        cluster_({"--sink", sink_.endpoint(), "--heartbeat", "250ms", "--max-losses", "1000"}),
        workers_(cluster_.handler_workers(kWorkers, 2)) {
    for (std::size_t i = 0; i < kCommandWorkers; ++i) commands_.push_back(command_worker());
  }

  void load(const std::vector<int>& us) {
    for (const int length : us) {
      if (++posted_ % kAwaitedEach == 0)
        await_task(std::to_string(length));
      else
        cluster_.submit_task("hold", std::to_string(length));
    }
  }
  /// Lines for `sluice submit`. It may be killed among them: then it is run again, with all.
  void submit_lines(bool killed) {
    std::string lines;
    for (int i = 0; i < kLinesPerStep; ++i) lines += "line-" + std::to_string(++lines_) + '\n';
    if (killed) {
      Process victim = start_submit(lines, true);
      (void)victim.prints("-");  // the first id, if it comes to that
      victim.signal(SIGKILL);
      CHECK(victim.wait(kHangs) == 128 + SIGKILL);
    }
    submits_.emplace_back(new Process(start_submit(lines, false)));
  }
  void kill_worker(std::size_t which) {
    workers_[which].kill();
    graves_.push_back(std::move(workers_[which]));
    workers_[which] = cluster_.handler_worker(2);
  }
  void end_command_worker(std::size_t which, int signal) {
    commands_[which]->signal(signal);
    if (signal == SIGKILL) CHECK(commands_[which]->wait(kHangs) == 128 + SIGKILL);
    command_graves_.push_back(std::move(commands_[which]));
    commands_[which] = command_worker();
  }
  // It has no way to go on without: it gives its tasks up, says so and ends.
  void kill_supervisor(std::size_t which) {
    const pid_t supervisor = child_of(commands_[which]->pid());
    REQUIRE(supervisor > 0);
    REQUIRE(::kill(supervisor, SIGKILL) == 0);
    CHECK(commands_[which]->wait(kHangs) == 255);
    command_graves_.push_back(std::move(commands_[which]));
    commands_[which] = command_worker();
  }
  void kill_sink(milliseconds away) {
    sink_.kill();
    pass(away);
    sink_.start_again();
  }
  void stop_and_go(const std::vector<std::size_t>& whom, milliseconds time) {
    for (const std::size_t who : whom) role(who).signal(SIGSTOP);
    pass(time);
    for (const std::size_t who : whom) role(who).signal(SIGCONT);
  }
  static constexpr std::size_t kRoles = 2 + kWorkers + kCommandWorkers;
  [[nodiscard]] static std::string name(std::size_t who) {
    if (who == 0) return "ventilator";
    if (who == 1) return "sink";
    return (who < 2 + kWorkers ? "worker " : "command worker ") + std::to_string(who - 2);
  }

  void settle() {
    for (auto& submit : submits_) CHECK(submit->wait(kHangs) == 0);
    submits_.clear();
    REQUIRE(cluster_.client().wait_confirmed(kHangs));
    const bool settled = cluster_.wait_settled();
    INFO(cluster_.ask_status().dump(2));
    REQUIRE(settled);
    REQUIRE(cluster_.wait_workers(kWorkers + kCommandWorkers));
    const bool answered = eventually([this] { return cluster_.client().awaited() == 0; }, kHangs);
    CHECK(answered);
    CHECK(answers_ == posted_ / kAwaitedEach);
    CHECK(wrong_answers_ == 0);
    REQUIRE(eventually([this] { return sockets_are_back(); }, kHangs));
    ventilator_.sample(cluster_.ventilator->pid());
    sinks_.sample(sink_.process().pid());
    survivor_.sample(workers_.front().process().pid());
  }
  void check_outcomes() {
    const std::uint64_t accepted = cluster_.number("counters", "submitted");
    CHECK(accepted == posted_ + lines_);  // nothing lost, nothing doubled on the way in
    std::vector<json> outcomes;
    for (const std::string& line : folder_.lines("outcomes.jsonl"))
      outcomes.push_back(json::parse(line));
    CHECK(flaws(outcomes, accepted) == "");
    const json counters = cluster_.ask_status().at("counters");
    tell(std::to_string(accepted) + " tasks, " + counters.at("redelivered").dump() +
         " redelivered, " + counters.at("workers_lost").dump() + " workers lost, " +
         counters.at("duplicates").dump() + " submits known already");
  }
  void check_growth() {
    for (const Growth* const growth : {&ventilator_, &sinks_, &survivor_}) {
      CHECK(growth->complaint(kSpareKb) == "");
      tell(growth->text());
    }
  }
  void end() {
    CHECK(cluster_.end() == 0);
    for (HandlerWorker& worker : workers_) see_off(worker.process());
    for (auto& worker : commands_) see_off(*worker);
    for (auto& worker : command_graves_) CHECK(worker->wait(kHangs).has_value());
    sink_.process().signal(SIGTERM);
    CHECK(sink_.process().wait(kHangs) == 0);
    CHECK_FALSE(cluster_.dir.has("access.json"));
    const bool alone = nobody_is_left();
    INFO("left behind:", who_is_left());
    CHECK(alone);
  }

 private:
  void await_task(const std::string& payload) {
    Task task;
    task.type = "hold";
    const auto* const bytes = reinterpret_cast<const std::byte*>(payload.data());
    task.payload.assign(bytes, bytes + payload.size());
    cluster_.client().submit(task, [this](const Outcome& outcome) {
      ++answers_;
      if (outcome.status != Status::done) ++wrong_answers_;
    });
  }
  Process& role(std::size_t who) {
    if (who == 0) return *cluster_.ventilator;
    if (who == 1) return sink_.process();
    if (who < 2 + kWorkers) return workers_[who - 2].process();
    return *commands_[who - 2 - kWorkers];
  }
  std::unique_ptr<Process> command_worker() {
    return std::unique_ptr<Process>(
        new Process(cluster_.start({"worker", "-j", "2", "--connect-timeout", "0"})));
  }
  Process start_submit(const std::string& lines, bool open) {
    ProcessOptions options;
    options.input = lines;
    options.keep_input = open;
    return cluster_.start({"submit", "--key", "auto", "--", "sh", "-c", "sleep 0.02", "{}"},
                          options);
  }
  // A session that went takes its descriptors along, once libzmq has noticed.
  bool sockets_are_back() {
    const Footprint now = footprint(cluster_.ventilator->pid());
    if (quiet_descriptors_ == 0) quiet_descriptors_ = now.descriptors;
    return now.descriptors <= quiet_descriptors_;
  }

  std::atomic<std::uint64_t> answers_ = 0, wrong_answers_ = 0;  // outlive the client
  const TempFolder folder_;
  SinkProcess sink_;
  HandlerCluster cluster_;
  std::vector<HandlerWorker> workers_, graves_;
  std::vector<std::unique_ptr<Process>> commands_, command_graves_, submits_;
  std::uint64_t posted_ = 0, lines_ = 0;
  std::size_t quiet_descriptors_ = 0;
  Growth ventilator_{"ventilator"}, sinks_{"sink"}, survivor_{"a worker that is only stopped"};
};

// Worker 0 is never killed: its growth is looked at.
void draw_step(Plan& plan, Roles& roles) {
  std::vector<int> lengths;
  for (int i = 0; i < kTasksPerStep; ++i)
    lengths.push_back(static_cast<int>(plan.one_in(50) ? 15'000 : plan.below(1000)));
  const bool submit_dies = plan.one_in(3);
  plan.add("load" + std::string(submit_dies ? ", kill a submit" : ""), [=, &roles] {
    roles.load(lengths);
    roles.submit_lines(submit_dies);
  });
  const milliseconds away = plan.between(0, 1000);
  const std::size_t victim = 1 + plan.below(kWorkers - 1), other = plan.below(kCommandWorkers);
  switch (plan.below(8)) {
    case 0:
      plan.add("kill worker " + std::to_string(victim), [=, &roles] { roles.kill_worker(victim); });
      break;
    case 1:
      plan.add("kill all workers but one", [&roles] {
        for (std::size_t i = 1; i < kWorkers; ++i) roles.kill_worker(i);
      });
      break;
    case 2: {
      const int signal = plan.one_in(2) ? SIGKILL : SIGTERM;
      plan.add("signal " + std::to_string(signal) + " to command worker " + std::to_string(other),
               [=, &roles] { roles.end_command_worker(other, signal); });
      break;
    }
    case 3:
      plan.add("kill the sink for " + shown(away), [=, &roles] { roles.kill_sink(away); });
      break;
    case 4:
      plan.add("kill the supervisor of command worker " + std::to_string(other),
               [=, &roles] { roles.kill_supervisor(other); });
      break;
    default: {  // D is 1 s here, R 3 s: some notice, some do not
      const std::size_t first = plan.below(Roles::kRoles), second = plan.below(Roles::kRoles);
      const milliseconds time = plan.between(50, plan.one_in(3) ? 4500 : 1500);
      plan.add("stop " + Roles::name(first) + " and " + Roles::name(second) + " for " + shown(time),
               [=, &roles] { roles.stop_and_go({first, second}, time); });
    }
  }
  const milliseconds calm = plan.between(0, 800);
  plan.add("go on for " + shown(calm), [=] { pass(calm); });
}

}  // namespace

TEST_SUITE("chaos: roles") {
  TEST_CASE("whatever is killed or stopped, each accepted task has one outcome in the end") {
    become_reaper();
    const std::uint64_t rounds = number_from("SLUICE_CHAOS_ROUNDS", 8);
    Plan plan;
    Roles roles;
    for (std::uint64_t round = 0; round < rounds; ++round) {
      for (int step = 0; step < kStepsPerRound; ++step) draw_step(plan, roles);
      plan.add("settle", [&roles] { roles.settle(); });
    }
    INFO(plan.text());
    plan.run();
    roles.check_outcomes();
    roles.check_growth();
    roles.end();
  }
}

}  // namespace sluice::chaos
