// client.hpp: submits tasks to a ventilator in another process, and waits for their outcomes.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sluice/export.hpp>
#include <sluice/outcome.hpp>
#include <sluice/task.hpp>

namespace sluice {

struct ClientOptions {
  /// The ventilator's endpoint (Access::control). Empty: read from access_file, or from the file
  /// that SLUICE_ACCESS names.
  std::string connect{};
  /// Where the endpoint comes from: an access file's path, for error texts, and to notice within
  /// seconds that the ventilator has gone. May be empty.
  std::string access_file{};
  /// Default "hostname-pid".
  std::string name{};
  /// The constructor throws if nothing has answered by then.
  std::chrono::milliseconds connect_timeout{5000};
  /// How long a ventilator that was there may be away; then the client has failed: those who wait
  /// get Status::unknown, and calls throw. One that has said that it ends is awaited for four
  /// heartbeats at most, since another may take its place. 0: for ever.
  std::chrono::milliseconds reconnect_timeout{30'000};
  /// Tasks, and their bytes, kept until the ventilator has confirmed them. Beyond, post and
  /// submit block.
  std::uint64_t max_unconfirmed = 65'536;
  std::uint64_t max_unconfirmed_bytes = std::uint64_t{64} << 20;
  /// Outcomes waited for at once. Beyond, submit blocks.
  std::uint64_t max_awaited = 65'536;
};

/// The ventilator's answer to one submitted task.
struct Confirmation {
  enum class Kind : std::uint8_t {
    taken,      ///< `id` is its number
    duplicate,  ///< its key is known: `id` is the first one's
    conflict,   ///< its key belongs to a task with another payload
    refused,    ///< see `why`
  };
  std::uint64_t ticket = 0;  ///< as post() returned it; all tasks of a client are counted 1, 2, ...
  Kind kind{};
  TaskId id;
  std::string why;
};

/// Keeps each task until the ventilator has confirmed it; reconnects by itself, and
/// sends again without doubling anything. Outcomes that are waited for come from the sinks, to
/// which it connects by itself.
///
///     sluice::Client client({.access_file = "/shared/a.json"});
///     auto thumb = client.submit("resize", Job{"a.jpg", 64});     // a future
///     int sum = client.call<int>("add", std::tuple(1, 2), 5s);    // request and reply
///     client.post(Task::of("log", std::string("and forget")));
///
/// A task that is waited for has one answer, an Outcome, also if it goes wrong:
/// Status::refused if the ventilator would not take it (id.seq is 0, `error` says why);
/// Status::unknown if the client was closed first, or the task's ventilator has died with it.
/// One whose `key` is known gets the first one's outcome. An outcome that its sink no longer
/// holds (beside its file it keeps only what nobody has fetched yet, 64 MiB at most) keeps its
/// status and has no result; `error` says so.
///
/// One thread of its own owns its sockets and makes all callbacks. All functions may be called
/// from any thread.
class SLUICE_API Client {
 public:
  /// Called on the client's thread for each answer to a task, in no order; must not block.
  using OnConfirm = std::function<void(const Confirmation&)>;
  /// Called on the client's thread, once for each task; must not block. It may use post(),
  /// submit() and try_submit(); where they would have to wait for room the first two throw
  /// there. What it throws ends the client: check what calls throw from then on.
  using OnOutcome = std::function<void(const Outcome&)>;

  /// Connects. Throws Error when nothing answers within connect_timeout; the text names
  /// the endpoint and the cure; when there is neither an endpoint nor an access file, or it is
  /// a stale one.
  explicit Client(ClientOptions options = {}, OnConfirm on_confirm = {});
  /// Not from a callback. What is unconfirmed is given up: wait_confirmed() first. Those who still
  /// wait for an outcome get Status::unknown.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Takes the task, for which nobody waits, and returns its ticket (1, 2, ...); blocks while
  /// too many are unconfirmed. Throws Error: bad type, key or payload; the ventilator has gone
  /// for good, or the client has failed.
  std::uint64_t post(const Task& task);

  /// The outcome, sooner or later; never broken_promise. Blocks while too many are
  /// unconfirmed or awaited. Throws as post().
  [[nodiscard]] std::future<Outcome> submit(const Task& task);
  /// The same with a callback; returns the ticket. The confirmation of that ticket tells the
  /// task's number, by which it can be cancelled.
  std::uint64_t submit(const Task& task, OnOutcome on_outcome);
  /// The same, but nullopt instead of waiting for room; then nothing was taken.
  [[nodiscard]] std::optional<std::uint64_t> try_submit(const Task& task, OnOutcome on_outcome);
  /// With arguments that are packed (<sluice/typed.hpp>); Outcome::as() unpacks the result.
  template <typename Arguments>
  [[nodiscard]] std::future<Outcome> submit(std::string type, const Arguments& arguments) {
    return submit(Task::of(std::move(type), arguments));
  }
  template <typename Arguments>
  std::uint64_t submit(std::string type, const Arguments& arguments, OnOutcome on_outcome) {
    return submit(Task::of(std::move(type), arguments), std::move(on_outcome));
  }

  /// Submits and waits for the outcome. After `timeout`: Status::unknown; the task is not
  /// cancelled (but see Task::ttl). Throws as post(), and in a callback.
  [[nodiscard]] Outcome call(const Task& task, std::chrono::milliseconds timeout);
  /// The result as R. Throws Error unless the task was done in time; WrongType.
  template <typename R, typename Arguments>
  [[nodiscard]] R call(std::string type, const Arguments& arguments,
                       std::chrono::milliseconds timeout) {
    return call(Task::of(std::move(type), arguments), timeout).template as<R>();
  }

  /// Waits until the ventilator has answered for every task so far; false after `timeout`.
  /// Throws Error if the ventilator has ended.
  [[nodiscard]] bool wait_confirmed(std::chrono::milliseconds timeout);
  [[nodiscard]] std::uint64_t unconfirmed() const;
  /// Outcomes that are waited for.
  [[nodiscard]] std::uint64_t awaited() const;

  /// Asks (docs/PROTOCOL.md, "Queries") and waits for the answer, a JSON text. Throws
  /// Error. Not from a callback, and so cancel().
  [[nodiscard]] std::string query(std::string_view verb, const std::vector<std::string>& args,
                                  std::chrono::milliseconds timeout);
  /// Asks for tasks to end early; true for those that are known and unsettled. Throws Error.
  [[nodiscard]] std::vector<bool> cancel(const std::vector<std::uint64_t>& seqs,
                                         std::chrono::milliseconds timeout);

  /// The lineage of the ventilator's numbers.
  [[nodiscard]] std::array<std::uint8_t, 16> log() const;
  /// Whether confirmed tasks survive the ventilator's end.
  [[nodiscard]] bool durable() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
