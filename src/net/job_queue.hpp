// job_queue.hpp: a bounded first-in-first-out queue, one thread putting and many taking.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace sluice::net {

/// Dmitry Vyukov's bounded queue: each cell carries the number of the turn it is in, so
/// that takers only meet at one counter and nobody ever waits for a lock. One thread
/// puts; any thread takes. `T` is copied.
template <typename T>
class JobQueue {
 public:
  /// Holds at least `capacity`.
  explicit JobQueue(std::size_t capacity)
      : cells_(std::make_unique<Cell[]>(std::bit_ceil(capacity))),
        mask_(std::bit_ceil(capacity) - 1) {
    for (std::size_t i = 0; i <= mask_; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
  }

  /// False if it is full. Only the one putting thread.
  [[nodiscard]] bool put(const T& value) {
    Cell& cell = cells_[tail_ & mask_];
    if (cell.turn.load(std::memory_order_acquire) != tail_) return false;
    cell.value = value;
    cell.turn.store(tail_ + 1, std::memory_order_release);
    ++tail_;
    return true;
  }

  /// False if it is empty. Any thread.
  [[nodiscard]] bool take(T& value) {
    std::uint64_t at = head_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[at & mask_];
      const std::uint64_t turn = cell.turn.load(std::memory_order_acquire);
      if (turn == at + 1) {
        if (head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
          value = cell.value;
          cell.turn.store(at + mask_ + 1, std::memory_order_release);
          return true;
        }
      } else if (turn < at + 1) {
        return false;
      } else {
        at = head_.load(std::memory_order_relaxed);
      }
    }
  }

  /// How many have ever been taken.
  [[nodiscard]] std::uint64_t taken() const { return head_.load(std::memory_order_acquire); }
  /// How many have ever been put; the putting thread's own knowledge.
  [[nodiscard]] std::uint64_t put_count() const { return tail_; }
  /// Nothing to take at this moment.
  [[nodiscard]] bool is_empty() const {
    const std::uint64_t at = head_.load(std::memory_order_acquire);
    return cells_[at & mask_].turn.load(std::memory_order_acquire) < at + 1;
  }

 private:
  struct Cell {
    std::atomic<std::uint64_t> turn{0};
    T value{};
  };
  std::unique_ptr<Cell[]> cells_;
  const std::uint64_t mask_;
  alignas(64) std::atomic<std::uint64_t> head_{0};
  alignas(64) std::uint64_t tail_ = 0;
};

}  // namespace sluice::net
