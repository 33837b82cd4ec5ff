// guard.hpp: turns exceptions into return codes and a text for each thread.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>

#include <sluice/sluice.h>
#include <sluice/access.hpp>
#include <sluice/error.hpp>

namespace sluice::c {

/// Keeps the text for sluice_last_error() on this thread. Never throws; without memory for the
/// text it is "out of memory".
void remember_error(const char* what) noexcept;

/// Calls `f` and returns what it returns, a code; SLUICE_ERROR if it throws.
template <typename F>
int guarded(F f) noexcept {
  try {
    return f();
  } catch (const std::exception& error) {
    remember_error(error.what());
  } catch (...) {
    remember_error("an exception of unknown type");
  }
  return SLUICE_ERROR;
}

/// The same for what makes something: nullptr if it throws.
template <typename T, typename F>
T* made(F f) noexcept {
  T* out = nullptr;
  const int code = guarded([&] {
    out = f();
    return static_cast<int>(SLUICE_OK);
  });
  return code == SLUICE_OK ? out : nullptr;
}

template <typename T>
T& not_null(T* pointer, const char* what) {
  if (pointer == nullptr) throw Error(std::string(what) + " is NULL");
  return *pointer;
}

inline std::string text(const char* from) { return from == nullptr ? std::string() : from; }

/// Where a ventilator is, given an endpoint, the path of an access file, or NULL.
struct Place {
  std::string endpoint;
  std::string access_file;  // empty for an endpoint
};
[[nodiscard]] Place place(const char* where);

/// Waits in slices, so that no length of time is too long for a clock. `wait` takes milliseconds
/// and returns whether it is over. SLUICE_OK or SLUICE_TIMEOUT; below zero is for ever.
template <typename F>
int wait_for(std::int64_t timeout_ms, F wait) {
  constexpr std::int64_t kSlice = 60'000;
  for (;;) {
    const std::int64_t slice = timeout_ms < 0 || timeout_ms > kSlice ? kSlice : timeout_ms;
    if (wait(std::chrono::milliseconds(slice))) return SLUICE_OK;
    if (timeout_ms >= 0 && (timeout_ms -= slice) == 0) return SLUICE_TIMEOUT;
  }
}

/// A length of time that is not below zero, and at most a year.
[[nodiscard]] std::chrono::milliseconds milliseconds(std::int64_t value, const char* what);

/// The fields that a caller knows; those behind `given->size` keep their default.
template <typename Options>
Options options_of(const Options* given) {
  Options out{};
  if (given == nullptr) return out;
  if (given->size < sizeof(std::size_t) || given->size > sizeof(Options))
    throw Error("the options' size is " + std::to_string(given->size) + ": set it to sizeof, " +
                std::to_string(sizeof(Options)) + " with this version's header");
  auto* const to = reinterpret_cast<unsigned char*>(&out);
  const auto* const from = reinterpret_cast<const unsigned char*>(given);
  for (std::size_t i = 0; i < given->size; ++i) to[i] = from[i];
  return out;
}

}  // namespace sluice::c
