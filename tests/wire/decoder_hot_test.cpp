// decoder_hot_test.cpp: tests of decoder_hot.cpp: values that are refused one by one.
// SPDX-License-Identifier: MIT
#include "wire/decoder.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "wire/codec.hpp"
#include "wire/reference.hpp"

using namespace sluice;
using namespace sluice::wire;
using core::Code;
using test::Frame;
using test::packed;

namespace {

Code code_of(std::uint8_t type, const Frame& body, core::Bytes heap = {}) {
  core::EntryPool pool;
  DecodeError error;
  const Frame frame = test::frame_of(type, body, heap);
  return Codec(Role::any).decode(frame, pool, error) ? Code::ok : error.code;
}

// One task, in which a test may spoil a value.
struct TaskBody {
  std::uint64_t epoch = 1, seq = 1, attempt = 1, type_index = 0, flags = 0, sink = 0, len = 0;
  std::string key = "k";
  std::string type = "t";

  [[nodiscard]] Code code(core::Bytes heap = {}) const {
    const Frame body = packed([this](auto& p) {
      p.pack_array(6).pack(epoch).pack(0).pack(0).pack(0).pack_array(1).pack(type);
      p.pack_array(10).pack(seq).pack(2).pack(attempt).pack(key).pack(type_index).pack(flags);
      p.pack(sink).pack(0).pack(0).pack(len);
    });
    return code_of(0x83, body, heap);
  }
};

// One outcome, in which a test may spoil a value.
struct OutcomeBody {
  std::string log = std::string(16, 'L');
  std::uint64_t epoch = 1, type_index = 0, status = 0, error_len = 0, len = 0;

  [[nodiscard]] Frame frame(core::Bytes heap) const {
    const Frame body = packed([this](auto& p) {
      p.pack_array(4).pack(log).pack(epoch).pack_array(1).pack("t");
      p.pack_array(12).pack(1).pack(2).pack(3).pack(1).pack_nil().pack(type_index).pack(status);
      p.pack(0).pack(0).pack(0).pack(error_len).pack(len);
    });
    return test::frame_of(0x22, body, heap);
  }
  [[nodiscard]] Code code(core::Bytes heap = {}) const {
    core::EntryPool pool;
    DecodeError error;
    return Codec(Role::sink).decode(frame(heap), pool, error) ? Code::ok : error.code;
  }
};

}  // namespace

