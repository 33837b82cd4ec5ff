// size_bound_test.cpp: tests of size_bound.cpp.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "wire/codec.hpp"
#include "wire/samples.hpp"

using namespace sluice;
using namespace sluice::wire;

TEST_SUITE("size_bound") {
  TEST_CASE("no message is larger than its bound") {
    for (const test::Sample& sample : test::samples()) {
      INFO(sample.name);
      CHECK(test::encoded(sample.envelope).size() <= Codec::size_bound(sample.envelope));
    }
  }

  TEST_CASE("the bound holds where all that can be long is long") {
    const std::string name(128, 'n');
    const std::string text(600, 't');
    core::Outcomes outcomes{core::Log{}, core::Epoch{0x7FFFFFFF}, {}, {}};
    outcomes.types.assign(256, name);
    core::OutcomeEntry e;
    e.rsn = static_cast<core::Rsn>(INT64_MAX);
    e.seq = static_cast<core::Seq>(INT64_MAX);
    e.lease = static_cast<core::Lease>(INT64_MAX);
    e.attempt = e.flags = 0x7FFFFFFF;
    e.type_index = 255;
    e.started_us = e.run_us = INT64_MAX;
    e.key = name;
    e.error = text;
    e.payload = core::as_bytes(text);
    outcomes.entries.assign(4096, e);
    const core::Envelope envelope{core::Sid{1}, 1, outcomes};
    CHECK(test::encoded(envelope).size() <= Codec::size_bound(envelope));
    // Such a message fills the body's limit nearly but not quite: entries are what binds.
    CHECK(test::body_of(test::encoded(envelope)).size() <= Limits{}.max_body);
  }

  TEST_CASE("the bound grows with each payload by its size") {
    core::Tasks tasks{core::Epoch{1}, 0, 0, 0, {"t"}, {}};
    tasks.entries.resize(1);
    const std::size_t empty = Codec::size_bound({core::Sid{1}, 1, tasks});
    tasks.entries[0].payload = core::as_bytes("12345");
    CHECK(Codec::size_bound({core::Sid{1}, 1, tasks}) == empty + 5);
  }
}
