// verb_worker.cpp: finds the ventilator, works, and drains when asked to end.
// SPDX-License-Identifier: MIT
#include "cli/verb_worker.hpp"

#include <unistd.h>

#include <cstdlib>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include "cli/duration.hpp"
#include "cli/exit_code.hpp"
#include "cli/help_format.hpp"
#include "cli/option_values.hpp"
#include "cli/stop_signals.hpp"
#include "net/address_list.hpp"
#include "sluice/access.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kTick = milliseconds(200);
constexpr auto kStartTick = milliseconds(20);
constexpr auto kStopTime = std::chrono::seconds(10);
constexpr int kExitGaveUp = 1;

constexpr const char* kFooter = R"(EXAMPLES
  sluice worker --access a.json              as many tasks at once as there are cores
  sluice worker --access a.json -j 16 --prefetch 1
      16 at once, and none waits here while another worker could run it
  srun sluice worker --access /shared/a.json     one on each node of a job

The worker needs no port of its own: it connects to the ventilator and to its sinks.

SIGNALS  The first SIGTERM or SIGINT drains: what has not started is given back, what runs is
  finished, within --drain-timeout. The second one ends it at once; its tasks run elsewhere.

EXIT CODE  0 drained clean, or the ventilator ended; 1 tasks or outcomes were given up;
  255 an error.)";

// One worker from its start to its end.
class WorkerRole {
 public:
  explicit WorkerRole(const WorkerArguments& arguments)
      : arguments_(arguments),
        log_(arguments.log),
        path_(arguments.connect.empty() ? Access::find(arguments.access) : "") {}

  int run() {
    WorkerOptions options = arguments_.worker;
    // Without --stay it does not wait for ever for a ventilator that was killed.
    if (!arguments_.stay) options.access_file = path_;
    worker_.emplace(options);  // first: it forks
    std::string where;
    for (const std::string& one : arguments_.connect) where += (where.empty() ? "" : ",") + one;
    std::optional<Access> access;
    if (where.empty()) {
      access = find_access();
      if (!access) {
        log_.info(signals_.name() + ": ended before there was an access file");
        return kExitOk;
      }
      where = net::addresses_of(*access);
    }
    connect(where, access);
    const Worker::Stats stats = worker_->stats();
    log_.info("connected to " + (access ? access->control : where) + ", " +
              (stats.push_lane ? "with a lane" : "tasks come over the control connection"));
    connected_ = true;
    work();
    return report();
  }

 private:
  // Waits a while for a file that is not there yet: in a batch job, all start at once.
  std::optional<Access> find_access() {
    const milliseconds patience = arguments_.worker.connect_timeout;
    const auto start = steady_clock::now();
    bool told = false;
    while (::access(path_.c_str(), F_OK) != 0) {
      const bool over = patience.count() > 0 && steady_clock::now() - start >= patience;
      if (over) break;  // load() says it best
      if (!told) log_.info("waiting for the access file " + path_);
      told = true;
      if (signals_.wait(kTick)) return std::nullopt;
    }
    Access access = Access::load(path_);
    for (const std::string& warning : access.warnings) log_.warn(warning);
    return access;
  }

  // start() waits by itself, so it has a thread of its own, and this one listens for signals.
  // Whoever asks it to end now need not wait: it holds no task yet, and the supervisor process
  // ends with this one.
  void connect(const std::string& where, const std::optional<Access>& access) {
    std::promise<void> started;
    std::future<void> result = started.get_future();
    std::thread starter([&] {
      try {
        worker_->start(where);
        started.set_value();
      } catch (...) {
        started.set_exception(std::current_exception());
      }
    });
    while (result.wait_for(milliseconds(0)) != std::future_status::ready) {
      if (!signals_.wait(kStartTick)) continue;
      log_.info(signals_.name() + ": ended before it was connected");
      std::_Exit(kExitOk);
    }
    starter.join();
    try {
      result.get();
    } catch (const Error& error) {
      if (!access) throw;
      throw Error(std::string(error.what()) + " (the address is from the access file " + path_ +
                  ", written " + access->age() + " ago by process " + std::to_string(access->pid) +
                  " on " + access->host + ")");
    }
  }

