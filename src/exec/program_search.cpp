// program_search.cpp: the walk along PATH.
// SPDX-License-Identifier: MIT
#include "exec/program_search.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace sluice::exec {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

// 0 if `file` can be run, else ENOENT or EACCES.
int check(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return errno == EACCES ? EACCES : ENOENT;
  if (!S_ISREG(status.st_mode)) return ENOENT;
  return ::faccessat(AT_FDCWD, file.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : EACCES;
}

}  // namespace

Program find_program(std::string_view name, std::string_view path, std::string_view cwd) {
  if (name.empty()) return {"", ENOENT};
  if (name.find('/') != std::string_view::npos) return {std::string(name), 0};
  if (path.empty()) path = kDefaultPath;
  int error = ENOENT;
  for (;;) {
    const std::size_t colon = path.find(':');
    std::string_view folder = path.substr(0, colon);
    if (folder.empty()) folder = ".";  // as POSIX has it
    std::string file(folder);
    file.append("/").append(name);
    const bool from_cwd = folder.front() != '/' && !cwd.empty();
    const int found = check(from_cwd ? std::string(cwd).append("/").append(file) : file);
    if (found == 0) return {std::move(file), 0};
    if (found == EACCES) error = EACCES;
    if (colon == std::string_view::npos) return {"", error};
    path.remove_prefix(colon + 1);
  }
}

}  // namespace sluice::exec