TEST_SUITE("decoder_hot") {
  TEST_CASE("TASKS: a type_index must be within the list of types") {
    TaskBody body;
    CHECK(body.code() == Code::ok);
    body.type_index = 1;
    CHECK(body.code() == Code::bad_frame);
  }

  TEST_CASE("TASKS: epoch and attempt have 31 bits, flags and sink 32, seq 63") {
    TaskBody body;
    body.epoch = body.attempt = 0x7FFFFFFF;
    body.flags = body.sink = 0xFFFFFFFF;
    body.seq = INT64_MAX;
    CHECK(body.code() == Code::ok);
    std::uint64_t TaskBody::* const members[] = {&TaskBody::epoch, &TaskBody::attempt,
                                                 &TaskBody::flags, &TaskBody::sink, &TaskBody::seq};
    for (const auto member : members) {
      TaskBody spoilt = body;
      spoilt.*member += 1;
      CHECK(spoilt.code() == Code::bad_frame);
    }
  }

  TEST_CASE("TASKS: keys and types must be UTF-8 of at most 128 bytes") {
    for (const auto member : {&TaskBody::key, &TaskBody::type}) {
      TaskBody body;
      body.*member = std::string(128, 'x');
      CHECK(body.code() == Code::ok);
      body.*member = std::string(129, 'x');
      CHECK(body.code() == Code::bad_frame);
      body.*member = "\xFF";
      CHECK(body.code() == Code::bad_frame);
    }
  }

  TEST_CASE("TASKS: lengths must add up to the payloads that are there") {
    TaskBody body;
    body.len = 3;
    CHECK(body.code(core::as_bytes("abc")) == Code::ok);
    CHECK(body.code(core::as_bytes("ab")) == Code::bad_frame);
    CHECK(body.code(core::as_bytes("abcd")) == Code::bad_frame);
  }

  TEST_CASE("TASKS: a length above what a payload may have is TOO_LARGE") {
    TaskBody body;
    body.len = Limits{}.max_payload() + 1;
    CHECK(body.code() == Code::too_large);
    body.len = INT64_MAX;
    CHECK(body.code() == Code::too_large);
  }

  TEST_CASE("TASKS: lengths that together overflow are refused") {
    const Frame body = packed([](auto& p) {
      p.pack_array(6).pack(1).pack(0).pack(0).pack(0).pack_array(1).pack("t").pack_array(20);
      for (int i = 0; i < 2; ++i) {
        p.pack(1).pack(2).pack(1).pack_nil().pack(0).pack(0).pack(0).pack(0).pack(0).pack(4000000);
      }
    });
    const std::string heap(10, 'h');
    CHECK(code_of(0x83, body, core::as_bytes(heap)) == Code::bad_frame);
  }

  TEST_CASE("TASKS: an empty key is no key") {
    TaskBody body;
    body.key = "";
    CHECK(body.code() == Code::ok);
  }

  TEST_CASE("TASKS: 256 types pass and 257 are TOO_LARGE") {
    for (const std::uint32_t types : {256U, 257U}) {
      const Frame body = packed([&](auto& p) {
        p.pack_array(6).pack(1).pack(0).pack(0).pack(0).pack_array(types);
        for (std::uint32_t i = 0; i < types; ++i) p.pack("t");
        p.pack_array(0);
      });
      CHECK(code_of(0x83, body) == (types == 256 ? Code::ok : Code::too_large));
    }
  }

  TEST_CASE("OUTCOMES: log, epoch, type_index and status are checked") {
    OutcomeBody body;
    CHECK(body.code() == Code::ok);
    body.status = 3;
    CHECK(body.code() == Code::ok);
    body.status = 4;
    CHECK(body.code() == Code::bad_frame);
    body = {};
    body.type_index = 1;
    CHECK(body.code() == Code::bad_frame);
    body = {};
    body.log = std::string(15, 'L');
    CHECK(body.code() == Code::bad_frame);
    body = {};
    body.epoch = 0x80000000;
    CHECK(body.code() == Code::bad_frame);
  }

  TEST_CASE("OUTCOMES: the error text comes before the payload") {
    OutcomeBody body;
    body.error_len = 4;
    body.len = 6;
    const Frame frame = body.frame(core::as_bytes("whynotresult").first(10));
    core::EntryPool pool;
    DecodeError error;
    const auto envelope = Codec(Role::sink).decode(frame, pool, error);
    REQUIRE(envelope);
    const auto& entry = std::get<core::Outcomes>(envelope->message).entries[0];
    CHECK(entry.error == "whyn");
    CHECK(core::as_text(entry.payload) == "otresu");
  }

  // docs/PROTOCOL.md, 2.6: text for people never refuses a message.
  TEST_CASE("OUTCOMES: an error text is cut where it is not UTF-8, and at 512 bytes") {
    OutcomeBody body;
    const auto text_of = [&](const std::string& heap) {
      body.error_len = heap.size();
      const Frame frame = body.frame(core::as_bytes(heap));
      core::EntryPool pool;
      DecodeError error;
      const auto envelope = Codec(Role::sink).decode(frame, pool, error);
      REQUIRE(envelope);
      return std::string(std::get<core::Outcomes>(envelope->message).entries[0].error);
    };
    CHECK(text_of("caf\xE9 burnt down") == "caf");
    CHECK(text_of(std::string(600, 'x')) == std::string(512, 'x'));
    CHECK(text_of(std::string(511, 'x') + "\xC3\xA9") == std::string(511, 'x'));
  }

  TEST_CASE("CONFIRM of a sink: a range must not end before it starts") {
    const auto confirm = [](std::uint64_t first, std::uint64_t last) {
      return code_of(0xA2, packed([&](auto& p) {
                       p.pack_array(4).pack_array(2).pack(first).pack(last);
                       p.pack_array(0).pack(1).pack(1);
                     }));
    };
    CHECK(confirm(5, 5) == Code::ok);
    CHECK(confirm(6, 5) == Code::bad_frame);
  }

  TEST_CASE("a code of a newer minor version reads as INTERNAL") {
    for (const unsigned code : {16U, 22U, 23U, 25U, 1000U}) {
      const Frame body = packed([&](auto& p) {
        p.pack_array(4).pack_array(0).pack_array(4).pack(1).pack(code).pack(0).pack(0);
        p.pack(1).pack(1);
      });
      const Frame frame = test::frame_of(0xA2, body);
      core::EntryPool pool;
      DecodeError error;
      const auto envelope = Codec(Role::producer).decode(frame, pool, error);
      REQUIRE(envelope);
      CHECK(std::get<core::SinkConfirm>(envelope->message).exceptions[0].code == Code::internal);
    }
  }

  TEST_CASE("ACK: a status must be one of the four") {
    for (const unsigned status : {0U, 3U, 4U, 300U}) {
      const Frame body =
          packed([&](auto& p) { p.pack_array(1).pack_array(3).pack(1).pack(2).pack(status); });
      CHECK(code_of(0x04, body) == (status < 4 ? Code::ok : Code::bad_frame));
    }
  }

  TEST_CASE("SUBMIT: options may grow, and their resources are limited") {
    const auto submit = [](std::uint32_t more_options, std::uint32_t resources) {
      return code_of(0x42, packed([&](auto& p) {
                       p.pack_array(2).pack_array(1).pack("t").pack_array(10);
                       p.pack_nil().pack(0).pack(0).pack(0).pack(0).pack(0).pack(0).pack(0);
                       p.pack_array(4 + more_options).pack(1).pack(2).pack(3);
                       p.pack_array(resources * 2);
                       for (std::uint32_t i = 0; i < resources; ++i) p.pack("gpu").pack(1);
                       for (std::uint32_t i = 0; i < more_options; ++i) p.pack("new");
                       p.pack(0);
                     }));
    };
    CHECK(submit(0, 0) == Code::ok);
    CHECK(submit(1, 64) == Code::ok);
    CHECK(submit(0, 65) == Code::too_large);
  }
}
