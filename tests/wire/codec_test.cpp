// codec_test.cpp: tests of codec.cpp: what is refused as a whole, and with which code.
// SPDX-License-Identifier: MIT
#include "wire/codec.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "wire/reference.hpp"
#include "wire/samples.hpp"

using namespace sluice;
using namespace sluice::wire;
using core::Code;
using test::Frame;

namespace {

struct Verdict {
  bool accepted = false;
  DecodeError error;
};

Verdict decode(const Frame& frame, Role role = Role::any, const Limits& limits = {}) {
  core::EntryPool pool;
  Verdict verdict;
  verdict.accepted = Codec(role, limits).decode(frame, pool, verdict.error).has_value();
  return verdict;
}

core::Envelope one_task(core::Bytes payload) {
  core::Tasks tasks{core::Epoch{1}, 0, 0, 0, {"t"}, {}};
  tasks.entries.resize(1);
  tasks.entries[0].payload = payload;
  return {core::Sid{5}, 9, tasks};
}

}  // namespace

TEST_SUITE("codec") {
  TEST_CASE("bytes that are no frame are BAD_FRAME and name no message") {
    const Verdict verdict = decode(Frame(100));
    CHECK(verdict.error.code == Code::bad_frame);
    CHECK(verdict.error.type == 0);
    CHECK_FALSE(verdict.error.what.empty());
  }

  TEST_CASE("another version is BAD_VERSION, with the numbers needed to answer") {
    Frame frame = test::encoded(one_task({}));
    frame[2] = std::byte{2};
    const Verdict verdict = decode(frame);
    CHECK(verdict.error.code == Code::bad_version);
    CHECK(verdict.error.type == 0x83);
    CHECK(verdict.error.sid == core::Sid{5});
    CHECK(verdict.error.n == 9);
  }

  // PROTOCOL rule 12: "Unknown type: ERROR BAD_TYPE, the session lives."
  TEST_CASE("a type that is unknown, or meant for another side, is BAD_TYPE") {
    const Frame tasks = test::encoded(one_task({}));
    CHECK(decode(tasks, Role::worker).accepted);
    CHECK(decode(tasks, Role::ventilator).error.code == Code::bad_type);
    CHECK(decode(test::frame_of(0x7E, test::packed([](auto& p) { p.pack_array(0); }))).error.code ==
          Code::bad_type);
  }

  TEST_CASE("ERROR is taken on every link") {
    const Frame frame = test::encoded({core::Sid{}, 3, core::ErrorMessage{Code::busy, "x", 1, {}}});
    for (const Role role :
         {Role::ventilator, Role::worker, Role::client, Role::sink, Role::producer}) {
      CHECK(decode(frame, role).accepted);
    }
  }

  TEST_CASE("every frame that is cut off anywhere is refused") {
    for (const test::Sample& sample : test::samples()) {
      INFO(sample.name);
      const Frame whole = test::encoded(sample.envelope);
      for (std::size_t size = 0; size < whole.size(); ++size) {
        const Frame part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const Verdict verdict = decode(part);
        CHECK_FALSE(verdict.accepted);
        CHECK(verdict.error.code == Code::bad_frame);
      }
    }
  }

  TEST_CASE("a byte more behind any frame is refused") {
    for (const test::Sample& sample : test::samples()) {
      INFO(sample.name);
      Frame frame = test::encoded(sample.envelope);
      frame.push_back(std::byte{0});
      CHECK(decode(frame).error.code == Code::bad_frame);
    }
  }

  TEST_CASE("a byte more behind the body's array is refused") {
    for (const test::Sample& sample : test::samples()) {
      INFO(sample.name);
      const Frame frame = test::encoded(sample.envelope);
      Frame body = test::to_frame(test::body_of(frame));
      body.push_back(std::byte{0});
      const auto type = std::to_integer<std::uint8_t>(frame[3]);
      CHECK(decode(test::frame_of(type, body, test::heap_of(frame))).error.code == Code::bad_frame);
    }
  }

  TEST_CASE("a body_len beyond the frame is refused") {
    Frame frame = test::encoded(one_task({}));
    frame[4] = frame[5] = std::byte{0};
    frame[6] = std::byte{1};
    CHECK(decode(frame).error.code == Code::bad_frame);
    frame[5] = std::byte{0x20};
    CHECK(decode(frame).error.code == Code::too_large);
  }

  TEST_CASE("fewer elements than listed are refused, and one more is ignored") {
    for (const test::Sample& sample : test::samples()) {
      INFO(sample.name);
      const Frame frame = test::encoded(sample.envelope);
      const auto type = std::to_integer<std::uint8_t>(frame[3]);
      const auto handle = test::unpacked(test::body_of(frame));
      const msgpack::object_array array = handle.get().via.array;
      const auto with = [&](std::uint32_t count) {
        const Frame body = test::packed([&](auto& p) {
          p.pack_array(count);
          for (std::uint32_t i = 0; i < std::min(count, array.size); ++i) p.pack(array.ptr[i]);
          if (count > array.size) p.pack_array(2).pack("new").pack_array(1).pack_nil();
        });
        return test::frame_of(type, body, test::heap_of(frame));
      };
      const bool is_query = type == static_cast<std::uint8_t>(Type::query);
      if (array.size > 0 && !(is_query && array.size > 1)) {
        CHECK_FALSE(decode(with(array.size - 1)).accepted);
      }
      // QUERY's further elements are its arguments, so an array there is wrong.
      CHECK(decode(with(array.size + 1)).accepted == !is_query);
    }
  }

  // A peer may pack less tightly than we do, and PHP packs every string as str.
  TEST_CASE("every message is understood in every width, and with str for bin or bin for str") {
    core::EntryPool pool;
    for (const test::Sample& sample : test::samples()) {
      const Frame frame = test::encoded(sample.envelope);
      for (const test::Style style : {test::Style::widest_unsigned, test::Style::widest_signed,
                                      test::Style::str_as_bin, test::Style::bin_as_str}) {
        INFO(sample.name << " in style " << static_cast<int>(style));
        const Frame other = test::frame_of(
            std::to_integer<std::uint8_t>(frame[3]),
            test::repacked_as(test::unpacked(test::body_of(frame)).get(), style),
            test::heap_of(frame));
        DecodeError error;
        auto envelope = Codec(Role::any).decode(other, pool, error);
        REQUIRE(envelope);
        envelope->sid = sample.envelope.sid;
        envelope->n = sample.envelope.n;
        CHECK(test::encoded(*envelope) == frame);
        pool.give_back(std::move(envelope->message));
      }
    }
  }

  TEST_CASE("a frame at the limit passes, and one byte more is TOO_LARGE") {
    const std::string payload(3000, 'p');
    const Frame frame = test::encoded(one_task(core::as_bytes(payload)));
    Limits limits;
    limits.max_frame = frame.size() + Limits::kPayloadMargin;
    CHECK(decode(frame, Role::worker, limits).accepted);
    limits.max_frame = frame.size() - 1;
    CHECK(decode(frame, Role::worker, limits).error.code == Code::too_large);
  }

  TEST_CASE("a payload at the limit passes, and one byte more is TOO_LARGE") {
    const std::string payload(3000, 'p');
    const Frame frame = test::encoded(one_task(core::as_bytes(payload)));
    Limits limits;
    limits.max_frame = payload.size() + Limits::kPayloadMargin;
    CHECK(Codec(Role::worker, limits).fits(core::as_bytes(payload)));
    CHECK(decode(frame, Role::worker, limits).accepted);
    limits.max_frame -= 1;
    CHECK_FALSE(Codec(Role::worker, limits).fits(core::as_bytes(payload)));
    CHECK(decode(frame, Role::worker, limits).error.code == Code::too_large);
  }

  TEST_CASE("a body at the limit passes, and one byte more is TOO_LARGE") {
    const Frame frame = test::encoded(one_task({}));
    Limits limits;
    limits.max_body = test::body_of(frame).size();
    CHECK(decode(frame, Role::worker, limits).accepted);
    limits.max_body -= 1;
    CHECK(decode(frame, Role::worker, limits).error.code == Code::too_large);
  }

  TEST_CASE("messages without a list are bound to 64 KiB, and INVENTORY to 1 MiB") {
    const auto with_extra = [](std::uint8_t type, std::uint32_t size) {
      const std::string extra(size, 'x');
      const Frame body = test::packed([&](auto& p) {
        if (type == 0x85) {
          p.pack_array(2).pack(1).pack(extra);
        } else {
          p.pack_array(3).pack(true).pack_array(0).pack(extra);
        }
      });
      return test::frame_of(type, body);
    };
    CHECK(decode(with_extra(0x85, 65000)).accepted);
    CHECK(decode(with_extra(0x85, 66000)).error.code == Code::too_large);
    CHECK(decode(with_extra(0x02, 66000)).accepted);
    CHECK(decode(with_extra(0x02, 1100000)).error.code == Code::too_large);
  }

  TEST_CASE("the largest list of tasks is read, and one more is TOO_LARGE") {
    core::Tasks tasks{core::Epoch{1}, 0, 0, 0, {"t"}, {}};
    tasks.entries.resize(Limits{}.max_entries);
    CHECK(decode(test::encoded({core::Sid{1}, 1, tasks})).accepted);
    tasks.entries.emplace_back();
    CHECK(decode(test::encoded({core::Sid{1}, 1, tasks})).error.code == Code::too_large);
  }

  TEST_CASE("an accepted frame leaves the error alone") {
    CHECK(decode(test::encoded(one_task({}))).error.code == Code::ok);
  }

  TEST_CASE("names and payloads point into the frame") {
    const Frame frame = test::encoded(one_task(core::as_bytes("payload")));
    core::EntryPool pool;
    DecodeError error;
    const auto envelope = Codec(Role::worker).decode(frame, pool, error);
    REQUIRE(envelope);
    const auto& tasks = std::get<core::Tasks>(envelope->message);
    CHECK(tasks.entries[0].payload.data() == frame.data() + frame.size() - 7);
    const auto* type = reinterpret_cast<const std::byte*>(tasks.types[0].data());
    CHECK(type > frame.data());
    CHECK(type < frame.data() + frame.size());
  }

  TEST_CASE("a steady flow uses the same memory again and again") {
    core::Tasks tasks{core::Epoch{1}, 0, 0, 0, {"t"}, {}};
    tasks.entries.resize(256);
    const core::Envelope envelope{core::Sid{1}, 1, tasks};
    const Codec codec(Role::worker);
    core::EntryPool pool;
    Buffer buffer;
    const std::byte* bytes = nullptr;
    const core::TaskEntry* entries = nullptr;
    for (int turn = 0; turn < 5; ++turn) {
      Codec::encode(envelope, buffer);
      DecodeError error;
      auto decoded = codec.decode(buffer.bytes(), pool, error);
      REQUIRE(decoded);
      const auto* first = std::get<core::Tasks>(decoded->message).entries.data();
      if (turn > 0) {
        CHECK(first == entries);
        CHECK(buffer.data() == bytes);
      }
      entries = first;
      bytes = buffer.data();
      pool.give_back(std::move(decoded->message));
    }
  }

  // The vectors of a refused message go back to the pool too, empty.
  TEST_CASE("what a refused frame left behind does not show in the next message") {
    core::EntryPool pool;
    const Codec codec(Role::worker);
    Frame bad = test::encoded(one_task(core::as_bytes("payload")));
    bad.pop_back();
    DecodeError error;
    CHECK_FALSE(codec.decode(bad, pool, error));
    const core::Tasks probe{core::Epoch{1}, 0, 0, 0, {}, {}};
    const Frame good = test::encoded({core::Sid{1}, 2, probe});
    const auto envelope = codec.decode(good, pool, error);
    REQUIRE(envelope);
    CHECK(std::get<core::Tasks>(envelope->message).types.empty());
    CHECK(std::get<core::Tasks>(envelope->message).entries.empty());
  }

  TEST_CASE("encoding replaces what was in the buffer") {
    Buffer buffer;
    Codec::encode(one_task(core::as_bytes("a long payload")), buffer);
    Codec::encode(one_task({}), buffer);
    CHECK(test::to_frame(buffer.bytes()) == test::encoded(one_task({})));
  }

  TEST_CASE("a name is at most 128 bytes of UTF-8") {
    CHECK(valid_name(""));
    CHECK(valid_name("caf\xC3\xA9"));
    CHECK(valid_name(std::string(128, 'x')));
    CHECK_FALSE(valid_name(std::string(129, 'x')));
    CHECK_FALSE(valid_name("caf\xE9"));
  }
}