  void work() {
    int obeyed = 0;
    while (!worker_->wait_ended(milliseconds(0))) {
      if (signals_.count() > obeyed) {
        obeyed = signals_.count();
        if (obeyed > 1) return stop();
        log_.info(signals_.name() + ": draining, " + std::to_string(worker_->stats().running) +
                  " running, for " + format_duration(arguments_.drain_timeout) +
                  " at most; a second signal ends it at once");
        worker_->drain(arguments_.drain_timeout);
      }
      signals_.wait(kTick);
      if (worker_->wait_ended(milliseconds(0))) return;
      tell_connection();
    }
  }

  void stop() {
    log_.info(signals_.name() + ": ending at once");
    stopped_ = worker_->stats().running + worker_->stats().unconfirmed > 0;
    worker_->stop();
    (void)worker_->wait_ended(kStopTime);
  }

  void tell_connection() {
    const bool connected = worker_->stats().connected;
    if (connected == connected_) return;
    connected_ = connected;
    if (connected) {
      log_.info("connected again");
    } else if (signals_.count() == 0) {
      log_.warn("the connection to the ventilator is lost; trying again");
    }
  }

  int report() const {
    const Worker::Stats stats = worker_->stats();
    const bool clean = stats.ended_clean && !stopped_ && stats.given_up == 0;
    const std::string why = signals_.count() > 0 ? signals_.name() : "the ventilator has ended";
    std::string text = why + ": " + std::to_string(stats.done) + " executions done, " +
                       std::to_string(stats.failed) + " failed, " + std::to_string(stats.returned) +
                       " tasks given back";
    if (stats.given_up > 0)
      text += ", " + std::to_string(stats.given_up) +
              " outcomes dropped that the sinks of a former ventilator never took";
    if (clean)
      log_.info(text);
    else if (stats.ended_clean && !stopped_)
      log_.warn(text);
    else
      log_.warn(text + "; what was unfinished runs elsewhere");
    return clean ? kExitOk : kExitGaveUp;
  }

  const WorkerArguments& arguments_;
  StopSignals signals_;  // before all threads
  RoleLog log_;
  std::string path_;
  std::optional<Worker> worker_;
  bool connected_ = false;
  bool stopped_ = false;
};

}  // namespace

WorkerArguments::WorkerArguments() {
  worker.run_commands = true;
  worker.connect_timeout = milliseconds(5000);
}

void add_worker_options(CLI::App& verb, WorkerArguments& arguments) {
  WorkerOptions& options = arguments.worker;
  verb.add_option("--access", arguments.access,
                  "The access file that the ventilator wrote (or SLUICE_ACCESS)")
      ->option_text("FILE");
  verb.add_option("--connect", arguments.connect,
                  "Addresses instead: of the ventilator, and of those that stand by")
      ->option_text("ENDPOINT ...")
      ->delimiter(',');
  verb.add_option("-j,--jobs", options.slots, "Tasks run at once (default: as many as cores)")
      ->check(CLI::Range(0U, 100'000U));
  verb.add_option("--prefetch", options.prefetch,
                  "Tasks held per slot, the running one included; 1: strictly one at a time "
                  "(default: tunes itself)");
  verb.add_option("--name", options.name, "Shown in status and outcomes (default HOST-PID)");
  verb.add_flag("--no-lane", arguments.no_lane, "Take tasks over the control connection");
  add_duration(verb, "--connect-timeout", options.connect_timeout,
               "How long to try to reach the ventilator at first; 0: for ever");
  add_bytes(verb, "--output-limit", options.output_limit,
            "Kept of stdout and of stderr of a task each");
  add_duration(verb, "--kill-grace", options.kill_grace,
               "From TERM to KILL after a timeout or a cancel");
  verb.add_flag("--stay", arguments.stay,
                "Outlive the ventilator, and wait for another at its address");
  add_duration(verb, "--drain-timeout", arguments.drain_timeout,
               "How long the first signal waits for running tasks");
  add_log_level(verb, arguments.log);
}

void complete(WorkerArguments& arguments) {
  arguments.worker.push_lane = !arguments.no_lane;
  arguments.worker.end_with_ventilator = !arguments.stay;
}

void add_worker_verb(CLI::App& program, Action& action) {
  CLI::App* const verb =
      program.add_subcommand("worker", "Run a ventilator's tasks here, as a long-lived process");
  set_usage(*verb, "sluice worker --access FILE [-j N] [options]");
  verb->footer(kFooter);
  const auto arguments = std::make_shared<WorkerArguments>();
  add_worker_options(*verb, *arguments);
  verb->callback([arguments, &action] {
    action = [arguments] {
      complete(*arguments);
      return WorkerRole(*arguments).run();
    };
  });
}

}  // namespace sluice::cli
