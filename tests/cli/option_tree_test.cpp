// option_tree_test.cpp: what the parser was told is what the tree says.
// SPDX-License-Identifier: MIT
#include "cli/option_tree.hpp"

#include <doctest/doctest.h>

#include <string>

#include "cli/app.hpp"
#include "cli/help_format.hpp"

using namespace sluice::cli;

namespace {

struct Rig {
  Rig() {
    set_usage(app, "sluice VERB");
    verb = app.add_subcommand("fly", "Fly");
    set_usage(*verb, "sluice fly [--] COMMAND");
  }
  const OptionEntry& added() {
    tree = option_tree(app);
    return tree.verbs.at(0).options.back();
  }

  CLI::App app;
  CLI::App* verb = nullptr;
  OptionTree tree;
  std::string text;
  bool flag = false;
};

}  // namespace

TEST_SUITE("option_tree") {
  TEST_CASE("an option has its names, its value's name and its description") {
    Rig rig;
    rig.verb->add_option("-t,--to,--towards", rig.text, "Where")->option_text("FILE");
    const OptionEntry& option = rig.added();
    CHECK(option.names == std::vector<std::string>{"-t", "--to", "--towards"});
    CHECK(option.value == "FILE");
    CHECK(option.about == "Where");
    CHECK(!option.repeats);
  }

  TEST_CASE("a flag has no value") {
    Rig rig;
    rig.verb->add_flag("--far", rig.flag, "Far");
    CHECK(rig.added().value.empty());
  }

  TEST_CASE("words between bars are choices, kinds of values are not") {
    Rig rig;
    rig.verb->add_option("--how", rig.text, "How")->option_text("text|json");
    CHECK(rig.added().choices == std::vector<std::string>{"text", "json"});
    rig.verb->add_option("--many", rig.text, "How many")->option_text("N|P%");
    CHECK(rig.added().choices.empty());
  }

  TEST_CASE("what the help hides is not in the tree") {
    Rig rig;
    rig.verb->add_flag("--secret", rig.flag, "Hush")->group("");
    CHECK(rig.added().names.back() == "--help");
    rig.app.add_subcommand("hidden", "Hush")->group("");
    CHECK(option_tree(rig.app).verbs.size() == 1);
  }

  TEST_CASE("verbs that run a command say so in their usage") {
    Rig rig;
    CHECK(option_tree(rig.app).verbs.at(0).takes_command);
    for (const VerbEntry& verb : program_options().verbs)
      CHECK(verb.takes_command == (verb.name == "run" || verb.name == "submit"));
  }
}
