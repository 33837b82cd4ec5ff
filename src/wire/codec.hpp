// codec.hpp: bytes <-> messages. Hostile input ends here.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/message.hpp"
#include "wire/buffer.hpp"
#include "wire/frame.hpp"
#include "wire/limits.hpp"

namespace sluice::wire {

/// Why a frame was refused; enough to answer it with ERROR.
struct DecodeError {
  core::Code code = core::Code::ok;  ///< bad_frame, bad_version, bad_type or too_large
  std::string_view what;             ///< for people; a literal, so it may be kept
  std::uint8_t type = 0;             ///< the header's, as far as there was one, else 0
  core::Sid sid{};
  std::uint64_t n = 0;
};

/// Turns the frames of one kind of socket into messages and back.
///
/// decode() takes any bytes whatever: it never throws on them, never reads past
/// their end, and allocates no more than the limits allow. Holds no state but its
/// settings, so threads may share one.
class Codec {
 public:
  explicit Codec(Role role, const Limits& limits = {}) : role_(role), limits_(limits) {}

  /// Views in the message point into `frame`; entries of hot messages lie in vectors of
  /// `pool`, to be given back there. On nullopt `error` says why; otherwise it is untouched.
  ///
  /// What a message promises its reader: every name, key and type is UTF-8 and within its
  /// limit, every text for people is UTF-8 (cut where it was not), every enum has one of its
  /// values, every type_index is within `types`, every range runs from first to last, and no
  /// number is above 2^63-1.
  [[nodiscard]] std::optional<core::Envelope> decode(core::Bytes frame, core::EntryPool& pool,
                                                     DecodeError& error) const;

  /// The header alone, to drop stale traffic before its body is read.
  [[nodiscard]] static std::optional<Header> peek(core::Bytes frame) { return read_header(frame); }

  /// Replaces what is in `out` by the frame. Texts for people are made UTF-8 and cut to
  /// kMaxText, numbers above 2^63-1 become 2^63-1; everything else must be within the limits
  /// (size_bound() and fits() help), or the other side refuses the frame.
  static void encode(const core::Envelope& envelope, Buffer& out);

  /// At least as many bytes as encode() will write.
  [[nodiscard]] static std::size_t size_bound(const core::Envelope& envelope);

  /// True if a peer with these limits will take a payload of that size.
  [[nodiscard]] bool fits(core::Bytes payload) const {
    return payload.size() <= limits_.max_payload();
  }

  [[nodiscard]] Role role() const { return role_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }

 private:
  Role role_;
  Limits limits_;
};

/// True if `text` may stand where the protocol wants a name, a key or a type: UTF-8 of at
/// most kMaxName bytes. For the edges where a user names something.
[[nodiscard]] bool valid_name(std::string_view text);

}  // namespace sluice::wire
