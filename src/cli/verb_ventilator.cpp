// verb_ventilator.cpp: binds, tells where, waits to be asked to end, and drains.
// SPDX-License-Identifier: MIT
#include "cli/verb_ventilator.hpp"

#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "cli/access_path.hpp"
#include "cli/binding.hpp"
#include "cli/duration.hpp"
#include "cli/exit_code.hpp"
#include "cli/help_format.hpp"
#include "cli/option_values.hpp"
#include "cli/sink_watch.hpp"
#include "cli/stand_by.hpp"
#include "cli/stop_signals.hpp"
#include "net/endpoint.hpp"
#include "net/published_access.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kTick = milliseconds(500);
constexpr auto kSinkTick = milliseconds(1000);
constexpr auto kDrainTick = milliseconds(100);
constexpr auto kDrainReport = std::chrono::seconds(5);
constexpr int kExitUnsettled = 1;

constexpr const char* kFooter = R"(EXAMPLES
  sluice ventilator --access a.json --out outcomes.jsonl
      listens on this machine, on any free port; the access file says which
  sluice ventilator --bind 'tcp://*:5570' --advertise head --insecure \
                    --access /shared/a.json --out outcomes.jsonl
      for workers on other machines, in a network whose every user may run commands as you
  sluice ventilator --access a.json --sink tcp://10.0.0.5:5571 --sink tcp://10.0.0.6:5571
      with sinks that run elsewhere (sluice sink)

  sluice ventilator --access a.json --out outcomes.jsonl --journal DIR
      keeps tasks in DIR: after a crash the same line goes on where it was, and workers that
      live finish what they run. Without it tasks live as long as this process.

  sluice ventilator --standby --access a.json --journal DIR --bind 'tcp://*:5570' --insecure \
                    --sink tcp://10.0.0.5:5571
      the same line on two hosts that share DIR and a.json: one is active, the other takes over
      when it dies (docs/OPERATING.md)

SIGNALS  The first SIGTERM or SIGINT drains: no more tasks are taken, and it ends when all are
  settled or after --drain-timeout. The second one ends it at once.

EXIT CODE  0 ended with nothing left, or what is left is in its journal; 1 tasks were left
  unsettled, and are gone; 3 another one has taken its journal over; 255 an error.)";

std::uint16_t parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0)
    throw Error("--lane-ports takes a range like 20000-20999, of ports from 1 to 65535");
  return port;
}

void read_lane_ports(const std::string& text, VentilatorOptions& options) {
  const std::string_view range = text;
  const std::size_t dash = range.find('-');
  options.lane_port_first = parse_port(range.substr(0, dash));
  options.lane_port_last =
      dash == std::string_view::npos ? options.lane_port_first : parse_port(range.substr(dash + 1));
}

void read_grace(const std::string& text, VentilatorOptions& options) {
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos)
    throw Error("--grace takes two times with .. between them, as in 5ms..1s");
  options.grace_least = parse_milliseconds(text.substr(0, dots));
  options.grace_most = parse_milliseconds(text.substr(dots + 2));
  if (options.grace_least > options.grace_most)
    throw Error("--grace: the first time must not be longer than the second");
}

void read_sync(const std::string& text, VentilatorOptions& options) {
  if (options.journal.empty()) throw Error("--sync speaks of a journal: give --journal DIR, too");
  if (text == "always") return;
  if (text == "never") {
    options.journal_sync = VentilatorOptions::kNeverSync;
    return;
  }
  unsigned ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error != std::errc{} || end != text.data() + text.size() || ms == 0)
    throw Error("--sync takes always, never, or a number of milliseconds from 1");
  options.journal_sync = milliseconds(ms);
}

