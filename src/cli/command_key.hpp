// command_key.hpp: how a task of a run is known again: by what it runs, and the how manieth it is.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::cli {

/// 128 bits of a command's text: against accidents, not against enemies. Two commands under one
/// digest would be taken for equal ones, which are told apart by their order.
struct CommandDigest {
  std::uint64_t high = 0, low = 0;
  friend bool operator==(const CommandDigest&, const CommandDigest&) = default;
};
[[nodiscard]] CommandDigest digest_of(std::string_view text);
/// Of the second, third, ... of equal commands; that of the first is `command` itself.
[[nodiscard]] CommandDigest digest_of(const CommandDigest& command, std::uint64_t occurrence);

/// A task of a run. The digest and the occurrence name it; the number is its place in the input
/// when it was submitted.
struct CommandKey {
  CommandDigest digest;
  std::uint64_t occurrence = 1;
  std::uint64_t number = 0;
};

/// "0123456789abcdef0123456789abcdef-1-42-3": digest, occurrence, number, and in which start of
/// the run it was submitted, for a ventilator would take an equal key for the same task.
[[nodiscard]] std::string to_text(const CommandKey& key, std::uint64_t start);
/// Nothing if it is the key of somebody else's task.
[[nodiscard]] std::optional<CommandKey> read_command_key(std::string_view text);

}  // namespace sluice::cli
