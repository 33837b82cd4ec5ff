// option_tree.cpp: asks CLI11 what it was told.
// SPDX-License-Identifier: MIT
#include "cli/option_tree.hpp"

#include <algorithm>

namespace sluice::cli {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \n") - first + 1);
}

// "text|json" names values; "N|P%" and "A-B" name kinds of values.
std::vector<std::string> choices(const std::string& value) {
  const bool words =
      value.find('|') != std::string::npos && std::all_of(value.begin(), value.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || c == '-' || c == '|';
      });
  if (!words) return {};
  return CLI::detail::split(value, '|');
}

OptionEntry entry(const CLI::Option& option, const CLI::Formatter& format) {
  OptionEntry out;
  for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  if (option.get_items_expected_max() > 0) out.value = trimmed(format.make_option_opts(&option));
  out.choices = choices(out.value);
  out.about = option.get_description();
  out.repeats = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll ||
                option.get_items_expected_max() > 1;
  return out;
}

VerbEntry entry(const CLI::App& app) {
  const auto format = std::dynamic_pointer_cast<CLI::Formatter>(app.get_formatter());
  const std::string usage_head = "Usage: ";
  VerbEntry out;
  out.name = app.get_parent() == nullptr ? std::string() : app.get_name();
  out.about = app.get_description();
  out.usage = trimmed(format->make_usage(&app, app.get_name()));
  if (out.usage.starts_with(usage_head)) out.usage.erase(0, usage_head.size());
  out.footer = app.get_footer();
  out.takes_command = out.usage.find("COMMAND") != std::string::npos;
  for (const CLI::Option* option : app.get_options())
    if (option->nonpositional() && !option->get_group().empty())
      out.options.push_back(entry(*option, *format));
  return out;
}

}  // namespace

OptionTree option_tree(const CLI::App& program) {
  OptionTree out;
  out.program = entry(program);
  for (const CLI::App* verb : program.get_subcommands({}))
    if (!verb->get_group().empty()) out.verbs.push_back(entry(*verb));
  return out;
}

}  // namespace sluice::cli
