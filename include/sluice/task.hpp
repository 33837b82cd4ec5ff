// task.hpp: a task as its submitter describes it, and as its handler sees it.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sluice/outcome.hpp>

namespace sluice {

/// What a submitter says about a task. Everything but the type may be left out.
struct Task {
  std::string type;  ///< which handler runs it; 1..128 bytes of UTF-8
  std::vector<std::byte>
      payload;                 ///< its arguments; at most the frame limit less 64 KiB (4032 KiB)
  std::string key;             ///< your own name for it, at most 128 bytes; a second submit of a
                               ///< known key is answered with the first one's id
  std::uint32_t priority = 0;  ///< higher goes first, strictly, within its type
  std::chrono::milliseconds delay{0};    ///< not before so long after it was accepted
  std::chrono::milliseconds ttl{0};      ///< expires if not settled by then; 0: never
  std::chrono::milliseconds timeout{0};  ///< limit of one execution, at the worker; 0: none
  std::uint32_t max_attempts =
      0;  ///< failed executions before it fails; 0: the ventilator's default

  /// A task whose payload is a value (<sluice/typed.hpp>); the handler gets it back with
  /// TaskView::as().
  template <typename Arguments>
  [[nodiscard]] static Task of(std::string type, const Arguments& arguments) {
    Task task;
    task.type = std::move(type);
    task.payload = pack(arguments);
    return task;
  }
};

/// A task in a handler's hands. The views are valid until the handler returns.
struct TaskView {
  TaskId id;
  std::uint32_t attempt = 1;  ///< which execution this is
  std::uint32_t slot = 0;     ///< which of the worker's slots runs it, from 0
  std::string_view type;
  std::string_view key;
  std::span<const std::byte> payload;
  std::chrono::milliseconds timeout{0};
  bool last_attempt = false;  ///< a failure now is final

  /// The arguments as what they were packed from. Throws WrongType.
  template <typename Arguments>
  [[nodiscard]] Arguments as() const {
    return unpack<Arguments>(payload);
  }
};

}  // namespace sluice
