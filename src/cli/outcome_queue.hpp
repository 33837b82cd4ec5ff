// outcome_queue.hpp: outcomes on their way from the sink's thread to the one that prints.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include <sluice/outcome.hpp>

namespace sluice::cli {

/// Bounded by bytes: when printing is slow the sink is told "later", its confirms wait, and
/// in the end nothing more is submitted. push() belongs to one thread, the rest to another.
class OutcomeQueue {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{64} << 20;

  OutcomeQueue();  // throws sluice::Error when there are no descriptors left
  ~OutcomeQueue();
  OutcomeQueue(const OutcomeQueue&) = delete;
  OutcomeQueue& operator=(const OutcomeQueue&) = delete;

  /// False if it is full.
  [[nodiscard]] bool push(const OutcomeView& outcome);
  /// Takes it however full it is: where the pusher has bounded it otherwise.
  void push_anyway(Outcome outcome, std::uint64_t place = 0);
  [[nodiscard]] bool has_room() const;

  struct Item {
    Outcome outcome;
    std::uint64_t place = 0;  ///< as it was pushed
  };
  [[nodiscard]] std::optional<Item> pop_item();
  [[nodiscard]] std::optional<Outcome> pop();
  /// Readable when there may be something to pop; reset() before popping all.
  [[nodiscard]] int fd() const { return fd_; }
  void reset() const;

 private:
  void signal() const;

  int fd_;
  mutable std::mutex mutex_;
  std::deque<Item> queue_;
  std::size_t bytes_ = 0;
};

}  // namespace sluice::cli
