// cursor.hpp: a bounds-checked walk over the msgpack a peer sent.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/chunk.hpp"
#include "core/message.hpp"

namespace sluice::wire {

/// Reads the subset of msgpack the protocol allows: nil, bool, whole numbers from
/// 0 to 2^63-1 in any width, str, bin and arrays.
///
/// Failure sticks: the first one is kept, the cursor jumps to its end, and every
/// later read gives zero or nothing. So a reader looks at ok() once per entry and
/// not after each number. Measured at 12 ns for the ten values of a task, against
/// 36 for unpacking them into msgpack's objects and reading nothing yet.
class Cursor {
 public:
  explicit Cursor(core::Bytes body)
      : at_(reinterpret_cast<const std::uint8_t*>(body.data())), end_(at_ + body.size()) {}

  [[nodiscard]] bool ok() const { return what_.empty(); }
  [[nodiscard]] core::Code code() const { return code_; }
  [[nodiscard]] std::string_view what() const { return what_; }
  /// `what` must be a literal.
  void fail(core::Code code, std::string_view what);

  [[nodiscard]] std::uint64_t number() {
    if (at_ != end_ && *at_ < 0x80) return *at_++;
    return wide_number();
  }
  [[nodiscard]] std::uint64_t number_up_to(std::uint64_t max) {
    const std::uint64_t value = number();
    if (value > max) fail(core::Code::bad_frame, "a number is out of its range");
    return value;
  }
  [[nodiscard]] std::uint32_t number32() {
    return static_cast<std::uint32_t>(number_up_to(0xFFFFFFFFU));
  }
  template <typename Id>
  [[nodiscard]] Id id() {
    return static_cast<Id>(number());
  }
  [[nodiscard]] bool boolean();
  /// Takes a nil if one is next.
  [[nodiscard]] bool nil() {
    if (at_ == end_ || *at_ != 0xC0) return false;
    ++at_;
    return true;
  }
  /// Number of elements of an array; never more than there are bytes left.
  [[nodiscard]] std::size_t array();
  /// A str or a bin, whichever: PHP knows only one of them.
  [[nodiscard]] std::string_view string();
  template <std::size_t N>
  void fixed(std::array<std::uint8_t, N>& out) {
    const std::string_view bytes = string();
    if (bytes.size() != N) return fail(core::Code::bad_frame, "an id has the wrong length");
    for (std::size_t i = 0; i < N; ++i) out[i] = static_cast<std::uint8_t>(bytes[i]);
  }

  /// UTF-8 of at most `limit` bytes.
  [[nodiscard]] std::string_view utf8(std::size_t limit);
  [[nodiscard]] std::string_view name();

  /// Starts an array of at least `least` elements; returns how many more there are.
  [[nodiscard]] std::size_t open(std::size_t least);
  /// Skips what a newer minor version has added to the array at `depth` (outermost = 1).
  void skip_elements(std::size_t count, int depth);
  /// Starts a flat array of groups of `stride`; returns the number of groups.
  [[nodiscard]] std::size_t groups(std::size_t stride, std::size_t max_groups);
  /// The body must be used up.
  void expect_end() {
    if (at_ != end_) fail(core::Code::bad_frame, "there are bytes behind the body's array");
  }

 private:
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  std::uint64_t wide_number();
  std::uint64_t big_endian(std::size_t bytes);

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::string_view what_;
  core::Code code_ = core::Code::ok;
};

/// The payloads behind the body, handed out in order.
class Heap {
 public:
  explicit Heap(core::Bytes bytes) : left_(bytes) {}

  [[nodiscard]] core::Bytes take(std::uint64_t size, Cursor& cursor) {
    if (size > left_.size()) {
      cursor.fail(core::Code::bad_frame, "the payloads are longer than the frame");
      return {};
    }
    const core::Bytes piece = left_.first(static_cast<std::size_t>(size));
    left_ = left_.subspan(piece.size());
    return piece;
  }
  void expect_end(Cursor& cursor) const {
    if (!left_.empty()) cursor.fail(core::Code::bad_frame, "there are bytes behind the payloads");
  }

 private:
  core::Bytes left_;
};

}  // namespace sluice::wire
