// access_path.cpp: the option, or the environment, or what to do.
// SPDX-License-Identifier: MIT
#include "cli/access_path.hpp"

#include <sluice/access.hpp>
#include <sluice/error.hpp>

namespace sluice::cli {

std::string access_path_to_write(const std::string& given) {
  try {
    return Access::find(given);
  } catch (const Error&) {  // neither is there; whoever starts a ventilator needs other words
    throw Error(
        "nobody could find this ventilator: name the access file that it shall write with "
        "--access FILE, or set SLUICE_ACCESS");
  }
}

}  // namespace sluice::cli
