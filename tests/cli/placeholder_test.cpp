// placeholder_test.cpp: placeholders and quoting; expectations recorded from GNU parallel 20221122.
// SPDX-License-Identifier: MIT
#include "cli/placeholder.hpp"

#include <doctest/doctest.h>

namespace sluice::cli {
namespace {

using Words = std::vector<std::string>;

std::string fill(std::string_view word, const Words& arguments, std::uint64_t number = 1) {
  return WordTemplate(word).shell_text(arguments, number);
}

struct PathCase {
  const char* argument;
  const char* no_extension;
  const char* base;
  const char* folder;
  const char* base_no_extension;
};

constexpr PathCase kPaths[] = {
    {"a/b.c.d", "a/b.c", "b.c.d", "a", "b.c"},
    {"b/c", "b/c", "c", "b", "c"},
    {"c.", "c", "c.", ".", "c"},
    {".bashrc", "", ".bashrc", ".", ""},
    {"d/.x.y", "d/.x", ".x.y", "d", ".x"},
    {"/", "/", "", "/", ""},
    {"/a", "/a", "a", "/", "a"},
    {"a//", "a//", "", ".", ""},
    {"a.b/c", "a.b/c", "c", "a.b", "c"},
    {"", "", "", ".", ""},
    {".", "", ".", ".", ""},
    {"..", ".", "..", ".", "."},
    {"../a", "../a", "a", "..", "a"},
    {"a//b", "a//b", "b", "a", "b"},
    {"//a", "//a", "a", "/", "a"},
    {"a/b//", "a/b//", "", "a", ""},
    {"///", "///", "", "/", ""},
    {"a///b///c", "a///b///c", "c", "a///b", "c"},
    {"a/.", "a/", ".", "a", ""},
    {"/.x", "/", ".x", "/", ""},
    {"a./b", "a./b", "b", "a.", "b"},
    {"x.tar.gz/", "x.tar.gz/", "", ".", ""},
    {"x y/z.t", "x y/z", "z.t", "x y", "z"},
};

TEST_SUITE("placeholder") {
  TEST_CASE("parts of a path are taken as GNU parallel takes them") {
    for (const PathCase& path : kPaths) {
      const Words arguments{path.argument};
      CAPTURE(path.argument);
      CHECK(WordTemplate("<{}>").words(arguments, 1) ==
            Words{std::string("<") + path.argument + ">"});
      CHECK(WordTemplate("{.}").words(arguments, 1) == Words{path.no_extension});
      CHECK(WordTemplate("{/}").words(arguments, 1) == Words{path.base});
      CHECK(WordTemplate("{//}").words(arguments, 1) == Words{path.folder});
      CHECK(WordTemplate("{/.}").words(arguments, 1) == Words{path.base_no_extension});
    }
  }

  TEST_CASE("positions choose among the input sources, negative ones from the last") {
    const Words arguments{"a/b.x", "d/e.f"};
    CHECK(fill("{1} {2} {1/} {2.} {1//} {1/.}", arguments) == "a/b.x d/e.f b.x d/e a b");
    CHECK(fill("{-1} {-2} {-1/.}", arguments) == "d/e.f a/b.x e");
    CHECK(fill("{01}", arguments) == "a/b.x");
  }

  TEST_CASE("a position no source has becomes nothing") {
    CHECK(fill("[{3}] [{-3}] [{1}]", {"a", "b"}) == "[] [] [a]");
    CHECK(WordTemplate("{3}").words(Words{"a", "b"}, 1).empty());
  }

  TEST_CASE("without a position all arguments are filled in, with blanks between") {
    const Words arguments{"a/b.x", "d/e.f"};
    CHECK(fill("{} {.} {/}", arguments) == "a/b.x d/e.f a/b d/e b.x e.f");
    CHECK(WordTemplate("-f{}").words(arguments, 1) == Words{"-fa/b.x d/e.f"});
  }

  TEST_CASE("a word that is one placeholder becomes one word for each argument") {
    CHECK(WordTemplate("{}").words(Words{"a b", "c"}, 1) == Words{"a b", "c"});
    CHECK(WordTemplate("{/}").words(Words{"x/a", "y/b"}, 1) == Words{"a", "b"});
    CHECK(WordTemplate("{}").words(Words{""}, 1) == Words{""});
  }

  TEST_CASE("the number of the task is filled in for {#}") {
    CHECK(fill("{#}-{}", {"a"}, 42) == "42-a");
    CHECK(WordTemplate("{#}").words(Words{"a", "b"}, 7) == Words{"7"});
  }

  TEST_CASE("the slot is recognised but left as it stands") {
    const WordTemplate word("{%}/{}");
    CHECK(word.mentions_slot());
    CHECK(word.shell_text(Words{"a"}, 1) == "{%}/a");
    CHECK(WordTemplate("{%}").has_placeholder());
    CHECK_FALSE(WordTemplate("{}").mentions_slot());
  }

  TEST_CASE("other braces are text") {
    for (const char* text :
         {"{", "}", "{ }", "{ 1 }", "{1 }", "{.1}", "{1#}", "{##}", "{0}", "{-}", "{-0}", "{+}",
          "{a,b}", "{///}", "{..}", "{99999999999999}", "{", "a}b{c", "{-.}"}) {
      CAPTURE(text);
      CHECK_FALSE(WordTemplate(text).has_placeholder());
      CHECK(fill(text, {"x"}) == text);
    }
  }

  TEST_CASE("placeholders next to other braces are found") {
    CHECK(fill("{{}}", {"x"}) == "{x}");
    CHECK(fill("{a{}b}", {"x"}) == "{axb}");
    CHECK(fill("{1}{2}{}", {"x", "y"}) == "xyx y");
  }

  TEST_CASE("an argument that looks like a placeholder is not filled in again") {
    CHECK(WordTemplate("{}{}").words(Words{"{#}"}, 5) == Words{"{#}{#}"});
  }

  TEST_CASE("a template tells what it holds") {
    CHECK(WordTemplate("a{1}b{3/}c{-9}").highest_position() == 3);
    CHECK(WordTemplate("{}").highest_position() == 0);
    CHECK(WordTemplate("a{}b{#}c{%}d").literal_text() == "abcd");
    CHECK(WordTemplate("{2.}").is_lone_argument());
    CHECK_FALSE(WordTemplate("{#}").is_lone_argument());
    CHECK_FALSE(WordTemplate("{}{}").is_lone_argument());
    CHECK_FALSE(WordTemplate("").has_placeholder());
    CHECK(WordTemplate("").words(Words{"a"}, 1) == Words{""});
  }

  TEST_CASE("arguments are quoted for the shell as GNU parallel quotes them") {
    CHECK(shell_quoted("a b") == "'a b'");
    CHECK(shell_quoted("c'd") == "'c'\"'\"'d'");
    CHECK(shell_quoted("") == "''");
    CHECK(shell_quoted("é") == "'é'");
    CHECK(shell_quoted("a=b") == "'a=b'");
    CHECK(shell_quoted("-x") == "-x");
    CHECK(shell_quoted("a/b.c") == "a/b.c");
    CHECK(shell_quoted("A_9+") == "A_9+");
    CHECK(shell_quoted("~") == "'~'");
    CHECK(shell_quoted("@,.:^+") == "'@,.:^+'");
    CHECK(shell_quoted("\\") == "'\\'");
    CHECK(shell_quoted("x\ny") == "'x\ny'");
  }

  TEST_CASE("empty quotes at the ends are left out") {
    CHECK(shell_quoted("'") == "\"'\"");
    CHECK(shell_quoted("'a") == "\"'\"'a'");
    CHECK(shell_quoted("a'") == "'a'\"'\"");
    CHECK(shell_quoted("''") == "\"'\"''\"'\"");
  }

  TEST_CASE("only arguments are quoted, not the text around them") {
    CHECK(fill("echo \"{}\" > $HOME/{#}", {"a b"}, 3) == "echo \"'a b'\" > $HOME/3");
    CHECK(fill("{}{}", {""}) == "''''");
  }
}

}  // namespace
}  // namespace sluice::cli
