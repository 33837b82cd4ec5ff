// frame.cpp: the 24 bytes every message starts with, and who may send which type.
// SPDX-License-Identifier: MIT
#include "wire/frame.hpp"

#include <limits>

namespace sluice::wire {
namespace {

constexpr std::byte kMagic0{0x53};  // 'S'
constexpr std::byte kMagic1{0x4C};  // 'L'
constexpr std::uint64_t kMaxNumber = std::numeric_limits<std::int64_t>::max();

template <typename T>
T read_big_endian(const std::byte* at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value << 8U) | std::to_integer<T>(at[i]);
  }
  return value;
}

template <typename T>
void write_big_endian(std::byte* at, T value) {
  for (std::size_t i = sizeof(T); i-- > 0;) {
    at[i] = static_cast<std::byte>(value & 0xFFU);
    value = static_cast<T>(value >> 8U);
  }
}

// In the order of core::Message's alternatives.
constexpr Type kTypes[] = {
    Type::hello, Type::inventory, Type::state, Type::ack,
    Type::nack, Type::give_back, Type::gap, Type::goodbye,
    Type::progress, Type::welcome, Type::verdicts, Type::tasks,
    Type::acked, Type::ping, Type::cancel, Type::bye,
    Type::drain, Type::error, Type::sink_open, Type::sink_opened,
    Type::outcomes, Type::sink_confirm, Type::sink_beat, Type::sink_beaten,
    Type::watch, Type::watched, Type::floor, Type::client_open,
    Type::client_opened, Type::submit, Type::submit_confirm, Type::query,
    Type::reply, Type::cancel_tasks, Type::cancel_reply, Type::client_beat,
    Type::client_beaten,
};
static_assert(std::size(kTypes) == std::variant_size_v<core::Message>);

constexpr bool between(std::uint8_t type, Type first, Type last) {
  return type >= static_cast<std::uint8_t>(first) && type <= static_cast<std::uint8_t>(last);
}
constexpr bool from_worker(std::uint8_t type) { return between(type, Type::hello, Type::progress); }
constexpr bool to_worker(std::uint8_t type) { return between(type, Type::welcome, Type::drain); }
constexpr bool to_sink(std::uint8_t type) { return between(type, Type::sink_open, Type::floor); }
constexpr bool from_sink(std::uint8_t type) {
  return between(type, Type::sink_opened, Type::watched);
}
constexpr bool from_client(std::uint8_t type) {
  return between(type, Type::client_open, Type::client_beat);
}
constexpr bool to_client(std::uint8_t type) {
  return between(type, Type::client_opened, Type::client_beaten);
}

}  // namespace

std::optional<Header> read_header(core::Bytes frame) {
  if (frame.size() < kHeaderBytes || frame[0] != kMagic0 || frame[1] != kMagic1) {
    return std::nullopt;
  }
  Header header;
  header.version = std::to_integer<std::uint8_t>(frame[2]);
  header.type = std::to_integer<std::uint8_t>(frame[3]);
  header.body_len = read_big_endian<std::uint32_t>(frame.data() + 4);
  const auto sid = read_big_endian<std::uint64_t>(frame.data() + 8);
  header.n = read_big_endian<std::uint64_t>(frame.data() + 16);
  if (sid > kMaxNumber || header.n > kMaxNumber) return std::nullopt;
  header.sid = static_cast<core::Sid>(sid);
  return header;
}

void write_header(const Header& header, std::byte* out) {
  out[0] = kMagic0;
  out[1] = kMagic1;
  out[2] = static_cast<std::byte>(header.version);
  out[3] = static_cast<std::byte>(header.type);
  write_big_endian(out + 4, header.body_len);
  write_big_endian(out + 8, core::raw(header.sid));
  write_big_endian(out + 16, header.n);
}

bool accepts(Role role, std::uint8_t type) {
  if (type == static_cast<std::uint8_t>(Type::error)) return true;
  switch (role) {
    case Role::ventilator: return from_worker(type) || from_client(type);
    case Role::worker: return to_worker(type);
    case Role::client:  // BYE, too: the ventilator says it to everybody when it ends
      return to_client(type) || type == static_cast<std::uint8_t>(Type::bye);
    case Role::sink: return to_sink(type);
    case Role::producer: return from_sink(type);
    case Role::any:
      return from_worker(type) || to_worker(type) || to_sink(type) || from_sink(type) ||
             from_client(type) || to_client(type);
  }
  return false;
}

Type type_of(const core::Message& message) { return kTypes[message.index()]; }

std::string_view type_name(std::uint8_t type) {
  switch (static_cast<Type>(type)) {
    case Type::hello: return "HELLO";
    case Type::inventory: return "INVENTORY";
    case Type::state: return "STATE";
    case Type::ack: return "ACK";
    case Type::nack: return "NACK";
    case Type::give_back: return "RETURN";
    case Type::gap: return "GAP";
    case Type::goodbye: return "GOODBYE";
    case Type::progress: return "PROGRESS";
    case Type::welcome: return "WELCOME";
    case Type::verdicts: return "VERDICT";
    case Type::tasks: return "TASKS";
    case Type::acked: return "ACKED";
    case Type::ping: return "PING";
    case Type::cancel: return "CANCEL";
    case Type::bye: return "BYE";
    case Type::drain: return "DRAIN";
    case Type::sink_open: return "SINK OPEN";
    case Type::outcomes: return "OUTCOMES";
    case Type::sink_beat: return "SINK BEAT";
    case Type::watch: return "WATCH";
    case Type::floor: return "FLOOR";
    case Type::sink_opened: return "SINK OPENED";
    case Type::sink_confirm: return "SINK CONFIRM";
    case Type::sink_beaten: return "SINK BEATEN";
    case Type::watched: return "WATCHED";
    case Type::client_open: return "CLIENT OPEN";
    case Type::submit: return "SUBMIT";
    case Type::query: return "QUERY";
    case Type::cancel_tasks: return "CANCEL TASKS";
    case Type::client_beat: return "CLIENT BEAT";
    case Type::client_opened: return "CLIENT OPENED";
    case Type::submit_confirm: return "SUBMIT CONFIRM";
    case Type::reply: return "REPLY";
    case Type::cancel_reply: return "CANCEL REPLY";
    case Type::client_beaten: return "CLIENT BEATEN";
    case Type::error: return "ERROR";
  }
  return "unknown";
}

}  // namespace sluice::wire