void add_limits(CLI::App& verb, VentilatorOptions& options, VentilatorArguments& arguments) {
  add_duration(verb, "--heartbeat", options.heartbeat,
               "A peer silent for 4 of these is suspect, for 12 lost; 250 ms to 30 s");
  verb.add_option("--max-attempts", options.max_attempts,
                  "Executions that may fail before a task fails (default 3)")
      ->check(CLI::PositiveNumber);
  verb.add_option("--max-losses", options.max_losses,
                  "Workers that may die running a task before it fails (default 3)")
      ->check(CLI::PositiveNumber);
  add_duration(verb, "--backoff", options.backoff,
               "Wait before the second attempt; it doubles from there");
  verb.add_option("--grace", arguments.grace,
                  "Bounds of the wait for a cut worker's running tasks (default 5ms..1s)")
      ->option_text("A..B");
  verb.add_option("--max-tasks", options.max_tasks,
                  "Unsettled tasks held (default 1000000, with a journal 100000000)")
      ->check(CLI::PositiveNumber);
  add_bytes(verb, "--max-bytes", options.max_bytes, "Bytes of unsettled tasks held");
  verb.add_option("--max-lanes", options.max_lanes,
                  "Workers with a lane of their own; more share (default 500)");
  verb.add_flag("--no-lanes", arguments.no_lanes, "All tasks go over the control connection");
  verb.add_option("--lane-ports", arguments.lane_ports,
                  "Ports that lanes listen on (default 20000-20999)")
      ->option_text("A-B");
}

// One ventilator from its start to its end.
class VentilatorRole {
 public:
  explicit VentilatorRole(VentilatorArguments arguments)
      : arguments_(std::move(arguments)), log_(arguments_.log) {}

  int run() {
    try {
      return run_to_end();
    } catch (const Superseded& superseded) {
      log_.warn(superseded.what());
      return kExitSuperseded;
    }
  }

 private:
  int run_to_end() {
    if (arguments_.standby) {
      (void)access_path_to_write(arguments_.access);
      warn_if_exposed(arguments_.ventilator.bind);
      auto turn = stand_by(arguments_.ventilator, signals_, log_);
      if (!turn) return kExitOk;
      arguments_.ventilator = std::move(*turn);
    }
    start();
    while (signals_.count() == 0) {
      signals_.wait(kTick);
      look();
    }
    const std::size_t left = drain();
    access_.reset();  // first: nobody new is to come
    ventilator_->stop();
    if (sink_) sink_->stop();
    log_.info(signals_.name() + (left == 0 ? ": ended, nothing is left" : ": ended"));
    const bool kept = left == 0 || !arguments_.ventilator.journal.empty();
    return kept ? kExitOk : kExitUnsettled;
  }

  void warn_if_exposed(const std::string& endpoint) const {
    const std::string warning = exposure_of_role(endpoint, arguments_.insecure);
    if (!warning.empty()) log_.warn(warning);
  }

  void start() {
    const std::string path = access_path_to_write(arguments_.access);
    VentilatorOptions& options = arguments_.ventilator;
    const bool takes_over = options.takeover != nullptr;
    if (!options.journal.empty() && !takes_over) take_last_addresses(path);
    warn_if_exposed(options.bind);
    if (options.sinks.empty() && !arguments_.sink_bind.empty())
      warn_if_exposed(arguments_.sink_bind);
    if (!takes_over) check_access_file(path);
    const bool own_sink = options.sinks.empty();
    if (own_sink) {
      sink_.emplace(arguments_.sink);
      options.sinks = {sink_->endpoint()};
    }
    ventilator_.emplace(options);
    options.takeover.reset();
    // Who has taken a journal over replaces the file of the one who had it.
    if (takes_over && !net::is_access_of(path, ventilator_->log())) check_access_file(path);
    access_.emplace(path, ventilator_->endpoint(), options.sinks, ventilator_->log(),
                    !options.journal.empty());
    log_.info("listening on " + ventilator_->endpoint() +
              "; start workers with: sluice worker --access " + path);
    for (const std::string& sink : options.sinks)
      log_.info("outcomes go to " + (own_sink ? arguments_.sink.file + " (" + sink + ")" : sink));
    if (own_sink && sink_->stats().known > 0)
      log_.info(arguments_.sink.file + " holds " + std::to_string(sink_->stats().known) +
                " outcomes already; new ones are appended");
    if (own_sink && !sink_->stats().opening_note.empty()) log_.warn(sink_->stats().opening_note);
    if (options.journal.empty())
      return log_.info("tasks are kept in memory: they live as long as this process");
    const std::size_t left = ventilator_->unsettled();
    log_.info("tasks are kept in " + options.journal + "; " +
              (left == 0 ? "there are none from before" : "going on with " + tasks(left)));
  }

