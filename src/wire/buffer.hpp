// buffer.hpp: memory that messages are encoded into, again and again.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>

#include "core/chunk.hpp"

namespace sluice::wire {

/// Grows and never shrinks, so a steady flow of messages allocates nothing.
/// Unlike a vector it does not zero what is about to be overwritten.
/// Belongs to one thread.
class Buffer {
 public:
  void clear() { size_ = 0; }
  [[nodiscard]] core::Bytes bytes() const { return {data_.get(), size_}; }
  [[nodiscard]] std::byte* data() { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

  /// Room for `more` bytes behind what is there; returns its start. What is
  /// written there counts only after set_end(). Earlier pointers are void.
  std::byte* room(std::size_t more) {
    if (capacity_ - size_ < more) grow(more);
    return data_.get() + size_;
  }
  /// One past the last byte written, within the room given last.
  void set_end(const std::byte* end) { size_ = static_cast<std::size_t>(end - data_.get()); }

  void append(core::Bytes bytes) {
    if (bytes.empty()) return;
    std::memcpy(room(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }

 private:
  void grow(std::size_t more);

  std::unique_ptr<std::byte[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace sluice::wire
