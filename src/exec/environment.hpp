// environment.hpp: the environment a command sees.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::exec {

/// The worker's own environment, copied once, and what each command adds to it.
/// A command costs one copy of the pointers and of its own variables.
class Environment {
 public:
  using Variable = std::pair<std::string, std::string>;

  /// `base` ends with a null pointer, as environ does. Of a name that is there
  /// twice the first counts, as for getenv.
  explicit Environment(const char* const* base);

  /// Adds `variable` for all commands, in place of one of the same name.
  void set(const Variable& variable);

  /// The base with `first` and then `second` laid over it, for execve. Names
  /// must be usable (see is_usable). Valid until the next call.
  [[nodiscard]] char* const* with(std::span<const Variable> first,
                                  std::span<const Variable> second);

  /// The value of `name` in what with() returned last; empty if it is not there.
  [[nodiscard]] std::string_view value(std::string_view name) const;

  /// False for a name that is empty or holds '=', and for NUL bytes anywhere:
  /// an environment cannot express them.
  [[nodiscard]] static bool is_usable(const Variable& variable);

 private:
  using Index = std::unordered_map<std::string, std::size_t>;

  void overlay(const Variable& variable);

  std::vector<std::string> base_;   // "NAME=value"
  Index base_index_;                // name -> place in base_ and in pointers_
  std::vector<std::string> added_;  // of this command; reserved first, so that pointers hold
  Index added_index_;               // name -> place in pointers_
  std::vector<char*> pointers_;
};

}  // namespace sluice::exec