  void check_access_file(const std::string& path) const {
    const std::string note = net::check_access_free(path);
    if (!note.empty()) log_.warn(note);
  }

  // Workers and clients wait where the last one was.
  void take_last_addresses(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return;
    const Access last = Access::read(path);
    if (!last.durable || last.host != Access::of_this_process().host) return;
    const auto same_port = [](std::string& bind, const std::string& before) {
      const net::Endpoint wanted = net::Endpoint::parse(bind), used = net::Endpoint::parse(before);
      if (wanted.transport == net::Endpoint::Transport::tcp && wanted.port == 0 &&
          used.transport == wanted.transport)
        bind = wanted.with_port(used.port).text();
    };
    same_port(arguments_.ventilator.bind, last.control);
    if (arguments_.ventilator.sinks.empty() && last.sinks.size() == 1)
      same_port(arguments_.sink.bind, last.sinks.front());
  }

  // What an operator wants to know without asking; throws what has broken.
  void look() {
    (void)ventilator_->wait_settled(milliseconds(0));
    if (!arguments_.ventilator.journal.empty() && access_)
      standby_watch_.look(*ventilator_, *access_);
    if (ventilator_->workers() != workers_) {
      workers_ = ventilator_->workers();
      log_.info(std::to_string(workers_) + (workers_ == 1 ? " worker" : " workers"));
    }
    if (!sink_) return look_at_sinks();
    sink_->check();
    const Sink::Stats stats = sink_->stats();
    const std::string& trouble = stats.trouble;
    if (trouble != trouble_ && !trouble.empty()) log_.warn("sink: " + trouble);
    if (trouble != trouble_ && trouble.empty()) log_.info("sink: outcomes are stored again");
    trouble_ = trouble;
    if (stats.refused_frames != refused_)
      log_.warn("sink: " + std::to_string(stats.refused_frames) +
                " frames refused so far: something else than a worker talks to its port");
    refused_ = stats.refused_frames;
  }

  void look_at_sinks() {
    const auto now = steady_clock::now();
    if (now - sinks_seen_ < kSinkTick) return;
    sinks_seen_ = now;
    sinks_.look(ventilator_->status_json(), now);
  }

  // Returns how many tasks are left.
  std::size_t drain() {
    ventilator_->drain();
    std::size_t left = ventilator_->unsettled();
    if (left > 0)
      log_.info(signals_.name() + ": draining, " + tasks(left) + " to settle within " +
                format_duration(arguments_.drain_timeout) + "; a second signal ends it at once");
    const auto start = steady_clock::now();
    auto reported = start;
    while (!ventilator_->wait_settled(milliseconds(0)) && signals_.count() < 2) {
      const auto now = steady_clock::now();
      if (now - start >= arguments_.drain_timeout) break;
      signals_.wait(kDrainTick);
      look();
      if (now - reported < kDrainReport) continue;
      reported = now;
      log_.info("draining, " + tasks(ventilator_->unsettled()) + " left, " +
                std::to_string(workers_) + " workers");
    }
    left = ventilator_->unsettled();
    if (left > 0)
      log_.warn(tasks(left) + " not settled: they " +
                (arguments_.ventilator.journal.empty() ? "end with this process"
                                                       : "stay in the journal"));
    return left;
  }

  static std::string tasks(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " task" : " tasks");
  }

  VentilatorArguments arguments_;
  StopSignals signals_;  // before all threads
  RoleLog log_;
  std::optional<Sink> sink_;
  std::optional<Ventilator> ventilator_;
  std::optional<net::PublishedAccess> access_;  // first to go
  std::size_t workers_ = 0;
  SinkWatch sinks_{[this](const std::string& text) { log_.warn(text); },
                   [this](const std::string& text) { log_.info(text); }};
  steady_clock::time_point sinks_seen_{};
  StandbyWatch standby_watch_{log_};
  std::string trouble_;
  std::uint64_t refused_ = 0;
};

}  // namespace

