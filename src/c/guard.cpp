// guard.cpp: the last error of each thread, and what the functions of C have in common.
// SPDX-License-Identifier: MIT
#include "c/guard.hpp"

namespace sluice::c {
namespace {

struct LastError {
  std::string text;
  const char* shown = "";
};

LastError& last_error() noexcept {
  static thread_local LastError error;
  return error;
}

}  // namespace

void remember_error(const char* what) noexcept {
  LastError& last = last_error();
  try {
    last.text = what;
    last.shown = last.text.c_str();
  } catch (const std::exception&) {
    last.shown = "out of memory";
  }
}

Place place(const char* where) {
  const std::string given = text(where);
  if (given.find("://") != std::string::npos) return {given, {}};
  const std::string path = Access::find(given);
  return {Access::load(path).control, path};
}

std::chrono::milliseconds milliseconds(std::int64_t value, const char* what) {
  constexpr std::int64_t kYear = std::int64_t{366} * 24 * 3600 * 1000;
  if (value < 0 || value > kYear)
    throw Error(std::string(what) + " of " + std::to_string(value) +
                " ms: it must be between 0 and a year");
  return std::chrono::milliseconds(value);
}

}  // namespace sluice::c

extern "C" {

const char* sluice_last_error(void) { return sluice::c::last_error().shown; }

const char* sluice_version(void) { return SLUICE_VERSION; }

}  // extern "C"
