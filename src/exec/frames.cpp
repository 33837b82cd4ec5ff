// frames.cpp: writing frames to the socketpair and cutting them out of it again.
// SPDX-License-Identifier: MIT
#include "exec/frames.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "core/assert.hpp"

namespace sluice::exec {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::size_t kKeepBytes = std::size_t{1} << 20;  // a larger empty buffer is given back
constexpr std::size_t kLengthBytes = sizeof(std::uint32_t);

}  // namespace

void Outbox::append(const void* data, std::size_t size) {
  const std::byte* const bytes = static_cast<const std::byte*>(data);
  bytes_.insert(bytes_.end(), bytes, bytes + size);
}

void Outbox::begin(FrameKind kind) {
  frame_ = bytes_.size();
  const std::uint32_t length_comes_later = 0;
  append(&length_comes_later, sizeof length_comes_later);
  append(&kind, sizeof kind);
}

void Outbox::put(std::uint64_t number) { append(&number, sizeof number); }

void Outbox::put(std::span<const std::byte> bytes) {
  SLUICE_ASSERT(bytes.size() <= std::numeric_limits<std::uint32_t>::max());
  const std::uint32_t size = static_cast<std::uint32_t>(bytes.size());
  append(&size, sizeof size);
  append(bytes.data(), bytes.size());
}

void Outbox::put(std::string_view text) { put(std::as_bytes(std::span(text.data(), text.size()))); }

void Outbox::end() {
  const std::size_t size = bytes_.size() - frame_ - kLengthBytes;
  SLUICE_ASSERT(size <= std::numeric_limits<std::uint32_t>::max());
  const std::uint32_t length = static_cast<std::uint32_t>(size);
  std::memcpy(bytes_.data() + frame_, &length, sizeof length);
}

Outbox::Flush Outbox::flush(int fd) {
  while (sent_ < bytes_.size()) {
    const ssize_t n = ::send(fd, bytes_.data() + sent_, bytes_.size() - sent_,
                             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) return Flush::broken;
      // Give back the front once it is the larger part, so that each byte moves about once.
      if (sent_ > bytes_.size() / 2) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(sent_));
        sent_ = 0;
      }
      return Flush::blocked;
    }
    sent_ += static_cast<std::size_t>(n);
  }
  bytes_.clear();
  sent_ = 0;
  if (bytes_.capacity() > kKeepBytes) bytes_.shrink_to_fit();
  return Flush::sent;
}

void Inbox::make_room() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (bytes_.size() > kKeepBytes) {
      bytes_.resize(kReadBytes);
      bytes_.shrink_to_fit();
    }
  }
  std::size_t wanted = kReadBytes;
  if (end_ - begin_ >= kLengthBytes) {
    std::uint32_t length = 0;
    std::memcpy(&length, bytes_.data() + begin_, sizeof length);
    wanted = std::max(wanted, kLengthBytes + length - std::min<std::size_t>(
                                  end_ - begin_, kLengthBytes + length));
  }
  if (bytes_.size() - end_ >= wanted) return;
  if (begin_ > 0) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (bytes_.size() - end_ < wanted) bytes_.resize(end_ + wanted);
}

Inbox::Fill Inbox::fill(int fd) {
  make_room();
  for (;;) {
    const ssize_t n = ::recv(fd, bytes_.data() + end_, bytes_.size() - end_, MSG_DONTWAIT);
    if (n > 0) {
      end_ += static_cast<std::size_t>(n);
      return Fill::got;
    }
    if (n == 0) return Fill::ended;
    if (errno == EINTR) continue;
    // ECONNRESET is how a peer that died with unread frames looks.
    return errno == EAGAIN || errno == EWOULDBLOCK ? Fill::empty : Fill::ended;
  }
}

std::optional<std::span<const std::byte>> Inbox::next() {
  if (end_ - begin_ < kLengthBytes) return std::nullopt;
  std::uint32_t length = 0;
  std::memcpy(&length, bytes_.data() + begin_, sizeof length);
  if (end_ - begin_ - kLengthBytes < length) return std::nullopt;
  const std::span<const std::byte> frame(bytes_.data() + begin_ + kLengthBytes, length);
  begin_ += kLengthBytes + length;
  return frame;
}

FrameReader::FrameReader(std::span<const std::byte> frame) : rest_(frame) {
  take(&kind_, sizeof kind_);
}

void FrameReader::take(void* into, std::size_t size) {
  SLUICE_ASSERT(rest_.size() >= size);
  std::memcpy(into, rest_.data(), size);
  rest_ = rest_.subspan(size);
}

std::uint64_t FrameReader::number() {
  std::uint64_t value = 0;
  take(&value, sizeof value);
  return value;
}

std::span<const std::byte> FrameReader::bytes() {
  std::uint32_t size = 0;
  take(&size, sizeof size);
  SLUICE_ASSERT(rest_.size() >= size);
  const std::span<const std::byte> value = rest_.first(size);
  rest_ = rest_.subspan(size);
  return value;
}

std::string FrameReader::text() {
  const std::span<const std::byte> value = bytes();
  std::string text(value.size(), '\0');
  std::memcpy(text.data(), value.data(), value.size());
  return text;
}

void put_run(Outbox& outbox, std::uint64_t token, std::chrono::milliseconds timeout,
             std::span<const std::pair<std::string, std::string>> env,
             std::span<const std::byte> payload) {
  outbox.begin(FrameKind::run);
  outbox.put(token);
  outbox.put(static_cast<std::uint64_t>(std::max<std::int64_t>(0, timeout.count())));
  outbox.put(std::uint64_t{env.size()});
  for (const auto& variable : env) {
    outbox.put(std::string_view(variable.first));
    outbox.put(std::string_view(variable.second));
  }
  outbox.put(payload);
  outbox.end();
}

RunFrame read_run(FrameReader& reader) {
  RunFrame run;
  run.token = reader.number();
  run.timeout = std::chrono::milliseconds(reader.number());
  const std::uint64_t variables = reader.number();
  for (std::uint64_t i = 0; i < variables; ++i) {
    std::string name = reader.text();
    run.env.emplace_back(std::move(name), reader.text());
  }
  run.payload = reader.bytes();
  return run;
}

}  // namespace sluice::exec
