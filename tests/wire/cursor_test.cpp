// cursor_test.cpp: tests of cursor.cpp. Its bytes come from msgpack's own packer.
// SPDX-License-Identifier: MIT
#include "wire/cursor.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "wire/limits.hpp"
#include "wire/reference.hpp"

using namespace sluice;
using namespace sluice::wire;
using test::Frame;
using test::packed;

namespace {

Frame raw(std::initializer_list<unsigned> bytes) {
  Frame out;
  for (const unsigned b : bytes) out.push_back(static_cast<std::byte>(b));
  return out;
}

bool reads_as(const Frame& bytes, std::uint64_t value) {
  Cursor cursor(bytes);
  const std::uint64_t read = cursor.number();
  cursor.expect_end();
  return cursor.ok() && read == value;
}

bool refused_as_number(const Frame& bytes) {
  Cursor cursor(bytes);
  const std::uint64_t read = cursor.number();
  return !cursor.ok() && read == 0 && cursor.code() == core::Code::bad_frame;
}

}  // namespace

TEST_SUITE("cursor") {
  TEST_CASE("a number is read in any width, signed or not") {
    CHECK(reads_as(raw({0x00}), 0));
    CHECK(reads_as(raw({0x7F}), 127));
    CHECK(reads_as(raw({0xCC, 5}), 5));
    CHECK(reads_as(raw({0xCC, 0xFF}), 255));
    CHECK(reads_as(raw({0xCD, 0, 5}), 5));
    CHECK(reads_as(raw({0xCD, 0xFF, 0xFE}), 0xFFFE));
    CHECK(reads_as(raw({0xCE, 0, 0, 0, 5}), 5));
    CHECK(reads_as(raw({0xCE, 0xFF, 0, 0, 1}), 0xFF000001));
    CHECK(reads_as(raw({0xCF, 0, 0, 0, 0, 0, 0, 0, 5}), 5));
    CHECK(reads_as(raw({0xCF, 0x7F, 255, 255, 255, 255, 255, 255, 255}), INT64_MAX));
    CHECK(reads_as(raw({0xD0, 0x7F}), 127));
    CHECK(reads_as(raw({0xD1, 0x7F, 0xFF}), 32767));
    CHECK(reads_as(raw({0xD2, 0x7F, 0xFF, 0xFF, 0xFF}), 0x7FFFFFFF));
    CHECK(reads_as(raw({0xD3, 0, 0, 0, 0, 0, 0, 1, 0}), 256));
  }

  TEST_CASE("what msgpack packs, the cursor reads") {
    for (unsigned bits = 0; bits < 63; ++bits) {
      const std::uint64_t value = std::uint64_t{1} << bits;
      CHECK(reads_as(packed([&](auto& p) { p.pack(value); }), value));
      CHECK(reads_as(packed([&](auto& p) { p.pack(value - 1); }), value - 1));
      CHECK(reads_as(packed([&](auto& p) { p.pack(static_cast<std::int64_t>(value)); }), value));
    }
  }

  TEST_CASE("negative, too large, floating and other things are no numbers") {
    CHECK(refused_as_number(packed([](auto& p) { p.pack(-1); })));
    CHECK(refused_as_number(packed([](auto& p) { p.pack(-33); })));
    CHECK(refused_as_number(packed([](auto& p) { p.pack(-1000); })));
    CHECK(refused_as_number(packed([](auto& p) { p.pack(-100000); })));
    CHECK(refused_as_number(packed([](auto& p) { p.pack(INT64_MIN); })));
    CHECK(refused_as_number(packed([](auto& p) { p.pack(std::uint64_t{1} << 63U); })));
    CHECK(refused_as_number(packed([](auto& p) { p.pack(1.5F); })));
    CHECK(refused_as_number(packed([](auto& p) { p.pack(1.5); })));
    CHECK(refused_as_number(packed([](auto& p) { p.pack_nil(); })));
    CHECK(refused_as_number(packed([](auto& p) { p.pack(true); })));
    CHECK(refused_as_number(packed([](auto& p) { p.pack("1"); })));
    CHECK(refused_as_number(packed([](auto& p) { p.pack_map(0); })));
    CHECK(refused_as_number(packed([](auto& p) { p.pack_ext(1, 1).pack_ext_body("x", 1); })));
    CHECK(refused_as_number(raw({0xC1})));
    CHECK(refused_as_number(raw({})));
  }

  TEST_CASE("a number that is cut off is refused, whatever its width") {
    for (const unsigned lead : {0xCCU, 0xCDU, 0xCEU, 0xCFU, 0xD0U, 0xD1U, 0xD2U, 0xD3U}) {
      const std::size_t width = std::size_t{1} << (lead & 3U);
      for (std::size_t have = 0; have < width; ++have) {
        Frame bytes = raw({lead});
        bytes.resize(1 + have);
        CHECK(refused_as_number(bytes));
      }
    }
  }

  TEST_CASE("a bound is kept: the bound itself passes, one more does not") {
    for (const std::uint64_t value : {999U, 1000U, 1001U}) {
      const Frame bytes = packed([&](auto& p) { p.pack(value); });
      Cursor cursor(bytes);
      static_cast<void>(cursor.number_up_to(1000));
      CHECK(cursor.ok() == (value <= 1000));
    }
    const Frame wide = packed([](auto& p) { p.pack(std::uint64_t{1} << 32U); });
    Cursor cursor(wide);
    static_cast<void>(cursor.number32());
    CHECK_FALSE(cursor.ok());
  }

  TEST_CASE("str and bin of every width are read alike") {
    for (const std::size_t size : {0U, 31U, 32U, 255U, 256U, 65535U, 65536U}) {
      const std::string text(size, 'x');
      const auto length = static_cast<std::uint32_t>(size);
      const Frame str = packed([&](auto& p) { p.pack(text); });
      const Frame bin =
          packed([&](auto& p) { p.pack_bin(length).pack_bin_body(text.data(), length); });
      for (const Frame& bytes : {str, bin}) {
        Cursor cursor(bytes);
        CHECK(cursor.string() == text);
        cursor.expect_end();
        CHECK(cursor.ok());
        Frame cut = bytes;
        cut.pop_back();
        Cursor short_one(cut);
        static_cast<void>(short_one.string());
        CHECK_FALSE(short_one.ok());
      }
    }
  }

  TEST_CASE("a name must be UTF-8 and within its limit") {
    const auto accepted = [](const std::string& name) {
      const Frame bytes = packed([&](auto& p) { p.pack(name); });
      Cursor cursor(bytes);
      static_cast<void>(cursor.name());
      return cursor.ok();
    };
    CHECK(accepted(std::string(kMaxName, 'n')));
    CHECK_FALSE(accepted(std::string(kMaxName + 1, 'n')));
    CHECK_FALSE(accepted("caf\xE9"));
  }

  TEST_CASE("an id must have exactly its length") {
    for (const std::size_t size : {15U, 16U, 17U}) {
      const Frame bytes = packed([&](auto& p) { p.pack(std::string(size, 'i')); });
      Cursor cursor(bytes);
      core::Log log{};
      cursor.fixed(log);
      CHECK(cursor.ok() == (size == 16));
    }
  }

  TEST_CASE("an array that claims more elements than there are bytes is refused at once") {
    for (const Frame& bytes :
         {raw({0x92, 1}), raw({0xDC, 0, 2, 1}), raw({0xDD, 255, 255, 255, 255, 1}),
          raw({0xDC, 0}), raw({0xDD, 0, 0, 0}), raw({0x80}), raw({})}) {
      Cursor cursor(bytes);
      CHECK(cursor.array() == 0);
      CHECK_FALSE(cursor.ok());
    }
  }

  TEST_CASE("a flat array has whole groups, and not too many") {
    const auto groups_of = [](std::size_t elements, std::size_t stride, core::Code& code) {
      const Frame bytes = packed([&](auto& p) {
        p.pack_array(static_cast<std::uint32_t>(elements));
        for (std::size_t i = 0; i < elements; ++i) p.pack(7);
      });
      Cursor cursor(bytes);
      const std::size_t groups = cursor.groups(stride, 10);
      code = cursor.code();
      return groups;
    };
    core::Code code{};
    CHECK(groups_of(30, 3, code) == 10);
    CHECK(code == core::Code::ok);
    CHECK(groups_of(31, 3, code) == 0);
    CHECK(code == core::Code::bad_frame);
    CHECK(groups_of(33, 3, code) == 0);
    CHECK(code == core::Code::too_large);
  }

  TEST_CASE("what a newer minor version added is skipped, if it is legal") {
    const auto skips = [](const Frame& bytes) {
      Cursor cursor(bytes);
      cursor.skip_elements(1, 1);
      cursor.expect_end();
      return cursor.ok();
    };
    CHECK(skips(raw({0x05})));
    CHECK(skips(raw({0xC0})));
    CHECK(skips(raw({0xC3})));
    CHECK(skips(raw({0xD9, 2, 'h', 'i'})));
    CHECK(skips(raw({0xC4, 2, 0xFF, 0xFF})));
    CHECK(skips(raw({0x92, 0xCD, 1, 1, 0x91, 0xA1, 'x'})));
    CHECK_FALSE(skips(raw({0xE0})));
    CHECK_FALSE(skips(raw({0xCB, 0, 0, 0, 0, 0, 0, 0, 0})));
    CHECK_FALSE(skips(raw({0x81, 1, 1})));
    CHECK_FALSE(skips(raw({0xD4, 1, 1})));
    CHECK_FALSE(skips(raw({0xC1})));
    CHECK_FALSE(skips(raw({})));
  }

  TEST_CASE("arrays may be nested four deep, the outermost counted, and no deeper") {
    for (const int inner : {3, 4, 100000}) {
      Frame bytes(static_cast<std::size_t>(inner), std::byte{0x91});
      bytes.push_back(std::byte{1});
      Cursor cursor(bytes);
      cursor.skip_elements(1, 1);
      CHECK(cursor.ok() == (inner == 3));
    }
  }

  TEST_CASE("the first failure is the one that is told, and ends all reading") {
    const Frame bytes = packed([](auto& p) { p.pack(true).pack(5).pack(6); });
    Cursor cursor(bytes);
    CHECK(cursor.number() == 0);
    const std::string_view what = cursor.what();
    CHECK(cursor.number() == 0);
    CHECK(cursor.string().empty());
    cursor.fail(core::Code::too_large, "later");
    CHECK(cursor.what() == what);
    CHECK(cursor.code() == core::Code::bad_frame);
  }

  TEST_CASE("payloads are handed out in order and must fit exactly") {
    Cursor cursor({});
    Heap heap(core::as_bytes("onetwo"));
    CHECK(core::as_text(heap.take(3, cursor)) == "one");
    CHECK(heap.take(0, cursor).empty());
    Heap rest = heap;
    CHECK(core::as_text(heap.take(3, cursor)) == "two");
    heap.expect_end(cursor);
    CHECK(cursor.ok());
    Cursor unfinished({});
    rest.expect_end(unfinished);
    CHECK_FALSE(unfinished.ok());
    CHECK(rest.take(4, cursor).empty());
    CHECK_FALSE(cursor.ok());
  }
}
