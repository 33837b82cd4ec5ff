// option_values.cpp: options with values of their own kind, told in words of their own.
// SPDX-License-Identifier: MIT
#include "cli/option_values.hpp"

#include "cli/byte_size.hpp"
#include "cli/duration.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

std::string in_bytes(std::uint64_t bytes) {
  static constexpr const char* kUnits = "KMGT";
  if (bytes % 1024 != 0) return std::to_string(bytes);
  std::size_t unit = 0;
  for (bytes /= 1024; bytes % 1024 == 0 && unit < 3; bytes /= 1024) ++unit;
  return std::to_string(bytes) + kUnits[unit];
}

// Gives errors of our own parsers the name of the option, in the form that CLI11 passes on.
template <typename Parse>
std::function<void(const std::string&)> reading(const std::string& names, Parse parse) {
  const std::string name = names.substr(names.rfind(',') + 1);
  return [name, parse](const std::string& text) {
    try {
      parse(text);
    } catch (const Error& error) {
      throw CLI::ValidationError(name, error.what());
    }
  };
}

}  // namespace

milliseconds parse_milliseconds(const std::string& text) {
  const microseconds exact = parse_duration(text);
  const auto rounded = std::chrono::floor<milliseconds>(exact);
  return exact.count() > 0 && rounded.count() == 0 ? milliseconds(1) : rounded;
}

CLI::Option* add_duration(CLI::App& verb, const std::string& names, milliseconds& value,
                          const std::string& help) {
  const auto read = [&value](const std::string& text) { value = parse_milliseconds(text); };
  const std::string shown = value.count() == 0 ? "" : " (default " + format_duration(value) + ")";
  return verb.add_option_function<std::string>(names, reading(names, read), help + shown)
      ->option_text("TIME");
}

CLI::Option* add_bytes(CLI::App& verb, const std::string& names, std::uint64_t& value,
                       const std::string& help) {
  const auto read = [&value](const std::string& text) { value = parse_byte_size(text); };
  const std::string shown = value == 0 ? "" : " (default " + in_bytes(value) + ")";
  return verb.add_option_function<std::string>(names, reading(names, read), help + shown)
      ->option_text("SIZE");
}

CLI::Option* add_output(CLI::App& verb, OutputMode& mode, bool quiet) {
  const std::string words = quiet ? "text, json or quiet" : "text or json";
  const auto read = [&mode, quiet, words](const std::string& text) {
    if (text == "text") {
      mode = OutputMode::text;
    } else if (text == "json") {
      mode = OutputMode::json;
    } else if (text == "quiet" && quiet) {
      mode = OutputMode::quiet;
    } else {
      throw Error('"' + text + "\" is no way to print: give " + words);
    }
  };
  return verb
      .add_option_function<std::string>("--output", reading("--output", read),
                                        "How to print: " + words)
      ->option_text(quiet ? "text|json|quiet" : "text|json");
}

}  // namespace sluice::cli
