// app.cpp: finds the verb, parses, runs, and says what went wrong.
// SPDX-License-Identifier: MIT
#include "cli/app.hpp"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/exit_code.hpp"
#include "cli/help_format.hpp"
#include "cli/suggestion.hpp"
#include "cli/verb_journal.hpp"
#include "cli/verb_run.hpp"
#include "cli/verb_sink.hpp"
#include "cli/verb_status.hpp"
#include "cli/verb_submit.hpp"
#include "cli/verb_ventilator.hpp"
#include "cli/verb_worker.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kFooter = R"(EXAMPLE
  sluice run -j4 -- gzip -k {} ::: *.log        on this machine, nothing to set up

  sluice ventilator --access a.json --out outcomes.jsonl     a scheduling centre,
  sluice worker --access a.json                              workers for it,
  sluice submit --access a.json -- gzip -k {} ::: *.log      and tasks
  sluice status --access a.json

Each verb has a --help of its own. SLUICE_ACCESS can stand for --access FILE.

EXIT CODE  0 all is well; 255 sluice could not do what was asked; the rest by verb.)";

// Everything about one call of the program. Options, invocation and action refer to each other.
class Program {
 public:
  Program() : app_("sluice: distributes tasks over workers, without a broker", "sluice") {
    set_usage(app_, "sluice VERB [options]");
    app_.set_version_flag("-V,--version", "sluice " SLUICE_VERSION);
    app_.footer(kFooter);
    app_.get_formatter()->label("Subcommands", "Verbs");
    add_run_verb(app_, invocation_, action_);
    add_submit_verb(app_, invocation_, action_);
    add_ventilator_verb(app_, action_);
    add_worker_verb(app_, action_);
    add_sink_verb(app_, action_);
    add_status_verb(app_, action_);
    add_journal_verb(app_, action_);
    CLI::App* const version = app_.add_subcommand("version", "Print the version of sluice");
    set_usage(*version, "sluice version");
    version->footer("");
    version->callback([this] {
      action_ = [] {
        std::cout << "sluice " SLUICE_VERSION << std::endl;
        return std::cout ? kExitOk : kExitOwnError;
      };
    });
    for (CLI::App* verb : app_.get_subcommands({})) verb->group("Verbs");
  }

  [[nodiscard]] OptionTree options() const { return option_tree(app_); }

  int run(std::span<const std::string> words) {
    if (words.empty()) {
      std::cout << app_.help();
      return kExitOk;
    }
    try {
      parse(words);
      return action_ ? action_() : kExitOk;
    } catch (const CLI::Success& success) {
      return app_.exit(success);
    } catch (const CLI::ExtrasError& error) {
      return fail(about_extra(error));
    } catch (const CLI::ParseError& error) {
      return fail(std::string(error.what()) + "; see " + help_of_verb());
    } catch (const Error& error) {
      return fail(error.what());
    }
  }

 private:
  void parse(std::span<const std::string> words) {
    Words options(words.begin(), words.end());
    if (words[0].empty() || words[0][0] != '-') {
      const auto named =
          app_.get_subcommands([&](const CLI::App* verb) { return verb->get_name() == words[0]; });
      if (named.empty()) throw Error(about_unknown_verb(words[0]));
      verb_ = named[0];
    }
    json_errors_ = asks_for_json(words);
    if (takes_command()) options = split(words);
    if (words[0] == "-h") options[0] = "--help";
    std::reverse(options.begin(), options.end());  // as CLI11 wants it
    app_.parse(std::move(options));
  }

  [[nodiscard]] bool takes_command() const {
    return verb_ != nullptr && (verb_->get_name() == "run" || verb_->get_name() == "submit");
  }

  // Keeps what belongs to the command away from the option parser.
  Words split(std::span<const std::string> words) {
    RunWords told_apart = split_run_words(words.subspan(1), [this](std::string_view name) {
      const CLI::Option* option = verb_->get_option_no_throw(std::string(name));
      return option != nullptr && option->get_items_expected_max() > 0;
    });
    json_errors_ = asks_for_json(told_apart.options);
    invocation_.command = std::move(told_apart.command);
    invocation_.sources = std::move(told_apart.sources);
    Words options = std::move(told_apart.options);
    options.insert(options.begin(), words[0]);
    return options;
  }

  // Looked for before parsing, since it may be parsing that fails.
  static bool asks_for_json(std::span<const std::string> words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i] == "--") return false;
      if (words[i] == "--output=json") return true;
      if (words[i] == "--output" && i + 1 < words.size() && words[i + 1] == "json") return true;
    }
    return false;
  }

  [[nodiscard]] std::string help_of_verb() const {
    return verb_ == nullptr ? "sluice --help" : "sluice " + verb_->get_name() + " --help";
  }

  [[nodiscard]] std::string about_unknown_verb(const std::string& word) const {
    Words known;
    for (const CLI::App* verb : app_.get_subcommands({})) known.push_back(verb->get_name());
    return "there is no verb \"" + word + '"' + did_you_mean(word, known) + "; see sluice --help";
  }

  [[nodiscard]] std::string about_extra(const CLI::ExtrasError& error) const {
    const Words extras = (verb_ == nullptr ? &app_ : verb_)->remaining(true);
    if (extras.empty()) return std::string(error.what()) + "; see " + help_of_verb();
    const std::string name = extras[0].substr(0, extras[0].find('='));
    if (name.empty() || name[0] != '-') {
      return "\"" + extras[0] + "\" is one word too many; see " + help_of_verb();
    }
    Words known;
    for (const CLI::Option* option : (verb_ == nullptr ? &app_ : verb_)->get_options()) {
      for (const std::string& known_name : option->get_lnames()) known.push_back("--" + known_name);
    }
    return "there is no option " + name + did_you_mean(name, known) + "; see " + help_of_verb();
  }

  [[nodiscard]] int fail(std::string what) const {
    std::replace(what.begin(), what.end(), '\n', ' ');
    if (json_errors_) {
      const nlohmann::json error = {{"error", what}};
      std::cout << error.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                << std::endl;
    } else {
      std::cerr << "sluice" << (verb_ == nullptr ? "" : " " + verb_->get_name()) << ": " << what
                << std::endl;
    }
    return kExitOwnError;
  }

  CLI::App app_;
  Invocation invocation_;
  Action action_;
  CLI::App* verb_ = nullptr;
  bool json_errors_ = false;
};

}  // namespace

int run_program(std::span<const std::string> words) { return Program().run(words); }

OptionTree program_options() { return Program().options(); }

}  // namespace sluice::cli
