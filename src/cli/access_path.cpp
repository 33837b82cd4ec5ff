// access_path.cpp: the option, or the environment, or what to do.
// SPDX-License-Identifier: MIT
#include "cli/access_path.hpp"

#include <cstdlib>

#include <sluice/error.hpp>

namespace sluice::cli {

std::string access_path_to_write(const std::string& given) {
  if (!given.empty()) return given;
  const char* const named = std::getenv("SLUICE_ACCESS");
  if (named != nullptr && *named != '\0') return named;
  throw Error(
      "nobody could find this ventilator: name the access file that it shall write with "
      "--access FILE, or set SLUICE_ACCESS");
}

}  // namespace sluice::cli
