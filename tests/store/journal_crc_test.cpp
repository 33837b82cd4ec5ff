// journal_crc_test.cpp: the checksum is the one that others compute.
// SPDX-License-Identifier: MIT
#include "store/journal_crc.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "core/chunk.hpp"

using namespace sluice;
using namespace sluice::store;

TEST_SUITE_BEGIN("journal_crc");

// The values of RFC 3720, B.4, and of the field's usual check.
TEST_CASE("known texts have their known checksums") {
  CHECK(crc32c(0, core::as_bytes("123456789")) == 0xe3069283U);
  CHECK(crc32c(0, core::as_bytes(std::string(32, '\0'))) == 0x8a9136aaU);
  CHECK(crc32c(0, core::as_bytes(std::string(32, '\xff'))) == 0x62a8ab43U);
  CHECK(crc32c(0, core::Bytes{}) == 0U);
}

TEST_CASE("a text in two parts has the checksum of the whole") {
  const std::string_view text = "sluice lets through just as much as the channels below can take";
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    CHECK(crc32c(crc32c(0, core::as_bytes(text.substr(0, cut))),
                 core::as_bytes(text.substr(cut))) == crc32c(0, core::as_bytes(text)));
}

TEST_CASE("a number counts as its eight bytes, the lowest first") {
  CHECK(crc32c(7, std::uint64_t{0x3837363534333231}) == crc32c(7, core::as_bytes("12345678")));
}

TEST_SUITE_END();
