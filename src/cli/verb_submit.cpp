// verb_submit.cpp: hands tasks over and waits until each is confirmed.
// SPDX-License-Identifier: MIT
#include "cli/verb_submit.hpp"

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "cli/byte_size.hpp"
#include "cli/confirmation_printer.hpp"
#include "cli/exit_code.hpp"
#include "cli/help_format.hpp"
#include "cli/terminal.hpp"
#include "sluice/access.hpp"
#include "sluice/client.hpp"
#include "sluice/command.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Waiting is done here rather than in Client::post(), so that it can be told and ended.
constexpr std::uint64_t kWindow = 32'768;
constexpr auto kRoomTick = milliseconds(10);
constexpr auto kConfirmTick = milliseconds(200);
constexpr auto kAskAfter = std::chrono::seconds(2);
constexpr auto kAnswerTime = milliseconds(2000);

constexpr const char* kFooter = R"(EXAMPLES
  sluice submit --access a.json -- gzip -k {} ::: a.log b.log
  sluice submit --access a.json --array 1-100:2 -- ./simulate --seed {}
  find . -name '*.png' | sluice submit --access a.json --key 'thumb-{}' -- ./thumbnail {}
  sluice submit --access a.json --retries 5 --timeout 10m 'curl -sf {} > {/}' < urls.txt

Without ::: and --array, each line of standard input is the argument of one task. Placeholders
are those of `sluice run`. The command starts in this folder, unless --cwd names another.

The id of each task is printed once the ventilator has taken it; a task whose --key is known is
not taken again, and the first one's id is printed.

EXIT CODE  0 all were taken or known; 1-100 so many were refused; 101 more; 255 an error.)";

class Submitting {
 public:
  explicit Submitting(const SubmitArguments& arguments)
      : arguments_(arguments),
        submission_(arguments.submission),
        access_(load()),
        printer_(arguments.output),
        client_(client_options(), [this](const Confirmation& c) { printer_.add(c); }) {}

  int run() {
    const bool from_terminal = arguments_.submission.sources.empty() &&
                               arguments_.submission.array.empty() && is_terminal(0);
    if (from_terminal)
      std::cerr << "sluice submit: reading arguments from the terminal, one a line; end with ^D\n";
    while (const auto task = submission_.next()) {
      wait_for_room();
      (void)client_.post(*task);
    }
    wait_until([this] { return client_.wait_confirmed(kConfirmTick); });
    const ConfirmationPrinter::Counts counts = printer_.finish();
    if (submission_.given() == 0)
      std::cerr << "sluice submit: the input was empty, so there was no task to submit\n";
    else if (arguments_.output == OutputMode::text)
      std::cerr << summary(counts) << '\n';
    return exit_code_for_failures(counts.refused);
  }

 private:
  Access load() {
    path_ = Access::find(arguments_.access);
    Access access = Access::load(path_);
    for (const std::string& warning : access.warnings)
      std::cerr << "sluice submit: warning: " << warning << '\n';
    return access;
  }

  [[nodiscard]] ClientOptions client_options() const {
    ClientOptions options;
    options.connect = access_.control;
    options.access_file = path_;
    options.connect_timeout = arguments_.connect_timeout;
    options.max_unconfirmed = kWindow * 2;
    options.max_unconfirmed_bytes = std::uint64_t{1} << 30;
    return options;
  }

  void wait_for_room() {
    printer_.wait_for_room();
    wait_until(
        [this] { return client_.unconfirmed() < kWindow || client_.wait_confirmed(kRoomTick); });
  }

  // A full ventilator may rightly take none for hours, so this has no deadline; but it says what
  // it waits for, and ends when nothing can come of it.
  template <typename Condition>
  void wait_until(Condition condition) {
    auto moved = steady_clock::now();
    std::uint64_t left = 0;
    while (!condition()) {
      const std::uint64_t now_left = client_.unconfirmed();
      const auto now = steady_clock::now();
      if (now_left != left) moved = now;
      left = now_left;
      if (now - moved < kAskAfter) continue;
      const std::string why = why_it_waits(left);
      if (why != told_)
        std::cerr << "sluice submit: waiting for " << left << " tasks to be taken: " << why << '\n';
      told_ = why;
      moved = steady_clock::now();
    }
  }

  // Throws if it waits for nothing.
  std::string why_it_waits(std::uint64_t left) {
    nlohmann::json status;
    try {
      status = nlohmann::json::parse(client_.query("status", {}, kAnswerTime), nullptr, false);
    } catch (const Error&) {
      if (access_.process_is_gone())
        throw Error("the ventilator has died; of " + std::to_string(submission_.given()) +
                    " tasks it did not confirm " + std::to_string(left));
      return "the ventilator cannot be reached";
    }
    if (status.value("draining", false))
      throw Error("the ventilator is draining and takes no more tasks; of " +
                  std::to_string(submission_.given()) + " it did not take " + std::to_string(left) +
                  ": submit to another one");
    return "the ventilator is full, until workers have settled some";
  }

  static std::string summary(const ConfirmationPrinter::Counts& counts) {
    std::string text = "sluice submit: " + std::to_string(counts.taken) +
                       (counts.taken == 1 ? " task taken" : " tasks taken");
    if (counts.known > 0)
      text += ", " + std::to_string(counts.known) + " known already by their keys";
    if (counts.refused > 0) text += ", " + std::to_string(counts.refused) + " refused";
    return text;
  }

  const SubmitArguments& arguments_;
  Submission submission_;
  std::string path_;
  std::string told_;
  Access access_;
  ConfirmationPrinter printer_;  // outlives the client, which calls it
  Client client_;
};

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
                  "For several tasks with {} or {#} in it");
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
      return Submitting(*arguments).run();
    };
  });
}

}  // namespace sluice::cli
