// buffer_test.cpp: tests of buffer.cpp.
// SPDX-License-Identifier: MIT
#include "wire/buffer.hpp"

#include <doctest/doctest.h>

using namespace sluice;

TEST_SUITE("buffer") {
  TEST_CASE("what was written survives growth") {
    wire::Buffer buffer;
    buffer.append(core::as_bytes("start"));
    const std::string large(100000, 'x');
    buffer.append(core::as_bytes(large));
    CHECK(core::as_text(buffer.bytes()) == "start" + large);
  }

  TEST_CASE("a cleared buffer is empty and keeps its memory") {
    wire::Buffer buffer;
    buffer.append(core::as_bytes(std::string(5000, 'x')));
    const std::size_t capacity = buffer.capacity();
    const std::byte* memory = buffer.data();
    buffer.clear();
    CHECK(buffer.size() == 0);
    buffer.append(core::as_bytes(std::string(5000, 'y')));
    CHECK(buffer.capacity() == capacity);
    CHECK(buffer.data() == memory);
  }

  TEST_CASE("room that is not used up does not count") {
    wire::Buffer buffer;
    std::byte* at = buffer.room(100);
    *at = std::byte{7};
    buffer.set_end(at + 1);
    CHECK(buffer.size() == 1);
    CHECK(buffer.bytes()[0] == std::byte{7});
  }

  TEST_CASE("appending nothing to nothing is fine") {
    wire::Buffer buffer;
    buffer.append({});
    CHECK(buffer.bytes().empty());
  }
}
