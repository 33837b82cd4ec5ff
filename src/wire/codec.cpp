// codec.cpp: bytes <-> messages. Hostile input ends here.
// SPDX-License-Identifier: MIT
#include "wire/codec.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/assert.hpp"
#include "wire/decoder.hpp"
#include "wire/encoder.hpp"

namespace sluice::wire {
namespace {

using core::Code;

template <typename M>
inline constexpr bool kPooled =
    std::is_same_v<M, core::Tasks> || std::is_same_v<M, core::Ack> ||
    std::is_same_v<M, core::Outcomes> || std::is_same_v<M, core::Submit> ||
    std::is_same_v<M, core::SinkConfirm>;

// How large a whole frame of this type may be.
std::size_t frame_limit(Type type, const Limits& limits) {
  switch (type) {
    case Type::tasks: case Type::outcomes: case Type::watched: case Type::submit: case Type::nack:
      return limits.max_frame;
    case Type::inventory: case Type::verdicts: case Type::ack: case Type::give_back:
    case Type::cancel: case Type::sink_confirm: case Type::watch: case Type::submit_confirm:
    case Type::cancel_tasks: case Type::cancel_reply: case Type::reply:
      return std::min(limits.max_frame, kMaxListFrame);
    default:
      return std::min(limits.max_frame, kMaxControlFrame);
  }
}

// A header that may be read on, or why not.
Code check(const Header& header, std::size_t size, Role role, const Limits& limits,
           std::string_view& what) {
  if (header.version != kVersion) {
    what = "another version of the protocol";
    return Code::bad_version;
  }
  if (!accepts(role, header.type)) {
    what = "a message of this type does not belong here";
    return Code::bad_type;
  }
  if (size > frame_limit(static_cast<Type>(header.type), limits)) {
    what = "the frame is larger than allowed";
    return Code::too_large;
  }
  if (header.body_len > limits.max_body) {
    what = "the body is larger than allowed";
    return Code::too_large;
  }
  if (header.body_len > size - kHeaderBytes) {
    what = "the frame is shorter than its header says";
    return Code::bad_frame;
  }
  return Code::ok;
}

template <typename M>
std::optional<core::Envelope> parse(Reading& in, const Header& header, core::EntryPool& pool) {
  std::optional<core::Envelope> envelope(
      std::in_place, core::Envelope{header.sid, header.n, core::Message(std::in_place_type<M>)});
  M& message = std::get<M>(envelope->message);
  if constexpr (kPooled<M>) message = pool.take<M>();
  read(in, message);
  in.cursor.expect_end();
  in.heap.expect_end(in.cursor);
  if (in.cursor.ok()) return envelope;
  pool.give_back(std::move(envelope->message));
  return std::nullopt;
}

std::optional<core::Envelope> parse_any(Reading& in, const Header& h, core::EntryPool& pool) {
  switch (static_cast<Type>(h.type)) {
    case Type::tasks: return parse<core::Tasks>(in, h, pool);
    case Type::ack: return parse<core::Ack>(in, h, pool);
    case Type::outcomes: return parse<core::Outcomes>(in, h, pool);
    case Type::submit: return parse<core::Submit>(in, h, pool);
    case Type::sink_confirm: return parse<core::SinkConfirm>(in, h, pool);
    case Type::state: return parse<core::State>(in, h, pool);
    case Type::hello: return parse<core::Hello>(in, h, pool);
    case Type::inventory: return parse<core::Inventory>(in, h, pool);
    case Type::nack: return parse<core::Nack>(in, h, pool);
    case Type::give_back: return parse<core::Return>(in, h, pool);
    case Type::gap: return parse<core::Gap>(in, h, pool);
    case Type::goodbye: return parse<core::Goodbye>(in, h, pool);
    case Type::progress: return parse<core::Progress>(in, h, pool);
    case Type::welcome: return parse<core::Welcome>(in, h, pool);
    case Type::verdicts: return parse<core::Verdicts>(in, h, pool);
    case Type::acked: return parse<core::Acked>(in, h, pool);
    case Type::ping: return parse<core::Ping>(in, h, pool);
    case Type::cancel: return parse<core::Cancel>(in, h, pool);
    case Type::bye: return parse<core::Bye>(in, h, pool);
    case Type::drain: return parse<core::Drain>(in, h, pool);
    case Type::sink_open: return parse<core::SinkOpen>(in, h, pool);
    case Type::sink_opened: return parse<core::SinkOpened>(in, h, pool);
    case Type::sink_beat: return parse<core::SinkBeat>(in, h, pool);
    case Type::sink_beaten: return parse<core::SinkBeaten>(in, h, pool);
    case Type::watch: return parse<core::Watch>(in, h, pool);
    case Type::watched: return parse<core::Watched>(in, h, pool);
    case Type::floor: return parse<core::Floor>(in, h, pool);
    case Type::client_open: return parse<core::ClientOpen>(in, h, pool);
    case Type::client_opened: return parse<core::ClientOpened>(in, h, pool);
    case Type::submit_confirm: return parse<core::SubmitConfirm>(in, h, pool);
    case Type::query: return parse<core::Query>(in, h, pool);
    case Type::reply: return parse<core::Reply>(in, h, pool);
    case Type::cancel_tasks: return parse<core::CancelTasks>(in, h, pool);
    case Type::cancel_reply: return parse<core::CancelReply>(in, h, pool);
    case Type::client_beat: return parse<core::ClientBeat>(in, h, pool);
    case Type::client_beaten: return parse<core::ClientBeaten>(in, h, pool);
    case Type::error: return parse<core::ErrorMessage>(in, h, pool);
  }
  return std::nullopt;
}

}  // namespace

std::optional<core::Envelope> Codec::decode(core::Bytes frame, core::EntryPool& pool,
                                            DecodeError& error) const {
  const std::optional<Header> header = read_header(frame);
  if (!header) {
    error = {Code::bad_frame, "this is not a frame of this protocol", 0, {}, 0};
    return std::nullopt;
  }
  std::string_view what;
  const Code code = check(*header, frame.size(), role_, limits_, what);
  if (code != Code::ok) {
    error = {code, what, header->type, header->sid, header->n};
    return std::nullopt;
  }
  const core::Bytes rest = frame.subspan(kHeaderBytes);
  Reading in{Cursor(rest.first(header->body_len)), Heap(rest.subspan(header->body_len)), limits_};
  std::optional<core::Envelope> envelope = parse_any(in, *header, pool);
  if (!envelope) {
    error = {in.cursor.code(), in.cursor.what(), header->type, header->sid, header->n};
  }
  return envelope;
}

void Codec::encode(const core::Envelope& envelope, Buffer& out) {
  out.clear();
  out.set_end(out.room(kHeaderBytes) + kHeaderBytes);
  std::visit([&out](const auto& message) { write_body(out, message); }, envelope.message);
  const std::size_t body = out.size() - kHeaderBytes;
  SLUICE_ASSERT(body <= std::numeric_limits<std::uint32_t>::max());
  Header header;
  header.type = static_cast<std::uint8_t>(type_of(envelope.message));
  header.body_len = static_cast<std::uint32_t>(body);
  header.sid = envelope.sid;
  header.n = envelope.n;
  write_header(header, out.data());
  std::visit([&out](const auto& message) { write_heap(out, message); }, envelope.message);
}

bool valid_name(std::string_view text) { return text.size() <= kMaxName && is_utf8(text); }

}  // namespace sluice::wire
