// verb_sink.cpp: binds, tells where, and stores until it is asked to end.
// SPDX-License-Identifier: MIT
#include "cli/verb_sink.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "cli/binding.hpp"
#include "cli/exit_code.hpp"
#include "cli/help_format.hpp"
#include "cli/option_values.hpp"
#include "cli/ordered_output.hpp"
#include "cli/stop_signals.hpp"

namespace sluice::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kTick = std::chrono::milliseconds(500);
constexpr auto kReadingTick = std::chrono::seconds(5);
constexpr auto kRefusedTick = std::chrono::minutes(1);
constexpr std::uint64_t kLargeFile = std::uint64_t{64} << 20;

constexpr const char* kFooter = R"(EXAMPLE
  sluice sink --bind tcp://127.0.0.1:5571 --out outcomes.jsonl
  sluice ventilator --access a.json --sink tcp://127.0.0.1:5571

Its endpoint is printed on stdout, in a line of its own, once it listens. An outcome is on disk
before it is confirmed; until then its worker keeps it, so a sink may end and start again.

EXIT CODE  0 ended by a signal; 255 an error, such as a disk that cannot be written.)";

// A file of many GiB takes its time: a sink that says nothing meanwhile looks dead.
void tell_reading(SinkArguments& arguments, const RoleLog& log) {
  arguments.sink.on_read_back = [&log, told = Clock::now(), file = arguments.sink.file](
                                    std::uint64_t read, std::uint64_t size) mutable {
    if (Clock::now() - told < kReadingTick || size == 0) return;
    told = Clock::now();
    log.info("reading " + file + ": " + std::to_string(read * 100 / size) + " % of " +
             std::to_string(size >> 20) + " MiB");
  };
}

void tell_opening(const SinkArguments& arguments, const Sink& sink, const RoleLog& log) {
  const Sink::Stats stats = sink.stats();
  log.info("outcomes go to " + arguments.sink.file + ", which holds " +
           std::to_string(stats.known) +
           (stats.known_by_checkpoint == 0
                ? ""
                : ", of them " + std::to_string(stats.known_by_checkpoint) + " by its checkpoint"));
  if (!stats.opening_note.empty()) log.warn(stats.opening_note);
  std::error_code unknown;
  if (arguments.sink.checkpoint && stats.known_by_checkpoint == 0 && stats.opening_note.empty() &&
      std::filesystem::file_size(arguments.sink.file, unknown) > kLargeFile && !unknown)
    log.info("there was no checkpoint beside it, so it was read whole");
}

// What changes while a sink runs is logged once; refused frames, which a stranger can send as
// fast as he likes, once a minute at most.
class Watchful {
 public:
  explicit Watchful(const RoleLog& log) : log_(log) {}
  void look(const Sink::Stats& stats) {
    if (stats.trouble != trouble_)
      log_.warn(stats.trouble.empty() ? "outcomes are stored again" : stats.trouble);
    trouble_ = stats.trouble;
    if (stats.checkpoint_trouble != checkpoint_trouble_ && !stats.checkpoint_trouble.empty())
      log_.warn(stats.checkpoint_trouble);
    checkpoint_trouble_ = stats.checkpoint_trouble;
    if (stats.producers != producers_)
      log_.detail(std::to_string(stats.producers) + " workers and ventilators connected");
    producers_ = stats.producers;
    if (stats.checkpoints != checkpoints_) log_.detail("a checkpoint of the file was written");
    checkpoints_ = stats.checkpoints;
    const auto now = Clock::now();
    if (stats.refused_frames == refused_ || now < refused_next_) return;
    log_.warn(std::to_string(stats.refused_frames) +
              " frames refused so far: something else than a worker talks to this port");
    refused_ = stats.refused_frames;
    refused_next_ = now + kRefusedTick;
  }

 private:
  const RoleLog& log_;
  std::string trouble_, checkpoint_trouble_;
  std::uint64_t producers_ = 0, checkpoints_ = 0, refused_ = 0;
  Clock::time_point refused_next_{};
};

int run(SinkArguments& arguments) {
  StopSignals signals;  // before all threads
  const RoleLog log(arguments.log);
  const std::string warning = exposure_of_role(arguments.sink.bind, arguments.insecure);
  if (!warning.empty()) log.warn(warning);
  arguments.sink.sync = !arguments.no_sync;
  arguments.sink.checkpoint = !arguments.no_checkpoint;
  tell_reading(arguments, log);
  Sink sink(arguments.sink);
  log.info("listening on " + sink.endpoint() +
           "; name it to a ventilator with: sluice ventilator --sink " + sink.endpoint());
  tell_opening(arguments, sink, log);
  (void)write_all(1, sink.endpoint() + "\n");  // nobody reading is no reason to stop
  Watchful watchful(log);
  while (!signals.wait(kTick)) {
    sink.check();
    watchful.look(sink.stats());
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
  verb.add_flag("--no-checkpoint", arguments.no_checkpoint,
                "No FILE.checkpoint beside a large file: read it whole at each start");
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
