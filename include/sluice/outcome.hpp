// outcome.hpp: how a task ended, as the sink tells it.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/codec.hpp>
#include <sluice/export.hpp>

namespace sluice {

/// A task's identity everywhere: the lineage of its ventilator's log, and its number there.
struct SLUICE_API TaskId {
  std::array<std::uint8_t, 16> log{};
  std::uint64_t seq = 0;

  /// The form people see, "9f3a1c07-42": four bytes of the log in hex, a dash, the seq.
  [[nodiscard]] std::string str() const;
  friend bool operator==(const TaskId&, const TaskId&) = default;
};

/// The four ways a task can end, whose numbers are the protocol's; and two that only a waiting
/// client or pool knows of.
enum class Status : std::uint8_t {
  done = 0,
  failed = 1,
  expired = 2,
  cancelled = 3,
  refused = 254,  ///< it never became a task: the ventilator would not take it; `error` says why
  unknown = 255,  ///< nobody waits any more; the task itself may still be settled
};

/// "done", "failed", "expired", "cancelled", "refused" or "unknown".
[[nodiscard]] SLUICE_API std::string_view to_string(Status status);

/// The one outcome of a task, valid for the length of the handler's call. Copy what you keep.
struct OutcomeView {
  TaskId id;
  Status status{};
  std::uint32_t attempt = 0;  ///< which execution this is the outcome of; 0: it never ran
  std::string_view key;       ///< the submitter's own name for the task, or empty
  std::string_view type;
  std::string_view worker;            ///< who sent it: the worker's name, or the ventilator's
  std::string_view error;             ///< why it is not done, for people; empty when done
  std::span<const std::byte> result;  ///< what the handler returned; for "exec" see CommandResult
  bool result_is_task = false;  ///< `result` holds the task's own payload: no worker could report
  std::chrono::system_clock::time_point started;  ///< 1970 if it never started
  std::chrono::microseconds run{0};               ///< time in the handler

  /// The result as what the handler returned. Throws WrongType; Error, with the text of
  /// `error`, if the task is not done.
  template <typename T>
  [[nodiscard]] T as() const;
};

/// An OutcomeView that owns its bytes.
struct SLUICE_API Outcome {
  TaskId id;
  Status status{};
  std::uint32_t attempt = 0;
  std::string key, type, worker, error;
  std::vector<std::byte> result;
  bool result_is_task = false;
  std::chrono::system_clock::time_point started;
  std::chrono::microseconds run{0};

  Outcome() = default;
  explicit Outcome(const OutcomeView& view);

  /// As OutcomeView::as().
  template <typename T>
  [[nodiscard]] T as() const;
};

/// Throws Error, saying what became of the task, unless it is done.
SLUICE_API void require_done(const TaskId& id, Status status, std::string_view error);

template <typename T>
T OutcomeView::as() const {
  require_done(id, status, error);
  return unpack<T>(result);
}

template <typename T>
T Outcome::as() const {
  require_done(id, status, error);
  return unpack<T>(result);
}

}  // namespace sluice
