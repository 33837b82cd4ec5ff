// json_text_test.cpp: any bytes as JSON, checked by a parser that is not ours.
// SPDX-License-Identifier: MIT
#include "store/json_text.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

using namespace sluice::store;

namespace {

std::string through_json(std::string_view text, bool& clean) {
  std::string out;
  clean = append_json_string(out, text);
  return nlohmann::json::parse(out).get<std::string>();
}
std::string base64(std::string_view bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("json_text");

TEST_CASE("text comes back as it went in") {
  for (const std::string_view text :
       {std::string_view(""), std::string_view("plain"), std::string_view("\"quoted\\\" \n\t\r\b"),
        std::string_view("a\0b\x1f\x7f", 5), std::string_view("é € 😀 \u2028")}) {
    bool clean = false;
    CHECK(through_json(text, clean) == text);
    CHECK(clean);
    CHECK(is_utf8(text));
  }
}

TEST_CASE("each byte that is not UTF-8 becomes a replacement character, and is told") {
  bool clean = true;
  CHECK(through_json("a\xff\xfe" "b", clean) == "a\uFFFD\uFFFD" "b");
  CHECK_FALSE(clean);
  CHECK_FALSE(is_utf8("a\xff"));
}

TEST_CASE("what only looks like UTF-8 is refused") {
  for (const std::string_view bad : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80",
                                     "\xF4\x90\x80\x80", "\xE2\x82", "\xC3", "\x80"}) {
    bool clean = true;
    through_json(bad, clean);  // whatever it becomes, it is valid JSON
    CHECK_FALSE(clean);
    CHECK_FALSE(is_utf8(bad));
  }
}

// RFC 4648, section 10.
TEST_CASE("base64 is that of the standard") {
  CHECK(base64("") == "\"\"");
  CHECK(base64("f") == "\"Zg==\"");
  CHECK(base64("fo") == "\"Zm8=\"");
  CHECK(base64("foo") == "\"Zm9v\"");
  CHECK(base64("foob") == "\"Zm9vYg==\"");
  CHECK(base64("fooba") == "\"Zm9vYmE=\"");
  CHECK(base64("foobar") == "\"Zm9vYmFy\"");
  CHECK(base64("\xff\xff\xff\xfb") == "\"////+w==\"");
}

TEST_SUITE_END();
