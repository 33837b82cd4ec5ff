// man_page_test.cpp: every verb and option has its place in the manual.
// SPDX-License-Identifier: MIT
#include "cli/man_page.hpp"

#include <doctest/doctest.h>

#include <string>

#include "cli/app.hpp"

using namespace sluice::cli;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// As the page spells it: a hyphen of its own is a minus sign to roff.
std::string in_roff(const std::string& name) {
  std::string out;
  for (const char c : name) out += c == '-' ? std::string("\\-") : std::string(1, c);
  return out;
}

VerbEntry verb_with_footer(const std::string& footer) {
  VerbEntry verb;
  verb.name = "fly";
  verb.about = "Fly somewhere";
  verb.usage = "sluice fly [options]";
  verb.footer = footer;
  return verb;
}

std::string page_with_footer(const std::string& footer) {
  return verb_man_page({}, verb_with_footer(footer));
}

}  // namespace

TEST_SUITE("man_page") {
  TEST_CASE("every option of every verb is in the verb's page, with its value") {
    const OptionTree tree = program_options();
    REQUIRE(tree.verbs.size() >= 7);
    for (const VerbEntry& verb : tree.verbs) {
      const std::string page = verb_man_page(tree, verb);
      REQUIRE(!verb.options.empty());
      for (const OptionEntry& option : verb.options) {
        for (const std::string& name : option.names) {
          CAPTURE(verb.name);
          CAPTURE(name);
          CHECK(has(page, "\\fB" + in_roff(name) + "\\fR"));
        }
        if (!option.value.empty()) CHECK(has(page, "\\fI" + in_roff(option.value) + "\\fR"));
      }
    }
  }

  TEST_CASE("the program's page names all verbs and their pages") {
    const OptionTree tree = program_options();
    const std::string page = program_man_page(tree);
    for (const VerbEntry& verb : tree.verbs) {
      CHECK(has(page, ".TP\n\\fB" + in_roff(verb.name) + "\\fR\n"));
      CHECK(has(page, "\\fBsluice\\-" + in_roff(verb.name) + "\\fR(1)"));
    }
    CHECK(has(page, "\\fB\\-V\\fR, \\fB\\-\\-version\\fR"));
  }

  TEST_CASE("a page begins with what man(1) and apropos(1) look for") {
    const std::string page = page_with_footer("");
    CHECK(page.starts_with(".TH SLUICE\\-FLY 1 "));
    CHECK(has(page, ".SH NAME\nsluice\\-fly \\- Fly somewhere\n"));
    CHECK(has(page, ".SH SYNOPSIS\n\\fBsluice fly\\fR [options]\n"));
  }

  TEST_CASE("lines below a heading keep their shape") {
    const std::string page = page_with_footer("EXAMPLES\n  sluice fly\n      far\n\n  again\n");
    CHECK(has(page, ".SH EXAMPLES\n.nf\n  sluice fly\n      far\n\n  again\n.fi\n"));
  }

  TEST_CASE("text beside a heading runs on, also over lines") {
    const std::string page = page_with_footer("EXIT CODE  0 it flew;\n  1 it fell\n");
    CHECK(has(page, ".SH EXIT CODE\n0 it flew;\n1 it fell\n"));
    CHECK(!has(page, ".nf"));
  }

  TEST_CASE("columns beside a heading stay columns") {
    const std::string page = page_with_footer("WINGS  {} two  {.} one\n  {/} none\n");
    CHECK(has(page, ".SH WINGS\n.nf\n{} two  {.} one\n{/} none\n.fi\n"));
  }

  TEST_CASE("a paragraph without a heading belongs to the description") {
    const std::string page = page_with_footer("EXAMPLES\n  sluice fly\n\nIt flies.\nFar.\n");
    CHECK(has(page, ".SH DESCRIPTION\nFly somewhere.\n.PP\nIt flies.\nFar.\n.SH OPTIONS"));
    CHECK(has(page, ".SH EXAMPLES\n.nf\n  sluice fly\n.fi\n"));
  }

  TEST_CASE("no text is taken for a request to roff") {
    const std::string page = page_with_footer("EXAMPLES\n.so x\n'\\ ^~`\n");
    CHECK(has(page, "\n\\&.so x\n\\(aq\\e \\(ha\\(ti\\(ga\n"));
  }
}
