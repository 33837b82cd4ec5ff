// put_test.cpp: tests of put.hpp, against msgpack's own packer.
// SPDX-License-Identifier: MIT
#include "wire/put.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "wire/reference.hpp"

using namespace sluice;
using namespace sluice::wire;
using test::Frame;

namespace {

template <typename F>
Frame put(std::size_t most, F write) {
  Frame out(most);
  const std::byte* end = write(out.data());
  out.resize(static_cast<std::size_t>(end - out.data()));
  return out;
}

}  // namespace

TEST_SUITE("put") {
  TEST_CASE("numbers take the form msgpack's packer gives them, at every change of width") {
    for (unsigned bits = 0; bits < 63; ++bits) {
      for (const std::uint64_t nudge : {0U, 1U}) {
        const std::uint64_t value = (std::uint64_t{1} << bits) - nudge;
        INFO(value);
        CHECK(put(kMostNumber, [&](std::byte* at) { return put_number(at, value); }) ==
              test::packed([&](auto& p) { p.pack(value); }));
      }
    }
  }

  TEST_CASE("a number above 2^63-1 becomes 2^63-1") {
    const auto top = static_cast<std::uint64_t>(INT64_MAX);
    for (const std::uint64_t value : {top, top + 1, UINT64_MAX}) {
      CHECK(put(kMostNumber, [&](std::byte* at) { return put_number(at, value); }) ==
            test::packed([&](auto& p) { p.pack(top); }));
    }
  }

  TEST_CASE("texts and arrays take the form msgpack's packer gives them") {
    for (const std::size_t size : {0U, 1U, 15U, 16U, 31U, 32U, 255U, 256U, 65535U, 65536U}) {
      INFO(size);
      const std::string text(size, 'x');
      CHECK(put(kMostHeader + size, [&](std::byte* at) { return put_str(at, text); }) ==
            test::packed([&](auto& p) { p.pack(text); }));
      CHECK(put(kMostHeader, [&](std::byte* at) { return put_array(at, size); }) ==
            test::packed([&](auto& p) { p.pack_array(static_cast<std::uint32_t>(size)); }));
    }
  }

  TEST_CASE("nil, bools, ids and absent keys take the form msgpack's packer gives them") {
    const std::string id(16, '\x01');
    CHECK(put(kMostHeader + 16, [&](std::byte* at) { return put_bin(at, id.data(), 16); }) ==
          test::packed([&](auto& p) { p.pack_bin(16).pack_bin_body(id.data(), 16); }));
    CHECK(put(1, [](std::byte* at) { return put_bool(at, true); }) ==
          test::packed([](auto& p) { p.pack(true); }));
    CHECK(put(1, [](std::byte* at) { return put_bool(at, false); }) ==
          test::packed([](auto& p) { p.pack(false); }));
    CHECK(put(1, [](std::byte* at) { return put_str_or_nil(at, ""); }) ==
          test::packed([](auto& p) { p.pack_nil(); }));
    CHECK(put(kMostHeader + 1, [](std::byte* at) { return put_str_or_nil(at, "k"); }) ==
          test::packed([](auto& p) { p.pack("k"); }));
  }
}
