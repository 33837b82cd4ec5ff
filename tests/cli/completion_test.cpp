// completion_test.cpp: every verb and option can be completed.
// SPDX-License-Identifier: MIT
#include "cli/completion.hpp"

#include <doctest/doctest.h>

#include <string>

#include "cli/app.hpp"

using namespace sluice::cli;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// What stands between a verb's label and the end of its case.
std::string case_of(const std::string& script, const std::string& label) {
  const auto from = script.find("\n" + label);
  if (from == std::string::npos) return {};
  return script.substr(from, script.find(";;", from) - from);
}

OptionTree tree_with(const OptionEntry& option) {
  OptionTree tree;
  VerbEntry verb;
  verb.name = "fly";
  verb.about = "Fly: far";
  verb.options = {option};
  tree.verbs = {verb};
  return tree;
}

}  // namespace

TEST_SUITE("completion") {
  TEST_CASE("bash is told every verb, and every option of it") {
    const OptionTree tree = program_options();
    const std::string script = bash_completion(tree);
    for (const VerbEntry& verb : tree.verbs) {
      const std::string words = case_of(script, "    '" + verb.name + "')");
      REQUIRE(!words.empty());
      for (const OptionEntry& option : verb.options)
        for (const std::string& name : option.names) {
          CAPTURE(verb.name);
          CAPTURE(name);
          const bool in_words = has(words, "'" + name + " ") || has(words, " " + name + " ") ||
                                has(words, " " + name + "'") || has(words, "'" + name + "'");
          CHECK(in_words);
        }
    }
  }

  TEST_CASE("zsh is told every verb, and every option of it") {
    const OptionTree tree = program_options();
    const std::string script = zsh_completion(tree);
    for (const VerbEntry& verb : tree.verbs) {
      CHECK(has(script, "'" + verb.name + ":"));
      const std::string words = case_of(script, "        " + verb.name + ")");
      REQUIRE(!words.empty());
      for (const OptionEntry& option : verb.options)
        for (const std::string& name : option.names) {
          CAPTURE(verb.name);
          CAPTURE(name);
          const std::string value = option.value.empty() ? "" : name[1] == '-' ? "=" : "+";
          const std::string spec = name + value;
          const bool in_words = has(words, "'" + spec + "'[") || has(words, "{" + spec + ",") ||
                                has(words, "," + spec + ",") || has(words, "," + spec + "}");
          CHECK(in_words);
        }
    }
  }

  TEST_CASE("the values of an option are files, folders or words, as its help calls them") {
    const auto value = [](const std::string& called, std::vector<std::string> choices) {
      return bash_completion(tree_with({{"-o", "--to"}, called, std::move(choices), "x", false}));
    };
    CHECK(has(value("FILE.jsonl", {}), "'fly -o' | 'fly --to') echo 'file' ;;"));
    CHECK(has(value("DIR", {}), "'fly -o' | 'fly --to') echo 'folder' ;;"));
    CHECK(has(value("a|b", {"a", "b"}), "'fly -o' | 'fly --to') echo 'a b' ;;"));
    CHECK(!has(value("N", {}), "'fly -o' |"));
  }

  TEST_CASE("zsh's own signs in a description are plain text") {
    const std::string script =
        zsh_completion(tree_with({{"--to"}, "A:B", {}, "it's [far]", false}));
    CHECK(has(script, R"('(--to)'--to='[it'\''s \[far\]]:A\:B: ')"));
  }
}
