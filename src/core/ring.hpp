// ring.hpp: a queue that allocates only to grow.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace sluice::core {

/// First in, first out, in one array whose size is a power of two. std::deque gives
/// its blocks back and takes new ones as a steady flow moves through it; this does not.
template <typename T>
class Ring {
 public:
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] T& front() { return cells_[head_]; }
  [[nodiscard]] const T& front() const { return cells_[head_]; }
  /// The i-th from the front.
  [[nodiscard]] T& operator[](std::size_t i) { return cells_[(head_ + i) & mask()]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return cells_[(head_ + i) & mask()]; }

  void push_back(T value) {
    if (size_ == cells_.size()) grow();
    cells_[(head_ + size_) & mask()] = std::move(value);
    ++size_;
  }
  void push_front(T value) {
    if (size_ == cells_.size()) grow();
    head_ = (head_ - 1) & mask();
    cells_[head_] = std::move(value);
    ++size_;
  }
  void pop_front() {
    cells_[head_] = T{};
    head_ = (head_ + 1) & mask();
    --size_;
  }
  void clear() {
    while (!empty()) pop_front();
  }

 private:
  [[nodiscard]] std::size_t mask() const { return cells_.size() - 1; }
  void grow() {
    std::vector<T> larger(cells_.empty() ? 16 : cells_.size() * 2);
    for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
    cells_ = std::move(larger);
    head_ = 0;
  }

  std::vector<T> cells_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace sluice::core
