// decoder.hpp: a reader for the body of each message, and what they share.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/message.hpp"
#include "wire/cursor.hpp"
#include "wire/limits.hpp"
#include "wire/utf8.hpp"

namespace sluice::wire {

/// A frame being read: its body, its payloads, and how much of both is allowed.
struct Reading {
  Cursor cursor;
  Heap heap;
  const Limits& limits;
};

// Each reads one body. What went wrong, if anything, stands in the cursor; the
// message is then half filled and worth nothing.

// decoder_hot.cpp: the messages a task meets on its way.
void read(Reading& in, core::State& m);
void read(Reading& in, core::Ack& m);
void read(Reading& in, core::Tasks& m);
void read(Reading& in, core::Outcomes& m);
void read(Reading& in, core::Watched& m);
void read(Reading& in, core::SinkConfirm& m);
void read(Reading& in, core::Submit& m);
void read(Reading& in, core::SubmitConfirm& m);

// decoder_cold.cpp: sessions, and what happens now and then.
void read(Reading& in, core::Hello& m);
void read(Reading& in, core::Inventory& m);
void read(Reading& in, core::Nack& m);
void read(Reading& in, core::Return& m);
void read(Reading& in, core::Gap& m);
void read(Reading& in, core::Goodbye& m);
void read(Reading& in, core::Progress& m);
void read(Reading& in, core::Welcome& m);
void read(Reading& in, core::Verdicts& m);
void read(Reading& in, core::Acked& m);
void read(Reading& in, core::Ping& m);
void read(Reading& in, core::Cancel& m);
void read(Reading& in, core::Bye& m);
void read(Reading& in, core::Drain& m);
void read(Reading& in, core::ErrorMessage& m);
void read(Reading& in, core::SinkOpen& m);
void read(Reading& in, core::SinkOpened& m);
void read(Reading& in, core::SinkBeat& m);
void read(Reading& in, core::SinkBeaten& m);
void read(Reading& in, core::Watch& m);
void read(Reading& in, core::Floor& m);
void read(Reading& in, core::ClientOpen& m);
void read(Reading& in, core::ClientOpened& m);
void read(Reading& in, core::Query& m);
void read(Reading& in, core::Reply& m);
void read(Reading& in, core::CancelTasks& m);
void read(Reading& in, core::CancelReply& m);
void read(Reading& in, core::ClientBeat& m);
void read(Reading& in, core::ClientBeaten& m);

inline core::Epoch read_epoch(Cursor& c) {
  return static_cast<core::Epoch>(c.number_up_to(0x7FFFFFFF));
}

template <typename E>
E read_enum(Cursor& c, E first, E last) {
  const std::uint64_t value = c.number();
  if (value < static_cast<std::uint64_t>(first) || value > static_cast<std::uint64_t>(last)) {
    c.fail(core::Code::bad_frame, "a status, reason, state or mode is unknown");
    return first;
  }
  return static_cast<E>(value);
}
inline core::Status read_status(Cursor& c) {
  return read_enum(c, core::Status::done, core::Status::cancelled);
}
/// A code of a newer minor version reads as INTERNAL.
core::Code read_code(Cursor& c);

/// Text for people is no reason to refuse a message: it is cut instead.
inline std::string_view readable(std::string_view text) {
  const std::string_view cut = utf8_clip(text, kMaxText);
  return cut.substr(0, utf8_prefix(cut));
}

template <typename Range>
Range read_range(Cursor& c) {
  Range range;
  range.first = static_cast<decltype(range.first)>(c.number());
  range.last = static_cast<decltype(range.last)>(c.number());
  if (range.first > range.last) c.fail(core::Code::bad_frame, "a range ends before it starts");
  return range;
}

/// A list of names into strings or views.
template <typename Text>
void read_names(Cursor& c, std::vector<Text>& out, std::size_t most, std::size_t longest) {
  const std::size_t count = c.groups(1, most);
  out.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) out.emplace_back(c.utf8(longest));
}

void read_resources(Cursor& c, std::vector<core::ResourceAmount>& out);

/// Payloads behind the body; longer than allowed is TOO_LARGE.
inline core::Bytes read_payload(Reading& in, std::uint64_t size) {
  if (size > in.limits.max_payload()) {
    in.cursor.fail(core::Code::too_large, "a payload is larger than allowed");
    return {};
  }
  return in.heap.take(size, in.cursor);
}

}  // namespace sluice::wire
