// verb_run.cpp: the options of `sluice run`.
// SPDX-License-Identifier: MIT
#include "cli/verb_run.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <sluice/command.hpp>
#include <sluice/error.hpp>

#include "cli/binding.hpp"
#include "cli/byte_size.hpp"
#include "cli/command_line.hpp"
#include "cli/duration.hpp"
#include "cli/exit_code.hpp"
#include "cli/help_format.hpp"
#include "cli/outcome_lines.hpp"
#include "cli/run_history.hpp"
#include "cli/run_job.hpp"
#include "cli/run_options.hpp"
#include "store/outcome_line.hpp"

namespace sluice::cli {
namespace {

constexpr const char* kFooter =
    R"(EXAMPLES
  A checksum of every file, eight at a time, in order:
    find . -type f | sluice run -j8 -k --bar -- sha256sum {}
  Every combination of two lists, by a shell, with a log:
    sluice run --joblog log 'gzip -{1} < {2} > {2}.{1}.gz' ::: 1 9 ::: a.txt b.txt
  Each input line is a command of its own:
    sluice run --timeout 1m --retries 3 < commands.txt
  With the help of other machines, which join by the access file:
    sluice run --access run.access --listen 0.0.0.0 --advertise head --insecure \
      -- render {} < frames

  Killed? The same line again runs only what is missing:
    sluice run --journal run.d --results out -- ./simulate --seed {} ::: 1 2 3 4

PLACEHOLDERS  {} argument  {.} without extension  {/} basename  {//} dirname
  {/.} basename without extension  {#} task number  {1} {2} {1/.} ... of several sources
  A command without any gets the argument at its end.

GOING ON  --journal DIR keeps what is done, synced to the disk. A command is known by its text, and
  among equal ones by its order; the input may grow or change. A command that was running
  when the run was killed, or had ended a moment before, is run again. Joblog, --results
  and --outcomes end as if nothing had happened. A pipe or a new file on stdout gets the
  outputs of what was done before, too; a terminal, and a file behind >>, only what it
  did not get. The exit code counts the failures of all starts. --resume and --resume-failed
  without --journal go by the joblog, as parallel does, but by command and not by number; a
  task that had ended and was not logged runs again, and may stand twice in --outcomes.

EXIT CODE  0 all done; 1-100 so many tasks failed; 101 more; 255 sluice's own error;
  with --halt now,fail=1 that of the failing task; 128+N ended by signal N.)";

// What the option parser fills in as text; parsed after it has seen all of it.
struct RawRun {
  std::string jobs = "100%", halt = "never", output = "text", output_limit = "1M";
  std::optional<std::string> timeout;
  RunOptions options;
};

std::uint32_t parse_jobs(const std::string& text) {
  const std::uint32_t cores = std::max(std::thread::hardware_concurrency(), 1U);
  const bool percent = !text.empty() && text.back() == '%';
  const std::string digits = percent ? text.substr(0, text.size() - 1) : text;
  const bool plain =
      !digits.empty() && digits.size() <= 6 &&
      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!plain)
    throw Error("--jobs takes a number or a percentage of the cores (8, 50%), not \"" + text +
                "\"");
  const auto number = static_cast<std::uint32_t>(std::stoul(digits));
  if (!percent) return number;
  return std::max<std::uint32_t>(number * cores / 100, 1);
}

std::string current_folder() {
  std::array<char, PATH_MAX> path{};
  if (::getcwd(path.data(), path.size()) == nullptr) return {};
  return path.data();
}

void check_resume(const RunOptions& options) {
  const bool resumes = options.resume || options.resume_failed;
  if (resumes && options.joblog.empty() && options.journal.empty())
    throw Error(std::string(options.resume_failed ? "--resume-failed" : "--resume") +
                " reads what was done from the joblog: give --joblog FILE, or use --journal DIR");
}

RunOptions finished(RawRun& raw, const Invocation& invocation) {
  RunOptions& options = raw.options;
  options.command = invocation.command;
  options.sources = invocation.sources;
  options.jobs = parse_jobs(raw.jobs);
  if (options.jobs == 0 && options.access.empty())
    throw Error("--jobs 0 runs nothing here: give --access FILE so that workers can join");
  if (options.jobs > 100'000) throw Error("--jobs can be 100000 at most");
  if (raw.timeout) {
    options.timeout = parse_duration(*raw.timeout);
    if (options.timeout < std::chrono::milliseconds(1))
      throw Error("--timeout must be at least 1 ms");
  }
  if (options.retries == 0)
    throw Error("--retries is how often a task is run at most: 1 or more, not 0");
  check_resume(options);
  options.halt = parse_halt(raw.halt);
  options.output_limit = parse_byte_size(raw.output_limit);
  if (options.output_limit > kMostOutputLimit)
    throw Error("--output-limit can be 1400K at most: let commands write larger outputs to files");
  if (raw.output == "json") options.output = RunOptions::Output::json;
  if (raw.output == "quiet") options.output = RunOptions::Output::quiet;
  // A worker elsewhere starts in a folder of its own; the commands mean this one.
  if (options.workdir.empty() && !options.access.empty()) options.workdir = current_folder();
  return std::move(options);
}

// What was done before, without touching anything.
std::optional<RunHistory> history_of(const RunOptions& options) {
  std::optional<RunHistory> history;
  if (!options.journal.empty()) {
    history.emplace();
    const OutcomeLines lines(outcomes_to_look_at(options.journal, identity_of(options)));
    lines.each([&](std::string_view line, std::uint64_t place) {
      const auto facts = store::read_outcome_line(line);
      const auto key = facts ? read_command_key(facts->key) : std::nullopt;
      if (key && facts->status != Status::cancelled)
        history->note(*key, facts->status != Status::done, place, true, true);
    });
  } else if (options.resume || options.resume_failed) {
    history.emplace().load_joblog(options.joblog);
  }
  return history;
}

int dry_run(const RunOptions& options) {
  const CommandLine command(options.command);
  std::optional<RunHistory> history = history_of(options);
  std::uint64_t skipped = 0;
  InputOptions input;
  input.null_separated = options.null_separated;
  Inputs inputs(options.sources, input);
  std::uint64_t number = 0;
  while (const auto record = inputs.next()) {
    const std::string text = command.text(*record, ++number);
    const DoneTable::Entry before =
        history ? history->next(text, number).entry : DoneTable::Entry{};
    if (before.done && !(before.failed && options.resume_failed))
      ++skipped;
    else
      std::cout << text << '\n';
  }
  std::cout.flush();
  if (skipped > 0) std::cerr << "sluice run: " << skipped << " would be skipped: done before\n";
  return std::cout ? kExitOk : kExitOwnError;
}

void add_options(CLI::App& verb, RawRun& raw) {
  RunOptions& options = raw.options;
  verb.add_option("-j,--jobs", raw.jobs,
                  "Tasks run here at once: a number, or a percentage of the cores (default 100%)")
      ->option_text("N|P%");
  verb.add_flag("-k,--keep-order", options.keep_order, "Print outputs in the order of the input");
  verb.add_flag("--tag", options.tag, "Begin each line of output with the argument and a tab");
  verb.add_flag("--bar", options.bar, "Show a progress bar on stderr");
  verb.add_flag("--eta", options.eta, "Show a line with the time left on stderr");
  verb.add_option("--timeout", raw.timeout,
                  "Kill a task after so long: 30, 1.5s, 2m, 1h 30m, HH:MM:SS")
      ->option_text("TIME");
  verb.add_option("--retries", options.retries, "Run a failing task up to N times (default 1)")
      ->option_text("N");
  verb.add_option("--halt", raw.halt,
                  "When to stop early: never, or now|soon,fail|success|done=N|N%")
      ->option_text("WHEN");
  verb.add_option("--joblog", options.joblog, "Write GNU parallel's nine columns to this file")
      ->option_text("FILE");
  verb.add_option("--outcomes", options.outcomes,
                  "Write a JSON object per task to this file, replacing it")
      ->option_text("FILE.jsonl");
  verb.add_option("--journal", options.journal,
                  "Keep in this folder what is done; the same line again goes on from there")
      ->option_text("DIR");
  verb.add_flag("--resume", options.resume, "Skip the commands that are in the --joblog");
  verb.add_flag("--resume-failed", options.resume_failed,
                "The same, but run those again that failed; also with --journal");
  verb.add_option("--results", options.results,
                  "Write each task's stdout, stderr and seq into folders named by its arguments")
      ->option_text("DIR");
  verb.add_flag("--dry-run", options.dry_run,
                "Print the commands that would be run, and run nothing");
  verb.add_flag("-0,--null", options.null_separated, "Input lines end with NUL, not newline");
  verb.add_option("--workdir,--wd", options.workdir, "Folder the commands start in")
      ->option_text("DIR");
  verb.add_option("--output-limit", raw.output_limit,
                  "Bytes kept of stdout and of stderr of a task (default 1M, at most 1400K)")
      ->option_text("SIZE");
  verb.add_option("--output", raw.output,
                  "text: what the tasks print; json: a summary instead; quiet: nothing")
      ->check(CLI::IsMember({"text", "json", "quiet"}))
      ->option_text("text|json|quiet");
  verb.add_option("--access", options.access, "Write an access file, so that workers may join")
      ->option_text("FILE");
  verb.add_option("--listen", options.listen, "Host to listen on (default 127.0.0.1)")
      ->option_text("HOST");
  verb.add_option("--advertise", options.advertise, "Host that others should use to reach it")
      ->option_text("HOST");
  verb.add_flag("--insecure", options.insecure, "Allow listening beyond this machine without keys");
}

}  // namespace

RunIdentity identity_of(const RunOptions& options) {
  RunIdentity identity;
  identity.command = options.command;
  std::error_code error;
  const auto here = std::filesystem::current_path(error);
  if (error) throw Error("cannot tell which folder this is: " + error.message());
  auto folder = (here / options.workdir).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  identity.folder = folder.string();
  return identity;
}

void add_run_verb(CLI::App& app, const Invocation& invocation, Action& action) {
  CLI::App* verb = app.add_subcommand(
      "run",
      "Run a command for each argument or input line, over slots here and workers that join");
  set_usage(*verb, "sluice run [OPTIONS] [--] COMMAND [{}] [::: ARGUMENTS...] [:::: FILES...]");
  verb->footer(kFooter);
  const auto raw = std::make_shared<RawRun>();
  add_options(*verb, *raw);
  verb->callback([raw, &invocation, &action] {
    action = [raw, &invocation] {
      RunOptions options = finished(*raw, invocation);
      if (options.dry_run) return dry_run(options);
      require_loopback_or_insecure("tcp://" + options.listen + ":*", options.insecure);
      return RunJob(std::move(options)).run();
    };
  });
}

}  // namespace sluice::cli
