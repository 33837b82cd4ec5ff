// verb_status.cpp: asks and prints.
// SPDX-License-Identifier: MIT
#include "cli/verb_status.hpp"

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/exit_code.hpp"
#include "cli/help_format.hpp"
#include "cli/option_values.hpp"
#include "cli/ordered_output.hpp"
#include "cli/status_text.hpp"
#include "cli/terminal.hpp"
#include "net/address_list.hpp"
#include "net/standby_probe.hpp"
#include "sluice/access.hpp"
#include "sluice/client.hpp"

namespace sluice::cli {
namespace {

struct StatusArguments {
  std::string access, connect;
  OutputMode output = OutputMode::text;
  std::chrono::milliseconds timeout{5000};
};

constexpr const char* kFooter = R"(EXAMPLES
  sluice status --access a.json
  sluice status --access a.json --output json | jq .tasks.unsettled
  sluice status --connect tcp://head2:5570        whether it is active or stands by

EXIT CODE  0 it answered; 255 it did not, or another error.)";

int print_standby(const net::StandbyAnswer& standby, OutputMode output) {
  std::string text = standby.text + '\n';
  if (output == OutputMode::json) {
    const nlohmann::json answer = {
        {"version", 1}, {"role", "standby"}, {"text", standby.text}, {"active", standby.active}};
    text = answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  }
  (void)write_all(1, text);
  return kExitOk;
}

int print_status(ClientOptions options, const StatusArguments& arguments) {
  options.connect_timeout = arguments.timeout;
  const std::string answer = Client(options).query("status", {}, arguments.timeout);
  const bool as_is = arguments.output == OutputMode::json;
  const std::string text = as_is ? answer + '\n' : status_text(answer, use_colour(1));
  (void)write_all(1, text);  // whoever closed the pipe has seen enough
  return kExitOk;
}

int run(const StatusArguments& arguments) {
  ClientOptions options;
  if (!arguments.connect.empty()) {
    const auto standby = net::ask_standby(arguments.connect, arguments.timeout);
    if (standby) return print_standby(*standby, arguments.output);
    options.connect = arguments.connect;
    return print_status(std::move(options), arguments);
  }
  options.access_file = Access::find(arguments.access);
  const Access access = Access::load(options.access_file);
  for (const std::string& warning : access.warnings)
    std::cerr << "sluice status: warning: " << warning << '\n';
  options.connect = net::addresses_of(access);
  return print_status(std::move(options), arguments);
}

}  // namespace

void add_status_verb(CLI::App& program, Action& action) {
  CLI::App* const verb =
      program.add_subcommand("status", "Show a ventilator's workers, tasks by state, and rates");
  set_usage(*verb, "sluice status --access FILE [--output json]");
  verb->footer(kFooter);
  const auto arguments = std::make_shared<StatusArguments>();
  verb->add_option("--access", arguments->access,
                   "The access file that the ventilator wrote (or SLUICE_ACCESS)")
      ->option_text("FILE");
  verb->add_option("--connect", arguments->connect,
                   "An address instead: of a ventilator, or of one that stands by")
      ->option_text("ENDPOINT");
  add_output(*verb, arguments->output, false);
  add_duration(*verb, "--timeout", arguments->timeout, "How long to wait for an answer");
  verb->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace sluice::cli
