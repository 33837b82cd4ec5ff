// access_path.hpp: which access file a ventilator of the command line writes.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace sluice::cli {

/// `given`, or what SLUICE_ACCESS says. Throws sluice::Error, which tells a ventilator's starter
/// what the file is for, if neither is there.
[[nodiscard]] std::string access_path_to_write(const std::string& given);

}  // namespace sluice::cli
