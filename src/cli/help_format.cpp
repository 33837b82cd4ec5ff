// help_format.cpp: usage lines and option labels.
// SPDX-License-Identifier: MIT
#include "cli/help_format.hpp"

#include <memory>

namespace sluice::cli {

std::string HelpFormat::make_usage(const CLI::App* /*app*/, std::string /*name*/) const {
  return "\nUsage: " + usage_ + "\n";
}

// Defaults stand in the description, where units can be said.
std::string HelpFormat::make_option_opts(const CLI::Option* option) const {
  if (!option->get_option_text().empty()) return " " + option->get_option_text();
  if (option->get_type_size() == 0 || option->get_type_name().empty()) return {};
  return " " + get_label(option->get_type_name().substr(0, option->get_type_name().find(':')));
}

std::string HelpFormat::make_group(std::string group, bool is_positional,
                                   std::vector<const CLI::Option*> options) const {
  std::string text = "\n" + group + ":\n";
  for (const CLI::Option* option : options) text += make_option(option, is_positional);
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

void set_usage(CLI::App& verb, std::string usage) {
  verb.formatter(std::make_shared<HelpFormat>(std::move(usage)));
}

}  // namespace sluice::cli
