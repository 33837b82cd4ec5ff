// decoder_cold_test.cpp: tests of decoder_cold.cpp: values that are refused one by one.
// SPDX-License-Identifier: MIT
#include "wire/decoder.hpp"

#include <doctest/doctest.h>

#include <string>

#include "wire/codec.hpp"
#include "wire/reference.hpp"

using namespace sluice;
using namespace sluice::wire;
using core::Code;
using test::Frame;
using test::packed;

namespace {

template <typename M>
std::optional<M> decode(std::uint8_t type, const Frame& body, core::Bytes heap = {}) {
  core::EntryPool pool;
  DecodeError error;
  const Frame frame = test::frame_of(type, body, heap);
  auto envelope = Codec(Role::any).decode(frame, pool, error);
  if (!envelope) return std::nullopt;
  return std::get<M>(std::move(envelope->message));
}

struct HelloBody {
  std::string boot = std::string(16, 'B');
  std::string name = "n", agent = "a", type = "t";
  std::uint64_t slots = 1, lanes = 2;
  bool nil_resources = false;

  [[nodiscard]] std::optional<core::Hello> decode_it() const {
    return decode<core::Hello>(0x01, packed([this](auto& p) {
      p.pack_array(10).pack(0).pack(boot).pack(name).pack(agent).pack_array(1).pack(type);
      p.pack(slots);
      if (nil_resources) {
        p.pack_nil();
      } else {
        p.pack_array(2).pack("gpu").pack(1);
      }
      p.pack(lanes).pack(0).pack_nil();
    }));
  }
};

}  // namespace

