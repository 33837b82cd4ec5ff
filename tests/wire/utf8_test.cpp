// utf8_test.cpp: tests of utf8.cpp.
// SPDX-License-Identifier: MIT
#include "wire/utf8.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sluice::wire;

TEST_SUITE("utf8") {
  TEST_CASE("characters of one to four bytes are UTF-8, at their limits too") {
    for (const char* text : {"", "a", "plain text longer than eight bytes", "\x7F", "\xC2\x80",
                             "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                             "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
      INFO(text);
      CHECK(is_utf8(text));
    }
    CHECK(is_utf8(std::string_view("\0", 1)));
  }

  TEST_CASE("overlong forms, surrogates, stray and missing bytes are not UTF-8") {
    for (const char* text :
         {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2 ", "\xE0\x9F\xBF", "\xE2\x82",
          "\xE2\x82 ", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF0\x90\x80", "\xF4\x90\x80\x80",
          "\xF5\x80\x80\x80", "\xFF"}) {
      const std::string behind = std::string("eight or more ") + text;
      CHECK(utf8_prefix(text) == 0);
      CHECK(utf8_prefix(behind) == 14);
    }
  }

  TEST_CASE("a clipped text ends with a whole character") {
    const std::string text = "ab\xE2\x82\xAC";
    CHECK(utf8_clip(text, 5) == text);
    CHECK(utf8_clip(text, 4) == "ab");
    CHECK(utf8_clip(text, 3) == "ab");
    CHECK(utf8_clip(text, 2) == "ab");
    CHECK(utf8_clip(text, 0) == "");
  }

  TEST_CASE("clipping bytes that are no text still keeps within the limit") {
    const std::string text(20, '\x80');
    CHECK(utf8_clip(text, 10).size() == 7);
    CHECK(utf8_clip(text, 2).size() == 0);
  }

  TEST_CASE("a repaired text is UTF-8 and as long as before") {
    std::string text = "caf\xE9 \xC3\xA9 \xFF\xFE end\xE2\x82";
    utf8_repair(text.data(), text.size());
    CHECK(text == "caf? \xC3\xA9 ?? end??");
  }
}
