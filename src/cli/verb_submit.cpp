// verb_submit.cpp: the options of `sluice submit`, and what fits together.
// SPDX-License-Identifier: MIT
#include "cli/verb_submit.hpp"

#include <filesystem>
#include <memory>
#include <system_error>

#include "cli/byte_size.hpp"
#include "cli/help_format.hpp"
#include "cli/submit_job.hpp"
#include "cli/task_source.hpp"
#include "sluice/command.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

constexpr const char* kFooter = R"(EXAMPLES
  sluice submit --access a.json -- gzip -k {} ::: a.log b.log
  sluice submit --access a.json --array 1-100:2 -- ./simulate --seed {}
  find . -name '*.png' | sluice submit --access a.json --key 'thumb-{}' -- ./thumbnail {}
  sluice submit --access a.json --retries 5 --timeout 10m 'curl -sf {} > {/}' < urls.txt
  sluice submit --access a.json --wait --output json -- ./thumbnail {} ::: *.png > outcomes.jsonl
  sluice submit --access a.json --key auto --bar --jsonl tasks.jsonl

Without ::: and --array, each line of standard input is the argument of one task. Placeholders
are those of `sluice run`. The command starts in this folder, unless --cwd names another.

A line of --jsonl is an object: {"type": "resize", "args": {"file": "a.jpg"}, "key": "a"}. `args` is
any value; the handler gets it as msgpack. For type "exec" it is the words of a command, or a
string for sh -c. Also: priority, max_attempts, delay_s, ttl_s, timeout_s (numbers). A line that
is no task ends the reading: it is named, what stands before it has been handed over, exit code 255.

The id of each task is printed once the ventilator has taken it; a task whose --key is known is
not taken again, and the first one's id is printed. With --wait the outcomes are printed instead, as
they come: what commands wrote, or with --output json the lines of an outcome file. A
task that is known by its key gives the first one's outcome.

--key auto makes the key of what the task is and of its place in the input. So the same command
with the same input, run again within ten minutes of its interruption, takes up where that one
ended: it loses nothing, and takes nothing twice. ^C ends the reading, waits some seconds for what
was handed over, and tells how to go on; again: it ends at once.

EXIT CODE  0 all were taken or known, or with --wait done; 1-100 so many were not; 101 more; 255
an error; 130 after ^C.)";

// A worker elsewhere starts in a folder of its own; the command means this one.
std::string folder(const CLI::Option& option, const std::string& given) {
  std::error_code error;
  const std::filesystem::path path = option.count() == 0 ? std::filesystem::current_path(error)
                                     : given.empty()     ? std::filesystem::path()
                                                         : std::filesystem::absolute(given, error);
  if (error)
    throw Error("this folder has no name (" + error.message() + "): name one with --cwd DIR");
  return path.lexically_normal().string();
}

// With --jsonl the tasks are all in the file.
void check_jsonl(const SubmissionOptions& options) {
  if (!options.command.empty() || !options.sources.empty() || !options.array.empty())
    throw Error("--jsonl takes its tasks from the file: leave the command, ::: and --array out");
  if (!options.key.empty() && options.key != kAutomaticKey)
    throw Error("with --jsonl a task's key stands in its line (\"key\"); --key can only be auto");
  if (options.null_separated)
    throw Error("with --jsonl lines end with a newline: leave --null out");
}

}  // namespace

void add_submit_options(CLI::App& verb, SubmitArguments& arguments) {
  SubmissionOptions& options = arguments.submission;
  verb.add_option("--access", arguments.access,
                  "The access file that the ventilator wrote (or SLUICE_ACCESS)")
      ->option_text("FILE");
  verb.add_option("--array", options.array, "A task for each number: 1-100:2, or 1,3,5-8")
      ->option_text("RANGE");
  verb.add_flag("-0,--null", options.null_separated, "Input lines end with NUL, not newline");
  verb.add_option("--key", options.key,
                  "Your own name for a task; of one name only the first is taken. "
                  "For several tasks with {} or {#} in it; auto: made of the task");
  add_duration(verb, "--timeout", options.timeout, "Limit of one execution; 0: none");
  verb.add_option("--retries", options.max_attempts,
                  "Executions that may fail before the task fails (default: the ventilator's)")
      ->check(CLI::Range(1U, 1'000'000U));
  verb.add_option("--priority", options.priority, "Higher goes first (default 0)");
  add_duration(verb, "--delay", options.delay, "Not before so long after it was taken");
  add_duration(verb, "--ttl", options.ttl, "Expires if not settled by then; 0: never");
  verb.add_option("--env", options.env, "A variable for the command; may be repeated")
      ->option_text("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb.add_option("--cwd,--workdir,--wd", options.cwd,
                  "Folder it starts in (default: this one; \"\": the worker's own)")
      ->option_text("DIR");
  add_bytes(verb, "--output-limit", options.output_limit,
            "Kept of stdout and of stderr each, at most 1400K; 0: the worker's limit")
      ->check(CLI::Validator(
          [](std::string& text) {
            return parse_byte_size(text) > kMostOutputLimit
                       ? std::string("can be 1400K at most: write larger outputs to files")
                       : std::string();
          },
          "", ""));
  verb.add_option(
          "--jsonl", arguments.jsonl,
          "Tasks of any type, a JSON object a line, instead of a command; -: standard input")
      ->option_text("FILE");
  verb.add_flag("--wait", arguments.wait, "Wait for the outcomes, and print them");
  verb.add_flag("--bar", arguments.bar, "Show progress on stderr");
  add_output(verb, arguments.output);
  add_duration(verb, "--connect-timeout", arguments.connect_timeout,
               "How long to try to reach the ventilator");
}

void add_submit_verb(CLI::App& program, const Invocation& invocation, Action& action) {
  CLI::App* const verb =
      program.add_subcommand("submit", "Give a running ventilator commands to have run");
  set_usage(*verb, "sluice submit --access FILE [options] [--] COMMAND [{}] [::: ARGUMENTS...]");
  verb->footer(kFooter);
  const auto arguments = std::make_shared<SubmitArguments>();
  add_submit_options(*verb, *arguments);
  verb->callback([arguments, verb, &invocation, &action] {
    action = [arguments, verb, &invocation] {
      SubmissionOptions& options = arguments->submission;
      options.command = invocation.command;
      options.sources = invocation.sources;
      options.cwd = folder(*verb->get_option("--cwd"), options.cwd);
      if (!arguments->jsonl.empty()) check_jsonl(options);
      return SubmitJob(*arguments).run();
    };
  });
}

}  // namespace sluice::cli