void add_ventilator_options(CLI::App& verb, VentilatorArguments& arguments) {
  VentilatorOptions& options = arguments.ventilator;
  verb.add_option("--bind", options.bind,
                  "Where to listen; port 0 or * takes any free one (default tcp://127.0.0.1:*)")
      ->option_text("ENDPOINT");
  verb.add_option("--access", arguments.access,
                  "The access file to write, for workers and clients (or SLUICE_ACCESS)")
      ->option_text("FILE");
  CLI::Option* const out =
      verb.add_option("--out", arguments.sink.file, "Outcomes, one JSON object a line, appended")
          ->option_text("FILE.jsonl");
  verb.add_option("--sink", options.sinks, "Sinks that run elsewhere, instead of --out")
      ->option_text("ENDPOINT ...")
      ->excludes(out);
  verb.add_option("--sink-bind", arguments.sink_bind,
                  "Where its own sink listens (default: same host, any free port)")
      ->option_text("ENDPOINT");
  verb.add_flag("--no-sync", arguments.no_sync, "Do not fsync outcomes before they count");
  verb.add_option("--advertise", options.advertise, "The host that others should use to reach it")
      ->option_text("HOST");
  verb.add_flag("--insecure", arguments.insecure,
                "Allow listening beyond this machine without keys");
  verb.add_option("--name", options.name, "Shown in status (default HOST-PID)");
  verb.add_option("--journal", options.journal,
                  "Keep tasks in this folder, so that they outlive this process")
      ->option_text("DIR");
  verb.add_flag("--standby", arguments.standby,
                "Share the journal with another ventilator: be active if nobody is, else wait and "
                "take over when the active one dies");
  add_duration(verb, "--failover-after", options.failover_after,
               "A standby takes over from an active one that is silent for so long (default 5s)");
  verb.add_option("--sync", arguments.sync,
                  "When the journal is safe from a power failure: always (before a submit is "
                  "confirmed), so many ms later (1 or more), never (default always)")
      ->option_text("always|MS|never");
  add_limits(verb, options, arguments);
  add_duration(verb, "--drain-timeout", arguments.drain_timeout,
               "How long the first signal waits for tasks to settle (default 1m; with a journal "
               "0s, for tasks stay there)");
  add_log_level(verb, arguments.log);
}

void complete(VentilatorArguments& arguments) {
  VentilatorOptions& options = arguments.ventilator;
  if (arguments.standby && options.journal.empty())
    throw Error("--standby waits for a journal: give --journal DIR, on storage that both share");
  if (arguments.standby && options.sinks.empty())
    throw Error(
        "--standby needs sinks that outlive the active ventilator: start sluice sink on another "
        "host, and give --sink ENDPOINT instead of --out");
  if (arguments.sink.file.empty() && options.sinks.empty())
    throw Error(
        "where shall outcomes go? give --out FILE.jsonl for a sink of its own, or name one that "
        "runs elsewhere with --sink ENDPOINT");
  for (const std::string& sink : options.sinks) net::Endpoint::parse(sink).require_connectable();
  if (!arguments.lane_ports.empty()) read_lane_ports(arguments.lane_ports, options);
  if (!arguments.grace.empty()) read_grace(arguments.grace, options);
  if (arguments.no_lanes) options.max_lanes = 0;
  if (arguments.drain_timeout.count() < 0)
    arguments.drain_timeout =
        options.journal.empty() ? std::chrono::minutes(1) : std::chrono::minutes(0);
  if (!arguments.sync.empty()) read_sync(arguments.sync, options);
  arguments.sink.bind =
      arguments.sink_bind.empty() ? sink_beside(options.bind) : arguments.sink_bind;
  arguments.sink.advertise = options.advertise;
  arguments.sink.name = options.name;
  arguments.sink.heartbeat = options.heartbeat;
  arguments.sink.max_frame = options.max_frame;
  arguments.sink.sync = !arguments.no_sync;
}

void add_ventilator_verb(CLI::App& program, Action& action) {
  CLI::App* const verb = program.add_subcommand(
      "ventilator", "Take tasks in and hand them to workers, as a long-lived process");
  set_usage(*verb, "sluice ventilator --access FILE --out FILE.jsonl [--bind ENDPOINT] [options]");
  verb->footer(kFooter);
  const auto arguments = std::make_shared<VentilatorArguments>();
  add_ventilator_options(*verb, *arguments);
  verb->callback([arguments, &action] {
    action = [arguments] {
      complete(*arguments);
      return VentilatorRole(std::move(*arguments)).run();
    };
  });
}

}  // namespace sluice::cli
