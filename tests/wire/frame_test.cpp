// frame_test.cpp: tests of frame.cpp.
// SPDX-License-Identifier: MIT
#include "wire/frame.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "wire/reference.hpp"
#include "wire/samples.hpp"

using namespace sluice;
using namespace sluice::wire;

TEST_SUITE("frame") {
  // docs/PROTOCOL.md, "Frame"
  TEST_CASE("a header is 24 bytes with big-endian numbers") {
    Header header;
    header.type = 0x83;
    header.body_len = 0x01020304;
    header.sid = static_cast<core::Sid>(0x1112131415161718);
    header.n = 0x2122232425262728;
    std::byte bytes[kHeaderBytes];
    write_header(header, bytes);
    CHECK(test::hex_of(bytes) == "534c0183" "01020304" "1112131415161718" "2122232425262728");
    const auto read = read_header(bytes);
    REQUIRE(read);
    CHECK(read->version == 1);
    CHECK(read->type == header.type);
    CHECK(read->body_len == header.body_len);
    CHECK(read->sid == header.sid);
    CHECK(read->n == header.n);
  }

  TEST_CASE("too few bytes, another magic, and numbers above 2^63-1 are no header") {
    const test::Frame good = test::frame_of(0x45, {});
    CHECK(read_header(good));
    CHECK_FALSE(read_header({}));
    CHECK_FALSE(read_header(core::Bytes(good).first(23)));
    for (const std::size_t at : {0U, 1U, 8U, 16U}) {
      test::Frame bad = good;
      bad[at] = std::byte{0x80};
      CHECK_FALSE(read_header(bad));
    }
  }

  TEST_CASE("another version is still a header, so that it can be answered") {
    test::Frame other = test::frame_of(0x45, {});
    other[2] = std::byte{2};
    REQUIRE(read_header(other));
    CHECK(read_header(other)->version == 2);
  }

  TEST_CASE("each type is accepted by exactly one kind of socket, and ERROR by all") {
    const Role roles[] = {Role::ventilator, Role::worker, Role::client, Role::sink, Role::producer};
    int known = 0;
    for (unsigned t = 0; t < 256; ++t) {
      const auto type = static_cast<std::uint8_t>(t);
      INFO(t);
      int takers = 0;
      for (const Role role : roles) takers += accepts(role, type) ? 1 : 0;
      const bool is_known = type_name(type) != "unknown";
      known += is_known ? 1 : 0;
      // ERROR is for everybody, BYE for workers and clients.
      CHECK(takers == (type == 0xFF ? 5 : type == 0x87 ? 2 : is_known ? 1 : 0));
      CHECK(accepts(Role::any, type) == is_known);
    }
    CHECK(known == int{std::variant_size_v<core::Message>});
  }

  TEST_CASE("messages go where they belong") {
    CHECK(accepts(Role::ventilator, 0x01));
    CHECK(accepts(Role::ventilator, 0x42));
    CHECK_FALSE(accepts(Role::ventilator, 0x83));
    CHECK(accepts(Role::worker, 0x83));
    CHECK_FALSE(accepts(Role::worker, 0xA2));
    CHECK(accepts(Role::producer, 0xA2));
    CHECK(accepts(Role::sink, 0x25));
    CHECK(accepts(Role::client, 0xC2));
    CHECK(accepts(Role::client, 0x87));
  }

  TEST_CASE("every message has a type and a name of its own") {
    std::set<std::uint8_t> types;
    std::set<std::string_view> names;
    for (const test::Sample& sample : test::samples()) {
      const auto type = static_cast<std::uint8_t>(type_of(sample.envelope.message));
      types.insert(type);
      names.insert(type_name(type));
    }
    CHECK(types.size() == std::variant_size_v<core::Message>);
    CHECK(names.size() == std::variant_size_v<core::Message>);
  }
}
