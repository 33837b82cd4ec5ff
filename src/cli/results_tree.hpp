// results_tree.hpp: --results DIR: what each task wrote, in files of its own, as GNU parallel does.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice::cli {

/// "1/a/2/b" for the arguments a and b: a folder for the number of the input source, and in it
/// one for the argument. In an argument "/" becomes "\_", "\" "\\", a tab "\t", a line break
/// "\n"; an empty one is "\0", "." and ".." are "\." and "\..". What is too long for a
/// file name is cut, and its digest follows.
[[nodiscard]] std::string results_folder(std::span<const std::string> arguments);

/// Writes DIR/1/a/stdout, stderr and seq. Writing a task again replaces its files.
class ResultsTree {
 public:
  explicit ResultsTree(std::string folder) : folder_(std::move(folder)) {}
  /// Throws sluice::Error: the folder cannot be made, the disk is full.
  void write(std::span<const std::string> arguments, std::uint64_t number, std::string_view out,
             std::string_view err) const;

 private:
  std::string folder_;
};

}  // namespace sluice::cli
