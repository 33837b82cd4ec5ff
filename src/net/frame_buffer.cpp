// frame_buffer.cpp: the pool of large buffers.
// SPDX-License-Identifier: MIT
#include "net/frame_buffer.hpp"

namespace sluice::net {

// Room for all spares at once: give_back() may not allocate, it runs in libzmq's thread.
FramePool::FramePool() { spare_.reserve(kSpareBuffers); }

std::shared_ptr<FramePool> FramePool::make() { return std::shared_ptr<FramePool>(new FramePool); }

std::unique_ptr<PooledBuffer> FramePool::take() {
  std::unique_ptr<PooledBuffer> taken;
  {
    const std::lock_guard lock(mutex_);
    if (!spare_.empty()) {
      taken = std::move(spare_.back());
      spare_.pop_back();
      spare_bytes_ -= taken->buffer.capacity();
    }
  }
  if (!taken) taken = std::make_unique<PooledBuffer>();
  taken->pool = shared_from_this();
  const std::lock_guard lock(mutex_);
  ++away_;
  return taken;
}

void FramePool::give_back(std::unique_ptr<PooledBuffer> buffer) noexcept {
  const std::shared_ptr<FramePool> pool = std::move(buffer->pool);
  buffer->buffer.clear();
  const std::size_t bytes = buffer->buffer.capacity();
  const std::lock_guard lock(pool->mutex_);
  --pool->away_;
  if (pool->spare_.size() < kSpareBuffers && pool->spare_bytes_ + bytes <= kSpareBytes) {
    pool->spare_bytes_ += bytes;
    pool->spare_.push_back(std::move(buffer));
  }
}

std::size_t FramePool::away() const {
  const std::lock_guard lock(mutex_);
  return away_;
}

std::size_t FramePool::spare() const {
  const std::lock_guard lock(mutex_);
  return spare_.size();
}

OutFrame& OutFrame::operator=(OutFrame&& other) noexcept {
  if (this != &other) {
    if (held_) FramePool::give_back(std::move(held_));
    pool_ = std::move(other.pool_);
    held_ = std::move(other.held_);
  }
  return *this;
}

OutFrame::~OutFrame() {
  if (held_) FramePool::give_back(std::move(held_));
}

wire::Buffer& OutFrame::buffer() {
  if (!held_) held_ = pool_->take();
  return held_->buffer;
}

}  // namespace sluice::net