TEST_SUITE("decoder_cold") {
  TEST_CASE("HELLO: names are UTF-8 of at most 128 bytes") {
    for (const auto member : {&HelloBody::name, &HelloBody::agent, &HelloBody::type}) {
      HelloBody body;
      body.*member = std::string(128, 'x');
      CHECK(body.decode_it());
      body.*member = std::string(129, 'x');
      CHECK_FALSE(body.decode_it());
      body.*member = "\xC3";
      CHECK_FALSE(body.decode_it());
    }
  }

  TEST_CASE("HELLO: resources may be nil") {
    HelloBody body;
    REQUIRE(body.decode_it());
    CHECK(body.decode_it()->resources.size() == 1);
    body.nil_resources = true;
    REQUIRE(body.decode_it());
    CHECK(body.decode_it()->resources.empty());
  }

  TEST_CASE("HELLO: boot has 16 bytes, slots 32 bits, and lanes is 1 or 2") {
    HelloBody body;
    body.boot.pop_back();
    CHECK_FALSE(body.decode_it());
    body = {};
    body.slots = 0xFFFFFFFF;
    CHECK(body.decode_it());
    body.slots += 1;
    CHECK_FALSE(body.decode_it());
    body = {};
    for (const std::uint64_t lanes : {0U, 1U, 2U, 3U}) {
      body.lanes = lanes;
      CHECK(body.decode_it().has_value() == (lanes == 1 || lanes == 2));
    }
  }

  TEST_CASE("INVENTORY: 16384 tasks pass, and one more does not") {
    for (const std::uint32_t tasks : {16384U, 16385U}) {
      const Frame body = packed([&](auto& p) {
        p.pack_array(2).pack(true).pack_array(tasks * 3);
        for (std::uint32_t i = 0; i < tasks; ++i) p.pack(1).pack(2).pack(4);
      });
      CHECK(decode<core::Inventory>(0x02, body).has_value() == (tasks == 16384));
    }
  }

  TEST_CASE("INVENTORY: a state must be one of the five, and `last` a bool") {
    const auto inventory = [](auto last, int state) {
      return decode<core::Inventory>(0x02, packed([&](auto& p) {
        p.pack_array(2).pack(last).pack_array(3).pack(1).pack(2).pack(state);
      }));
    };
    CHECK(inventory(false, 4));
    CHECK_FALSE(inventory(false, 5));
    CHECK_FALSE(inventory(1, 0));
  }

  TEST_CASE("NACK: reasons, texts and lengths are checked") {
    const auto nack = [](int reason, std::size_t len, std::string_view heap) {
      return decode<core::Nack>(0x05, packed([&](auto& p) {
        p.pack_array(1).pack_array(6).pack(1).pack(2).pack(reason).pack(0).pack(true).pack(len);
      }), core::as_bytes(heap));
    };
    CHECK(nack(1, 0, ""));
    CHECK(nack(11, 0, ""));
    CHECK_FALSE(nack(0, 0, ""));
    CHECK_FALSE(nack(12, 0, ""));
    CHECK_FALSE(nack(3, 5, "four"));
    CHECK_FALSE(nack(3, 3, "four"));
    // Views would dangle behind decode(), so only the frame's fate is looked at here.
    CHECK(nack(3, 4, "caf\xE9"));
    CHECK(nack(3, 600, std::string(600, 'x')));
  }

  TEST_CASE("GAP: the last number is not before the first") {
    const auto gap = [](int first, int last) {
      return decode<core::Gap>(0x07, packed([&](auto& p) {
        p.pack_array(2).pack(first).pack(last);
      }));
    };
    CHECK(gap(4, 4));
    CHECK_FALSE(gap(5, 4));
  }

  TEST_CASE("WELCOME: a lane has a port of 16 bits and perhaps a host") {
    const auto welcome = [](unsigned port) {
      return decode<core::Welcome>(0x81, packed([&](auto& p) {
        p.pack_array(12).pack(0).pack(std::string(16, 'L')).pack(1).pack(std::string(8, 'I'));
        p.pack(1).pack(2).pack(3).pack(4);
        p.pack_array(3).pack(port).pack("host").pack("of a newer version");
        p.pack(5).pack(6).pack_array(1).pack("tcp://h:1");
      }));
    };
    const auto good = welcome(65535);
    REQUIRE(good);
    REQUIRE(good->lane);
    CHECK(good->lane->port == 65535);
    CHECK(good->lane->host == "host");
    CHECK_FALSE(welcome(65536));
  }

  TEST_CASE("VERDICT and DRAIN: verdicts are 1 to 3, modes 0 to 2") {
    for (const int value : {0, 1, 2, 3, 4}) {
      const Frame verdict =
          packed([&](auto& p) { p.pack_array(1).pack_array(3).pack(1).pack(2).pack(value); });
      CHECK(decode<core::Verdicts>(0x82, verdict).has_value() == (value >= 1 && value <= 3));
      const Frame drain = packed([&](auto& p) { p.pack_array(2).pack(value).pack(0); });
      CHECK(decode<core::Drain>(0x88, drain).has_value() == (value <= 2));
    }
  }

  TEST_CASE("ERROR: a text that is too long or no text is cut, never refused") {
    const auto error = [](const std::string& text) {
      return decode<core::ErrorMessage>(0xFF, packed([&](auto& p) {
        p.pack_array(4).pack(11).pack(text).pack(0).pack_nil();
      }));
    };
    REQUIRE(error("caf\xE9 closed"));
    CHECK(error("caf\xE9 closed")->text == "caf");
    REQUIRE(error(std::string(5000, 'x')));
    CHECK(error(std::string(5000, 'x'))->text == std::string(512, 'x'));
  }

  TEST_CASE("QUERY: what follows the verb are its arguments, 1024 at most") {
    const auto query = [](std::uint32_t args) {
      return decode<core::Query>(0x43, packed([&](auto& p) {
        p.pack_array(args + 1).pack("explain");
        for (std::uint32_t i = 0; i < args; ++i) p.pack("arg");
      }));
    };
    REQUIRE(query(2));
    CHECK(query(2)->args == std::vector<std::string>{"arg", "arg"});
    CHECK(query(1024));
    CHECK_FALSE(query(1025));
  }

  TEST_CASE("REPLY: JSON must be UTF-8") {
    const auto reply = [](const std::string& json) {
      return decode<core::Reply>(0xC3, packed([&](auto& p) {
        p.pack_array(2).pack(0).pack(json);
      }));
    };
    CHECK(reply("{}"));
    CHECK_FALSE(reply("\"\xFF\""));
  }

  TEST_CASE("messages without payloads refuse bytes behind the body") {
    const Frame body = packed([](auto& p) { p.pack_array(1).pack(0); });
    CHECK(decode<core::Bye>(0x87, body));
    CHECK_FALSE(decode<core::Bye>(0x87, body, core::as_bytes("x")));
  }
}
