// encoder_hot_test.cpp: tests of encoder_hot.cpp, against msgpack's own packer.
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

TEST_SUITE("encoder_hot") {
  TEST_CASE("TASKS have the layout of docs/PROTOCOL.md") {
    core::Tasks tasks{core::Epoch{7}, 100, 2000, 3, {"resize"}, {}};
    tasks.entries.push_back({core::Seq{1}, core::Lease{2}, 3, 0, 4, 5, 6, 70000, "key",
                             core::as_bytes("payload")});
    const Frame frame = test::encoded({core::Sid{9}, 8, tasks});
    CHECK(test::to_frame(test::body_of(frame)) == packed([](auto& p) {
            p.pack_array(6).pack(7).pack(100).pack(2000).pack(3).pack_array(1).pack("resize");
            p.pack_array(10).pack(1).pack(2).pack(3).pack("key").pack(0).pack(4).pack(5).pack(6);
            p.pack(70000).pack(7);
          }));
    CHECK(core::as_text(test::heap_of(frame)) == "payload");
  }

  TEST_CASE("OUTCOMES have the layout of docs/PROTOCOL.md") {
    core::Outcomes outcomes{core::Log{}, core::Epoch{7}, {"resize"}, {}};
    core::OutcomeEntry e;
    e.rsn = core::Rsn{1};
    e.seq = core::Seq{2};
    e.lease = core::Lease{3};
    e.attempt = 4;
    e.status = core::Status::failed;
    e.flags = 5;
    e.started_us = 6000000;
    e.run_us = 700;
    e.error = "why";
    e.payload = core::as_bytes("what");
    outcomes.entries.push_back(e);
    const Frame frame = test::encoded({core::Sid{9}, 8, outcomes});
    const std::string log(16, '\0');
    CHECK(test::to_frame(test::body_of(frame)) == packed([&](auto& p) {
            p.pack_array(4).pack_bin(16).pack_bin_body(log.data(), 16);
            p.pack(7).pack_array(1).pack("resize");
            p.pack_array(12).pack(1).pack(2).pack(3).pack(4).pack_nil().pack(0).pack(1).pack(5);
            p.pack(6000000).pack(700).pack(3).pack(4);
          }));
    CHECK(core::as_text(test::heap_of(frame)) == "whywhat");
  }

  TEST_CASE("an error text leaves as UTF-8 of at most 512 bytes") {
    core::Outcomes outcomes{core::Log{}, core::Epoch{1}, {"t"}, {}};
    outcomes.entries.resize(3);
    const std::string longest = std::string(511, 'x') + "\xC3\xA9";
    outcomes.entries[0].error = "caf\xE9";
    outcomes.entries[1].error = longest;
    outcomes.entries[2].error = "fine";
    const Frame frame = test::encoded({core::Sid{1}, 1, outcomes});
    CHECK(core::as_text(test::heap_of(frame)) == "caf?" + std::string(511, 'x') + "fine");
    core::EntryPool pool;
    DecodeError error;
    CHECK(Codec(Role::sink).decode(frame, pool, error));
  }

  TEST_CASE("the largest numbers fit into the room that was made") {
    core::Ack ack;
    for (int i = 0; i < 3000; ++i) {
      ack.entries.push_back({static_cast<core::Seq>(INT64_MAX),
                             static_cast<core::Lease>(INT64_MAX), core::Status::cancelled});
    }
    const Frame frame = test::encoded({core::Sid{1}, 1, ack});
    CHECK(test::body_of(frame).size() == 1 + 3 + 3000 * 19);
  }
}
