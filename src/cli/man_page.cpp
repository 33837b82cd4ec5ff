// man_page.cpp: help texts in the man macros of roff.
// SPDX-License-Identifier: MIT
#include "cli/man_page.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

namespace sluice::cli {
namespace {

constexpr auto kNowhere = std::string::npos;

// One line of text, safe at any place of a page: nothing in it is a request to roff.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      default:
        out += c;
    }
  }
  return out.starts_with('.') ? "\\&" + out : out;
}

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + roff(text) + "\\fR"; }

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

// Left-adjusted and without hyphens, which would look like parts of options.
std::string head(const std::string& name, const std::string& about) {
  return ".TH " + roff(upper(name)) + " 1 \"\" \"sluice " SLUICE_VERSION "\" \"User Commands\"\n" +
         ".ad l\n.nh\n.SH NAME\n" + roff(name) + " \\- " + roff(about) + "\n";
}

std::string synopsis(const VerbEntry& verb) {
  const std::size_t words = verb.name.empty() ? 1 : 2;
  std::size_t end = 0;
  for (std::size_t i = 0; i < words && end != std::string::npos; ++i)
    end = verb.usage.find(' ', end == 0 ? 0 : end + 1);
  const std::string rest = end == std::string::npos ? "" : roff(verb.usage.substr(end));
  return ".SH SYNOPSIS\n" + bold(verb.usage.substr(0, end)) + rest + "\n";
}

std::string options(const VerbEntry& verb) {
  std::string out = ".SH OPTIONS\n";
  for (const OptionEntry& option : verb.options) {
    std::string names;
    for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + bold(name);
    if (!option.value.empty()) names += " " + italic(option.value);
    out += ".TP\n" + names + "\n" + roff(option.about) + "\n";
  }
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  return CLI::detail::split(text, '\n');
}

// How many letters of the line are a heading: "EXIT CODE  0 all done" has nine. 0: none.
std::size_t heading_length(const std::string& line) {
  std::size_t end = 0;
  while (end < line.size() && ((line[end] >= 'A' && line[end] <= 'Z') ||
                               (line[end] == ' ' && end > 0 && line[end - 1] != ' ')))
    ++end;
  while (end > 0 && line[end - 1] == ' ') --end;
  const bool ends_there = end == line.size() || line.compare(end, 2, "  ") == 0;
  return end > 2 && ends_there ? end : 0;
}

struct FooterText {
  std::string paragraphs;  // those without a heading
  std::string sections;
};

// Of the help's last part: below a heading of its own, and where there are columns beside it,
// lines keep their shape; other text beside a heading, and a paragraph without one, runs on.
FooterText footer_text(const std::string& footer) {
  FooterText out;
  std::string* to = &out.paragraphs;
  bool as_is = false, keeps_indent = false, at_start = true;
  for (const std::string& line : lines_of(footer)) {
    if (line.empty()) {
      at_start = true;
      continue;
    }
    const std::size_t heading = at_start ? heading_length(line) : 0;
    if (at_start && as_is && heading == 0 && line[0] == ' ') *to += "\n";
    if (at_start && !(as_is && heading == 0 && line[0] == ' ')) {
      if (as_is) *to += ".fi\n";
      as_is = heading > 0 && (heading == line.size() ||
                              line.find("  ", line.find_first_not_of(' ', heading)) != kNowhere);
      to = heading > 0 ? &out.sections : &out.paragraphs;
      *to += heading > 0 ? ".SH " + roff(line.substr(0, heading)) + "\n" : ".PP\n";
      if (as_is) *to += ".nf\n";
    }
    at_start = false;
    if (heading == line.size()) {
      keeps_indent = true;
      continue;
    }
    if (heading > 0) keeps_indent = false;
    const std::string text = line.substr(heading);
    const std::string bare = text.substr(std::min(text.find_first_not_of(' '), text.size()));
    *to += roff(as_is && keeps_indent ? text : bare) + "\n";
  }
  if (as_is) *to += ".fi\n";
  return out;
}

std::string page_of(const VerbEntry& verb) { return "sluice-" + verb.name; }

std::string reference(const std::string& page) { return bold(page) + "(1)"; }

std::string environment() {
  return ".SH ENVIRONMENT\n.TP\n" + bold("SLUICE_ACCESS") + "\n" +
         roff("The access file, where --access is not given.") + "\n";
}

bool knows_access(const VerbEntry& verb) {
  return std::any_of(verb.options.begin(), verb.options.end(), [](const OptionEntry& option) {
    return option.about.find("SLUICE_ACCESS") != std::string::npos;
  });
}

}  // namespace

std::string program_man_page(const OptionTree& tree) {
  const std::string title = "sluice: ";
  std::string about = tree.program.about;
  if (about.starts_with(title)) about.erase(0, title.size());
  const FooterText footer = footer_text(tree.program.footer);
  std::string out = head("sluice", about) + synopsis(tree.program) + ".SH DESCRIPTION\n" +
                    roff(
                        "Hands tasks out to workers on this machine or a cluster, and brings "
                        "every outcome back; there is no broker to install.") +
                    "\n" + footer.paragraphs + ".SH VERBS\n";
  std::string others;
  for (const VerbEntry& verb : tree.verbs) {
    out += ".TP\n" + bold(verb.name) + "\n" + roff(verb.about) + "\n";
    others += (others.empty() ? "" : ",\n") + reference(page_of(verb));
  }
  return out + options(tree.program) + footer.sections + environment() + ".SH SEE ALSO\n" + others +
         "\n";
}

std::string verb_man_page(const OptionTree& tree, const VerbEntry& verb) {
  const FooterText footer = footer_text(verb.footer);
  std::string others = reference("sluice");
  for (const VerbEntry& other : tree.verbs)
    if (other.name != verb.name) others += ",\n" + reference(page_of(other));
  return head(page_of(verb), verb.about) + synopsis(verb) + ".SH DESCRIPTION\n" + roff(verb.about) +
         ".\n" + footer.paragraphs + options(verb) + footer.sections +
         (knows_access(verb) ? environment() : "") + ".SH SEE ALSO\n" + others + "\n";
}

}  // namespace sluice::cli
