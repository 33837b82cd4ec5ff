// help_format.hpp: how the help texts of the program look.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>

#include <CLI/CLI.hpp>

namespace sluice::cli {

/// CLI11's help with a usage line in our words, plain names for values, and two spaces of indent.
class HelpFormat : public CLI::Formatter {
 public:
  explicit HelpFormat(std::string usage) : usage_(std::move(usage)) {
    column_width(28);
    label("TEXT", "TEXT");
    label("UINT", "N");
    label("INT", "N");
  }

  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override;

 private:
  std::string usage_;
};

/// Gives a verb its usage line: "sluice worker --access FILE [options]".
void set_usage(CLI::App& verb, std::string usage);

}  // namespace sluice::cli
