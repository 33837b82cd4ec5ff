// verb_sink.cpp: binds, tells where, and stores until it is asked to end.
// SPDX-License-Identifier: MIT
#include "cli/verb_sink.hpp"

#include <memory>
#include <string>

#include "cli/binding.hpp"
#include "cli/exit_code.hpp"
#include "cli/help_format.hpp"
#include "cli/option_values.hpp"
#include "cli/ordered_output.hpp"
#include "cli/stop_signals.hpp"

namespace sluice::cli {
namespace {

constexpr auto kTick = std::chrono::milliseconds(500);

constexpr const char* kFooter = R"(EXAMPLE
  sluice sink --bind tcp://127.0.0.1:5571 --out outcomes.jsonl
  sluice ventilator --access a.json --sink tcp://127.0.0.1:5571

Its endpoint is printed on stdout, in a line of its own, once it listens. An outcome is on disk
before it is confirmed; until then its worker keeps it, so a sink may end and start again.

EXIT CODE  0 ended by a signal; 255 an error, such as a disk that cannot be written.)";

int run(SinkArguments& arguments) {
  StopSignals signals;  // before all threads
  const RoleLog log(arguments.log);
  const std::string warning = exposure_of_role(arguments.sink.bind, arguments.insecure);
  if (!warning.empty()) log.warn(warning);
  arguments.sink.sync = !arguments.no_sync;
  Sink sink(arguments.sink);
  log.info("listening on " + sink.endpoint() +
           "; name it to a ventilator with: sluice ventilator --sink " + sink.endpoint());
  log.info("outcomes go to " + arguments.sink.file + ", which holds " +
           std::to_string(sink.stats().known));
  if (!sink.stats().opening_note.empty()) log.warn(sink.stats().opening_note);
  (void)write_all(1, sink.endpoint() + "\n");  // nobody reading is no reason to stop
  std::string trouble;
  std::uint64_t producers = 0, refused = 0;
  while (!signals.wait(kTick)) {
    sink.check();
    const Sink::Stats stats = sink.stats();
    if (stats.trouble != trouble)
      log.warn(stats.trouble.empty() ? "outcomes are stored again" : stats.trouble);
    trouble = stats.trouble;
    if (stats.producers != producers)
      log.detail(std::to_string(stats.producers) + " workers and ventilators connected");
    producers = stats.producers;
    if (stats.refused_frames != refused)
      log.warn(std::to_string(stats.refused_frames) +
               " frames refused so far: something else than a worker talks to this port");
    refused = stats.refused_frames;
  }
  sink.stop();
  sink.check();
  const Sink::Stats stats = sink.stats();
  log.info(signals.name() + ": ended, " + std::to_string(stats.stored) + " outcomes stored, " +
           std::to_string(stats.duplicates) + " were duplicates");
  return kExitOk;
}

}  // namespace

void add_sink_options(CLI::App& verb, SinkArguments& arguments) {
  SinkOptions& options = arguments.sink;
  verb.add_option("--bind", options.bind,
                  "Where to listen; port 0 or * takes any free one (default tcp://127.0.0.1:*)")
      ->option_text("ENDPOINT");
  verb.add_option("--out", options.file, "Outcomes, one JSON object a line, appended")
      ->option_text("FILE.jsonl")
      ->required();
  verb.add_option("--advertise", options.advertise, "The host that others should use to reach it")
      ->option_text("HOST");
  verb.add_flag("--insecure", arguments.insecure,
                "Allow listening beyond this machine without keys");
  verb.add_option("--name", options.name, "Shown to workers (default HOST-PID)");
  add_duration(verb, "--heartbeat", options.heartbeat, "Producers follow it; 250 ms to 30 s");
  verb.add_flag("--no-sync", arguments.no_sync, "Do not fsync outcomes before they count");
  add_log_level(verb, arguments.log);
}

void add_sink_verb(CLI::App& program, Action& action) {
  CLI::App* const verb =
      program.add_subcommand("sink", "Store outcomes in a file, as a long-lived process");
  set_usage(*verb, "sluice sink --out FILE.jsonl [--bind ENDPOINT] [options]");
  verb->footer(kFooter);
  const auto arguments = std::make_shared<SinkArguments>();
  add_sink_options(*verb, *arguments);
  verb->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace sluice::cli
