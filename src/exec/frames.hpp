// frames.hpp: the messages between a worker and its supervisor.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::exec {

// A frame on the socketpair, in the machine's own byte order since both ends
// are one program on one machine:
//
//   u32 length of what follows | u8 kind | fields: u64, or u32 length + bytes
//
// Both ends are ours, so a frame that does not parse is a broken invariant.
enum class FrameKind : std::uint8_t {
  ready,     // supervisor: text, empty if it is ready, else why it cannot be
  run,       // worker: token, timeout_ms, u64 n, n times (name, value), payload
  cancel,    // worker: token
  stop,      // worker: grace_ms
  finished,  // supervisor: token, end, started_us, run_us, error, result
};

using Variables = std::vector<std::pair<std::string, std::string>>;

/// Frames on their way out. Never blocks: what the socket does not take waits here.
class Outbox {
 public:
  void begin(FrameKind kind);
  void put(std::uint64_t number);
  void put(std::span<const std::byte> bytes);
  void put(std::string_view text);
  void end();

  enum class Flush { sent, blocked, broken };
  [[nodiscard]] Flush flush(int fd);
  [[nodiscard]] bool empty() const { return sent_ == bytes_.size(); }

 private:
  void append(const void* data, std::size_t size);

  std::vector<std::byte> bytes_;
  std::size_t sent_ = 0;   // of bytes_
  std::size_t frame_ = 0;  // where the frame being written begins
};

/// Frames on their way in.
class Inbox {
 public:
  enum class Fill { got, empty, ended };
  /// One read without blocking. Invalidates the frames handed out before.
  [[nodiscard]] Fill fill(int fd);

  /// The next whole frame, without its length.
  [[nodiscard]] std::optional<std::span<const std::byte>> next();

 private:
  void make_room();

  std::vector<std::byte> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// Reads the fields of one frame in the order they were put.
class FrameReader {
 public:
  explicit FrameReader(std::span<const std::byte> frame);

  [[nodiscard]] FrameKind kind() const { return kind_; }
  std::uint64_t number();
  std::span<const std::byte> bytes();
  std::string text();

 private:
  void take(void* into, std::size_t size);

  std::span<const std::byte> rest_;
  FrameKind kind_{};
};

/// What a `run` frame says. `payload` points into the frame.
struct RunFrame {
  std::uint64_t token = 0;
  std::chrono::milliseconds timeout{0};  // 0: none
  Variables env;
  std::span<const std::byte> payload;
};

void put_run(Outbox& outbox, std::uint64_t token, std::chrono::milliseconds timeout,
             std::span<const std::pair<std::string, std::string>> env,
             std::span<const std::byte> payload);
RunFrame read_run(FrameReader& reader);

}  // namespace sluice::exec
