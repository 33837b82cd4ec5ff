// program_search.hpp: which file a command's first word means.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace sluice::exec {

struct Program {
  std::string file;  ///< what to hand to execve from inside `cwd`
  int error = 0;     ///< 0, ENOENT, or EACCES: found, but none that we may run
};

/// Looks `name` up in `path` as execvp does. A name with a slash is taken as it
/// is and not checked. Relative entries of `path` are meant from `cwd`, where
/// the command will run; an empty `cwd` is this process's own folder.
[[nodiscard]] Program find_program(std::string_view name, std::string_view path,
                                   std::string_view cwd);

}  // namespace sluice::exec
