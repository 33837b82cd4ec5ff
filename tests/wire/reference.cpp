// reference.cpp: the same bodies as msgpack's own library reads and writes them.
// SPDX-License-Identifier: MIT
#include "wire/reference.hpp"

#include <doctest/doctest.h>

#include <cstdio>

#include "wire/put.hpp"

namespace sluice::wire::test {
namespace {

using msgpack::type::object_type;

core::Bytes bytes_of(const msgpack::object& o) {
  return o.type == object_type::BIN
             ? core::as_bytes(std::string_view(o.via.bin.ptr, o.via.bin.size))
             : core::as_bytes(std::string_view(o.via.str.ptr, o.via.str.size));
}

void append(Frame& out, core::Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

// A lead byte and a big-endian number of `width` bytes.
void append_wide(Frame& out, unsigned lead, std::uint64_t value, unsigned width) {
  out.push_back(static_cast<std::byte>(lead));
  for (unsigned i = width; i-- > 0;) out.push_back(static_cast<std::byte>(value >> (8 * i) & 0xFF));
}

void rewrite(const msgpack::object& o, Style style, Frame& out) {
  switch (o.type) {
    case object_type::ARRAY:
      append_wide(out, 0xDD, o.via.array.size, 4);
      for (std::uint32_t i = 0; i < o.via.array.size; ++i) {
        rewrite(o.via.array.ptr[i], style, out);
      }
      return;
    case object_type::POSITIVE_INTEGER:
      return append_wide(out, style == Style::widest_signed ? 0xD3 : 0xCF, o.via.u64, 8);
    case object_type::STR:
    case object_type::BIN: {
      bool as_str = o.type == object_type::STR;
      if (style == Style::str_as_bin) as_str = false;
      if (style == Style::bin_as_str) as_str = true;
      const core::Bytes bytes = bytes_of(o);
      append_wide(out, as_str ? 0xDB : 0xC6, bytes.size(), 4);
      return append(out, bytes);
    }
    default: return append(out, repacked(o));
  }
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;  // the samples have no control characters
  }
  return out + "\"";
}

}  // namespace

msgpack::object_handle unpacked(core::Bytes body) {
  std::size_t used = 0;
  const std::string_view text = core::as_text(body);
  msgpack::object_handle handle = msgpack::unpack(text.data(), text.size(), used);
  REQUIRE(used == body.size());
  return handle;
}

Frame repacked(const msgpack::object& object) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, object);
  return to_frame(core::as_bytes(std::string_view(buffer.data(), buffer.size())));
}

Frame repacked_as(const msgpack::object& object, Style style) {
  Frame out;
  rewrite(object, style, out);
  return out;
}

Frame packed(const std::function<void(msgpack::packer<msgpack::sbuffer>&)>& write) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  write(packer);
  return to_frame(core::as_bytes(std::string_view(buffer.data(), buffer.size())));
}

std::string hex_of(core::Bytes bytes) {
  std::string out;
  for (const std::byte b : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", std::to_integer<unsigned>(b));
    out += two;
  }
  return out;
}

std::string as_json(const msgpack::object& object) {
  switch (object.type) {
    case object_type::NIL: return "null";
    case object_type::BOOLEAN: return object.via.boolean ? "true" : "false";
    case object_type::POSITIVE_INTEGER: return std::to_string(object.via.u64);
    case object_type::STR: return json_text(core::as_text(bytes_of(object)));
    case object_type::BIN: return "{\"bin\": \"" + hex_of(bytes_of(object)) + "\"}";
    case object_type::ARRAY: {
      std::string out = "[";
      for (std::uint32_t i = 0; i < object.via.array.size; ++i) {
        if (i != 0) out += ", ";
        out += as_json(object.via.array.ptr[i]);
      }
      return out + "]";
    }
    default: FAIL("a body holds what the protocol does not know"); return {};
  }
}

}  // namespace sluice::wire::test
