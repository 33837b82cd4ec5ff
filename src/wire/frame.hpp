// frame.hpp: the 24 bytes every message starts with, and who may send which type.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/message.hpp"

namespace sluice::wire {

inline constexpr std::size_t kHeaderBytes = 24;
inline constexpr std::uint8_t kVersion = 1;

/// Byte 3 of a frame. Bit 7 is set on what travels towards the connecting side.
enum class Type : std::uint8_t {
  hello = 0x01, inventory = 0x02, state = 0x03, ack = 0x04, nack = 0x05, give_back = 0x06,
  gap = 0x07, goodbye = 0x08, progress = 0x09,
  welcome = 0x81, verdicts = 0x82, tasks = 0x83, acked = 0x84, ping = 0x85, cancel = 0x86,
  bye = 0x87, drain = 0x88,
  sink_open = 0x21, outcomes = 0x22, sink_beat = 0x23, watch = 0x24, floor = 0x25,
  sink_opened = 0xA1, sink_confirm = 0xA2, sink_beaten = 0xA3, watched = 0xA4,
  client_open = 0x41, submit = 0x42, query = 0x43, cancel_tasks = 0x44, client_beat = 0x45,
  client_opened = 0xC1, submit_confirm = 0xC2, reply = 0xC3, cancel_reply = 0xC4,
  client_beaten = 0xC5,
  error = 0xFF,
};

/// One end of a link. It decides which types a codec decodes; ERROR may reach any.
enum class Role : std::uint8_t {
  ventilator,  ///< the ventilator's ROUTER: from workers and clients
  worker,      ///< a worker's lane and its DEALER to the ventilator
  client,      ///< a client's DEALER to the ventilator
  sink,        ///< a sink's ROUTER: from producers of outcomes and from watchers
  producer,    ///< any DEALER to a sink: a worker's, the ventilator's, a watching client's
  any,         ///< for tools that only look
};

struct Header {
  std::uint8_t version = kVersion;
  std::uint8_t type = 0;
  std::uint32_t body_len = 0;
  core::Sid sid{};
  std::uint64_t n = 0;
};

/// Reads the header; nullopt if these bytes are not a frame of ours (too short,
/// other magic, sid or n above 2^63-1). Version, type and lengths are unchecked.
[[nodiscard]] std::optional<Header> read_header(core::Bytes frame);
/// Writes kHeaderBytes at `out`.
void write_header(const Header& header, std::byte* out);

[[nodiscard]] bool accepts(Role role, std::uint8_t type);
[[nodiscard]] Type type_of(const core::Message& message);
/// The name docs/PROTOCOL.md gives a type, for logs: "TASKS"; "unknown" if it has none.
[[nodiscard]] std::string_view type_name(std::uint8_t type);

}  // namespace sluice::wire
