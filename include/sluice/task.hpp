// task.hpp: a task as its submitter describes it, and as its handler sees it.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <sluice/export.hpp>
#include <sluice/outcome.hpp>

namespace sluice {

/// What a submitter says about a task. Everything but the type may be left out.
struct Task {
  std::string type{};  ///< which handler runs it; 1..128 bytes of UTF-8
  std::vector<std::byte>
      payload{};               ///< its arguments; at most the frame limit less 64 KiB (4032 KiB)
  std::string key{};           ///< your own name for it, at most 128 bytes; a second submit of a
                               ///< known key is answered with the first one's id
  std::uint32_t priority = 0;  ///< higher goes first, strictly, within its type
  std::chrono::milliseconds delay{0};    ///< not before so long after it was accepted
  std::chrono::milliseconds ttl{0};      ///< expires if not settled by then; 0: never
  std::chrono::milliseconds timeout{0};  ///< limit of one execution: commands are ended then,
                                         ///< handlers see it as their deadline; 0: none
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

/// Thrown by a handler, or told with TaskView::fail(): the attempt has failed like any other, and
/// if more are allowed, the next is made `after` this long rather than after the ventilator's
/// own backoff.
class SLUICE_API Retry : public std::runtime_error {
 public:
  /// `after`: 1 ms at least. `why`: for people, cut to 512 bytes.
  Retry(std::chrono::milliseconds after, const std::string& why)
      : std::runtime_error(why), after_(after) {}
  [[nodiscard]] std::chrono::milliseconds after() const { return after_; }

 private:
  std::chrono::milliseconds after_;
};

/// Thrown by a handler when no further attempt can help: the task fails at once, with this text.
class SLUICE_API Fail : public std::runtime_error {
 public:
  explicit Fail(const std::string& why) : std::runtime_error(why) {}
};

namespace detail {
class SLUICE_API TaskHold;  // no user sees it: the library does not show its names
}  // namespace detail

/// A task in a handler's hands.
///
/// A handler that takes `const TaskView&` is synchronous: it returns the result or throws, and
/// the view and all it shows are good until then.
///
/// A handler that takes a TaskView by value is asynchronous: it may return at once, and the view
/// may be moved to another thread or event loop, to be finished there by done(), fail() or
/// retry(). The view owns its bytes and may outlive the Worker; finishing it then does nothing,
/// and the task runs elsewhere. One that is destroyed unfinished has failed the attempt: "the
/// handler dropped the task". A view is one thread's at a time.
class SLUICE_API TaskView {
 public:
  /// Of no worker's task, for tests: fill in what the handler reads. It is never cancelled, and
  /// cannot be finished.
  TaskView() = default;
  TaskView(TaskView&& other) noexcept;
  TaskView& operator=(TaskView&& other) noexcept;
  TaskView(const TaskView&) = delete;
  TaskView& operator=(const TaskView&) = delete;
  ~TaskView();

  TaskId id;
  std::uint32_t attempt = 1;  ///< which execution this is
  std::uint32_t slot = 0;     ///< which of the worker's slots it has, from 0; no other has it
  std::string_view type;
  std::string_view key;
  std::span<const std::byte> payload;
  std::chrono::milliseconds timeout{0};  ///< the submitter's limit of this execution; 0: none
  bool last_attempt = false;             ///< a failure now is final

  /// The arguments as what they were packed from. Throws WrongType.
  template <typename Arguments>
  [[nodiscard]] Arguments as() const {
    return unpack<Arguments>(payload);
  }

  /// Whether the submitter, the ventilator or Worker::stop() wants it stopped. A handler that
  /// looks may throw whatever it likes, or call fail(): the task ends as cancelled (or, when the
  /// worker stops, runs elsewhere). A result counts all the same.
  [[nodiscard]] bool cancelled() const;
  /// When `timeout` is over; nullopt without one. Nobody ends a handler that goes on.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> deadline() const {
    return deadline_;
  }
  /// Says how far it is: UTF-8, cut to 512 bytes. The latest text is shown by `status`, some
  /// 200 ms later, for as long as the task runs here.
  void progress(std::string_view text) const;

  // For asynchronous handlers. Each of these finishes the task, once; then, and for a view that
  // came by const reference or was moved away, they throw Error.

  /// The task is done and this is its result; as large as a payload at most.
  void done(std::span<const std::byte> result);
  void done(const std::vector<std::byte>& result) { done(std::span<const std::byte>(result)); }
  void done() { done(std::span<const std::byte>()); }
  /// The same, of any type that has a Codec.
  template <typename T>
  requires(!std::is_convertible_v<const T&, std::span<const std::byte>>) void done(
      const T& result) {
    done(pack(result));
  }
  /// The attempt has failed. `why` is for people, cut to 512 bytes.
  void fail(const std::string& why);
  /// The same, and what an exception says beyond that: what of Fail, Retry and WrongType.
  void fail(const std::exception& why);
  /// The attempt has failed; the next, if more are allowed, is made `after` this long.
  void retry(std::chrono::milliseconds after, const std::string& why);

 private:
  friend class detail::TaskHold;
  TaskView(std::shared_ptr<detail::TaskHold> hold, bool asynchronous);

  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::shared_ptr<detail::TaskHold> hold_;  // null: of no worker's task, or moved away
  bool asynchronous_ = false;
};

}  // namespace sluice
