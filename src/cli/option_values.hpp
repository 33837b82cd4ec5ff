// option_values.hpp: options whose values are lengths of time, amounts of bytes and the like.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

namespace sluice::cli {

/// Adds an option that takes a length of time ("30", "1.5s", "2m", "1h 30m", "HH:MM:SS").
/// `value` is the default, shown in the help unless it is zero, until parsing. What is below a
/// millisecond but not zero becomes one.
CLI::Option* add_duration(CLI::App& verb, const std::string& names,
                          std::chrono::milliseconds& value, const std::string& help);

/// Adds an option that takes an amount of bytes ("512", "64K", "1.5G").
CLI::Option* add_bytes(CLI::App& verb, const std::string& names, std::uint64_t& value,
                       const std::string& help);

/// Reads "TIME" as add_duration() does. Throws sluice::Error.
[[nodiscard]] std::chrono::milliseconds parse_milliseconds(const std::string& text);

/// How results are printed.
enum class OutputMode : std::uint8_t { text, json, quiet };

/// Adds --output text|json|quiet, or without `quiet` text|json.
CLI::Option* add_output(CLI::App& verb, OutputMode& mode, bool quiet = true);

}  // namespace sluice::cli
