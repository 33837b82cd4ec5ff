// client.hpp: submits tasks to a ventilator in another process, and asks it things.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/export.hpp>
#include <sluice/task.hpp>

namespace sluice {

struct ClientOptions {
  /// The ventilator's endpoint (Access::control).
  std::string connect;
  /// Where the endpoint comes from, for error texts: an access file's path. May be empty.
  std::string access_file;
  /// Default "hostname-pid".
  std::string name;
  /// The constructor throws if nothing has answered by then.
  std::chrono::milliseconds connect_timeout{5000};
  /// Tasks, and their bytes, kept until the ventilator has confirmed them. Beyond, submit blocks.
  std::uint64_t max_unconfirmed = 65'536;
  std::uint64_t max_unconfirmed_bytes = std::uint64_t{64} << 20;
};

/// The ventilator's answer to one submitted task.
struct Confirmation {
  enum class Kind : std::uint8_t {
    taken,      ///< `id` is its number
    duplicate,  ///< its key is known: `id` is the first one's
    conflict,   ///< its key belongs to a task with another payload
    refused,    ///< see `why`
  };
  std::uint64_t ticket = 0;  ///< as submit() returned it
  Kind kind{};
  TaskId id;
  std::string why;
};

/// Keeps each task until the ventilator has confirmed it; reconnects by itself, and
/// sends again without doubling anything.
///
/// One thread of its own owns its socket. All functions may be called from any thread.
class SLUICE_API Client {
 public:
  /// Called on the client's thread for each answer; must not block or call the client.
  using OnConfirm = std::function<void(const Confirmation&)>;

  /// Connects. Throws Error when nothing answers within connect_timeout; the text names
  /// the endpoint and the cure.
  explicit Client(ClientOptions options, OnConfirm on_confirm = {});
  /// What is unconfirmed is given up: wait_confirmed() first.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Takes the task and returns its ticket (1, 2, ...); blocks while too many are unconfirmed.
  /// Throws Error: bad type, key or payload; the ventilator drains or has gone for good.
  std::uint64_t submit(const Task& task);
  /// Waits until everything submitted so far has been answered; false after `timeout`.
  /// Throws Error if the ventilator has ended.
  [[nodiscard]] bool wait_confirmed(std::chrono::milliseconds timeout);
  [[nodiscard]] std::uint64_t unconfirmed() const;

  /// Asks (docs/PROTOCOL.md, "Queries") and waits for the answer, a JSON text. Throws Error.
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
