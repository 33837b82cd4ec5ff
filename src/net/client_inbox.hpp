// client_inbox.hpp: tasks on their way from a client's callers to its loop, and how many are open.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include <sluice/task.hpp>

#include "core/submitter.hpp"

namespace sluice::net {

/// Where callers leave tasks, wait for room, and wait for answers.
///
/// It counts what is not answered yet, and the outcomes that are waited for; these counts, not
/// the loop, are what holds callers back. Thread safe; the functions marked "loop" are for the
/// loop's thread alone.
class ClientInbox {
 public:
  using OnOutcome = std::function<void(const Outcome&)>;
  using Deadline = std::chrono::steady_clock::time_point;
  static constexpr Deadline kWait = Deadline::max();  ///< as long as it takes
  static constexpr Deadline kNoWait = Deadline::min();

  ClientInbox(std::uint64_t most_tasks, std::uint64_t most_bytes, std::uint64_t most_awaited)
      : most_tasks_(most_tasks), most_bytes_(most_bytes), most_awaited_(most_awaited) {}

  /// Puts a task in and returns its ticket (1, 2, ...), or 0: closed. Waits for room until
  /// `deadline`; nullopt: there was none. With `on_outcome` the outcome is waited for. Throws Error
  /// where the loop's own thread would have to wait.
  [[nodiscard]] std::optional<std::uint64_t> put(const Task& task, OnOutcome on_outcome = {},
                                                 Deadline deadline = kWait);
  /// Outcomes waited for.
  [[nodiscard]] std::uint64_t awaited() const;
  /// Waits until every ticket given so far is answered, or the inbox is closed; true if they are.
  [[nodiscard]] bool wait_answered(std::chrono::milliseconds timeout);
  [[nodiscard]] std::uint64_t unanswered() const;

  /// loop: hands each waiting task to `each`, in order, its ticket as the cookie.
  void fetch(const std::function<void(const core::NewTask&, OnOutcome)>& each);
  /// loop: something waits to be fetched.
  [[nodiscard]] bool has_work() const;
  /// loop: a ticket has its answer; its callers are told at publish().
  void answered(std::uint64_t ticket);
  /// loop: what the core holds now. Lets those go on who wait for room or for answers.
  void publish(std::uint64_t held_tasks, std::uint64_t held_bytes);
  /// loop: somebody who waited for an outcome is about to be told; room is told at publish().
  void told();
  /// loop: this thread is the loop's.
  void belongs_here();
  [[nodiscard]] bool is_loops_thread() const;
  /// Nobody can put anything from now on; all who wait return.
  void close();

 private:
  struct Waiting {
    core::NewTask task;  // without its views
    std::size_t type_bytes = 0, key_bytes = 0, payload_bytes = 0;
    OnOutcome on_outcome;
  };
  [[nodiscard]] bool has_room(std::uint64_t bytes, bool awaited) const;

  const std::uint64_t most_tasks_, most_bytes_, most_awaited_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Waiting> waiting_;
  std::vector<std::byte> bytes_;  // type, key, payload of each, back to back
  std::uint64_t last_ticket_ = 0;
  std::uint64_t held_tasks_ = 0, held_bytes_ = 0;  // fetched by the loop and not answered
  std::uint64_t answered_through_ = 0;             // every ticket up to it is answered ...
  std::set<std::uint64_t> answered_beyond_;        // ... and these
  std::atomic<std::uint64_t> awaited_{0};
  std::thread::id loop_;
  bool closed_ = false;

  // loop
  std::vector<Waiting> fetched_;
  std::vector<std::byte> fetched_bytes_;
  std::vector<std::uint64_t> newly_answered_;
  bool newly_told_ = false;
};

}  // namespace sluice::net
