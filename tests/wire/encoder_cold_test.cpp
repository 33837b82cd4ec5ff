// encoder_cold_test.cpp: tests of encoder_cold.cpp, against msgpack's own packer.
// SPDX-License-Identifier: MIT
#include "wire/encoder.hpp"

#include <doctest/doctest.h>

#include <string>

#include "wire/codec.hpp"
#include "wire/reference.hpp"

using namespace sluice;
using namespace sluice::wire;
using test::Frame;
using test::packed;

TEST_SUITE("encoder_cold") {
  TEST_CASE("HELLO has the layout of docs/PROTOCOL.md") {
    core::Hello hello;
    hello.name = "node";
    hello.agent = "agent";
    hello.types = {"a", "b"};
    hello.slots = 4;
    hello.resources = {{"gpu", 2}};
    hello.flags = 1;
    hello.previous = core::PreviousSession{core::Log{}, core::Epoch{2}, core::Sid{3}};
    const Frame frame = test::encoded({core::Sid{}, 1, hello});
    const std::string id(16, '\0');
    CHECK(test::to_frame(test::body_of(frame)) == packed([&](auto& p) {
            p.pack_array(10).pack(0).pack_bin(16).pack_bin_body(id.data(), 16);
            p.pack("node").pack("agent").pack_array(2).pack("a").pack("b").pack(4);
            p.pack_array(2).pack("gpu").pack(2).pack(2).pack(1);
            p.pack_array(3).pack_bin(16).pack_bin_body(id.data(), 16);
            p.pack(2).pack(3);
          }));
  }

  TEST_CASE("ERROR texts leave as UTF-8 of at most 512 bytes") {
    core::ErrorMessage message{core::Code::internal, std::string(600, '\xFF'), 0, std::nullopt};
    const Frame frame = test::encoded({core::Sid{}, 1, message});
    core::EntryPool pool;
    DecodeError error;
    const auto envelope = Codec(Role::client).decode(frame, pool, error);
    REQUIRE(envelope);
    CHECK(std::get<core::ErrorMessage>(envelope->message).text.size() >= 509);
    CHECK(std::get<core::ErrorMessage>(envelope->message).text.find_first_not_of('?') ==
          std::string::npos);
  }

  TEST_CASE("NACK texts stand behind the body in the order of the entries") {
    core::Nack nack;
    nack.entries.resize(2, {core::Seq{1}, core::Lease{2}, core::NackReason::failed, 0, true, ""});
    nack.entries[0].text = "one";
    nack.entries[1].text = "tw\xF0";
    const Frame frame = test::encoded({core::Sid{1}, 1, nack});
    CHECK(core::as_text(test::heap_of(frame)) == "onetw?");
  }

  TEST_CASE("an empty message is an empty array") {
    const Frame frame = test::encoded({core::Sid{1}, 1, core::SinkBeat{}});
    CHECK(test::hex_of(test::body_of(frame)) == "90");
  }
}
