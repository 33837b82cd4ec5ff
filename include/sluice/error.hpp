// error.hpp: the one exception sluice throws.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>

#include <sluice/export.hpp>

namespace sluice {

/// Thrown when the world lets us down where the caller can still choose: a port
/// is taken, a file cannot be written, nothing answers at an address. The text
/// says what was tried, on what, and what to do about it.
class SLUICE_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what) : std::runtime_error(what) {}
};

/// Thrown by a ventilator whose journal belongs to another one now: a standby has taken over. It
/// sends and writes nothing more; there is nothing to repair.
class SLUICE_API Superseded : public Error {
 public:
  explicit Superseded(const std::string& what) : Error(what) {}
};

}  // namespace sluice
