// frame_buffer.hpp: large messages leave without a copy, in memory used again.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "core/chunk.hpp"
#include "wire/buffer.hpp"

namespace sluice::net {

class FramePool;

/// A buffer on its way: in an OutFrame, in libzmq, or spare in the pool.
struct PooledBuffer {
  wire::Buffer buffer;
  std::shared_ptr<FramePool> pool;  // set while it is away, so that the pool outlives it
  bool refused = false;             // libzmq did not take it; it stays with its OutFrame
};

/// Buffers that come back from libzmq's I/O thread and are used again. Large messages in
/// fresh memory cost a quarter of the throughput in page faults (measured). Safe from any
/// thread; lives as long as anybody, libzmq included, still has one of its buffers.
class FramePool : public std::enable_shared_from_this<FramePool> {
 public:
  /// Spare memory kept; buffers that come back beyond it are freed.
  static constexpr std::size_t kSpareBytes = 16 * 1024 * 1024;
  static constexpr std::size_t kSpareBuffers = 256;

  [[nodiscard]] static std::shared_ptr<FramePool> make();

  [[nodiscard]] std::unique_ptr<PooledBuffer> take();
  static void give_back(std::unique_ptr<PooledBuffer> buffer) noexcept;

  /// Buffers that are away, and spare ones.
  [[nodiscard]] std::size_t away() const;
  [[nodiscard]] std::size_t spare() const;

 private:
  FramePool();

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<PooledBuffer>> spare_;
  std::size_t spare_bytes_ = 0;
  std::size_t away_ = 0;
};

/// One message to send. A shell encodes into buffer() and passes the frame to a socket's
/// send(); one OutFrame serves for all messages. Sent large ones go to libzmq as they are and
/// come back to the pool; if they could not be sent, and small ones always, the
/// bytes stay here. To retry later, move the frame away and make a new one.
class OutFrame {
 public:
  explicit OutFrame(std::shared_ptr<FramePool> pool) : pool_(std::move(pool)) {}
  OutFrame(OutFrame&&) noexcept = default;
  OutFrame& operator=(OutFrame&& other) noexcept;
  ~OutFrame();

  /// What to encode into. Keeps its bytes until they were handed over.
  [[nodiscard]] wire::Buffer& buffer();
  [[nodiscard]] core::Bytes bytes() const { return held_ ? held_->buffer.bytes() : core::Bytes{}; }

  /// For the sockets: gives the buffer away.
  [[nodiscard]] std::unique_ptr<PooledBuffer> release() { return std::move(held_); }
  void take_back(std::unique_ptr<PooledBuffer> held) { held_ = std::move(held); }

 private:
  std::shared_ptr<FramePool> pool_;
  std::unique_ptr<PooledBuffer> held_;
};

}  // namespace sluice::net
