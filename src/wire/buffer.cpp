// buffer.cpp: how a Buffer grows.
// SPDX-License-Identifier: MIT
#include "wire/buffer.hpp"

#include <algorithm>

namespace sluice::wire {

void Buffer::grow(std::size_t more) {
  constexpr std::size_t kFirst = 4096;
  const std::size_t wanted = std::max({size_ + more, capacity_ * 2, kFirst});
  auto larger = std::make_unique_for_overwrite<std::byte[]>(wanted);
  if (size_ != 0) std::memcpy(larger.get(), data_.get(), size_);
  data_ = std::move(larger);
  capacity_ = wanted;
}

}  // namespace sluice::wire
