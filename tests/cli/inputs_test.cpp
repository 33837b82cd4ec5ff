// inputs_test.cpp: splitting words, cutting lines, and combining input sources.
// SPDX-License-Identifier: MIT
#include "cli/inputs.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/test_pipe.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using Words = std::vector<std::string>;
using Records = std::vector<Words>;

class TempFile {
 public:
  explicit TempFile(std::string_view text) {
    const int fd = ::mkstemp(path_.data());
    REQUIRE(fd >= 0);
    REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ::close(fd);
  }
  ~TempFile() { ::unlink(path_.c_str()); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/sluice_inputs_XXXXXX";
};

InputSource list(Words words, bool linked = false) {
  return {InputSource::Kind::list, std::move(words), "", linked};
}
InputSource file(std::string path, bool linked = false) {
  return {InputSource::Kind::file, {}, std::move(path), linked};
}

Records all(Inputs& inputs) {
  Records records;
  while (auto record = inputs.next()) records.push_back(*record);
  return records;
}
Records all(std::vector<InputSource> sources) {
  Inputs inputs(std::move(sources));
  const auto total = inputs.total();
  Records records = all(inputs);
  if (total) CHECK(*total == records.size());
  CHECK(inputs.total() == records.size());
  return records;
}
Records lines_of(std::string_view text, InputOptions options = {}) {
  TestPipe pipe;
  pipe.put(text);
  pipe.close_write();
  options.stdin_fd = pipe.read_fd();
  Inputs inputs({}, options);
  return all(inputs);
}

RunWords split(const Words& words) {
  return split_run_words(words, [](std::string_view option) {
    return option == "-j" || option == "--jobs" || option == "--halt";
  });
}

template <typename Function>
std::string complaint(Function function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_SUITE("split_run_words") {
  TEST_CASE("options, command and sources are told apart at -- and :::") {
    const RunWords run = split({"-k", "--jobs", "4", "--", "echo", "-n", "{}", ":::", "a", "b"});
    CHECK(run.options == Words{"-k", "--jobs", "4"});
    CHECK(run.command == Words{"echo", "-n", "{}"});
    REQUIRE(run.sources.size() == 1);
    CHECK(run.sources[0].list == Words{"a", "b"});
    CHECK_FALSE(run.sources[0].linked);
  }

  TEST_CASE("without -- the first word that is no option starts the command") {
    const RunWords run = split({"-k", "--halt", "now,fail=1", "-j", "4", "grep", "-j", "--", "x"});
    CHECK(run.options == Words{"-k", "--halt", "now,fail=1", "-j", "4"});
    CHECK(run.command == Words{"grep", "-j", "--", "x"});
    CHECK(run.sources.empty());
  }

  TEST_CASE("a value that is part of its option does not take the next word") {
    CHECK(split({"-j4", "cmd"}).command == Words{"cmd"});
    CHECK(split({"--jobs=4", "cmd"}).command == Words{"cmd"});
    CHECK(split({"-kj4", "cmd"}).command == Words{"cmd"});
    CHECK(split({"-kj", "4", "cmd"}).command == Words{"cmd"});
    CHECK(split({"-kj", "4", "cmd"}).options == Words{"-kj", "4"});
    CHECK(split({"--tag", "cmd"}).command == Words{"cmd"});
    CHECK(split({"-jk", "cmd"}).command == Words{"cmd"});
  }

  TEST_CASE("there may be no command") {
    const RunWords run = split({"-k", ":::", "echo a", "echo b"});
    CHECK(run.options == Words{"-k"});
    CHECK(run.command.empty());
    CHECK(run.sources.at(0).list == Words{"echo a", "echo b"});
    CHECK(split({}).command.empty());
    CHECK(split({"--", ":::", "x"}).sources.at(0).list == Words{"x"});
  }

  TEST_CASE("a lone dash and an empty word are commands, not options") {
    CHECK(split({"-", "a"}).command == Words{"-", "a"});
    CHECK(split({"", "a"}).command == Words{"", "a"});
  }

  TEST_CASE("words behind ::: are not options") {
    CHECK(split({"echo", ":::", "-j", "--"}).sources.at(0).list == Words{"-j", "--"});
  }

  TEST_CASE("each ::: is a source, and each file behind :::: is one") {
    const RunWords run =
        split({"cmd", ":::", "a", ":::+", "b", "c", "::::", "f", "g", "::::+", "h", ":::"});
    REQUIRE(run.sources.size() == 6);
    CHECK(run.sources[1].list == Words{"b", "c"});
    CHECK(run.sources[1].linked);
    CHECK(run.sources[2].path == "f");
    CHECK(run.sources[3].path == "g");
    CHECK_FALSE(run.sources[3].linked);
    CHECK(run.sources[4].path == "h");
    CHECK(run.sources[4].linked);
    CHECK(run.sources[4].kind == InputSource::Kind::file);
    CHECK(run.sources[5].list.empty());
  }

  TEST_CASE(":::: without a file is refused") {
    CHECK(complaint([] { split({"cmd", "::::"}); }).find("'::::'") != std::string::npos);
    CHECK(complaint([] { split({"cmd", "::::", ":::", "a"}); }) != "");
  }
}

TEST_SUITE("inputs") {
  TEST_CASE("without a source every line of standard input is a record") {
    CHECK(lines_of("a\nb c\n") == Records{{"a"}, {"b c"}});
    CHECK(lines_of("") == Records{});
  }

  TEST_CASE("an empty line is an empty argument, and a last line needs no line end") {
    CHECK(lines_of("a\n\nb\r\nlast") == Records{{"a"}, {""}, {"b\r"}, {"last"}});
    CHECK(lines_of("\n") == Records{{""}});
  }

  TEST_CASE("with null_separated lines end with NUL and may hold line breaks") {
    InputOptions options;
    options.null_separated = true;
    CHECK(lines_of(std::string_view("a\nb\0c\0", 6), options) == Records{{"a\nb"}, {"c"}});
    CHECK(lines_of(std::string_view("a\0b\n", 4), options) == Records{{"a"}, {"b\n"}});
  }

  TEST_CASE("with skip_blank records of blanks are left out") {
    InputOptions options;
    options.skip_blank = true;
    CHECK(lines_of("a\n\n \t\nb\n", options) == Records{{"a"}, {"b"}});
    Inputs lists({list({}), list({" ", ""})}, options);
    CHECK_FALSE(lists.total());
    CHECK(all(lists) == Records{});
  }

  TEST_CASE("a list gives one record for each word, and knows how many") {
    Inputs inputs({list({"a", "b c", ""})});
    CHECK(inputs.total() == 3);
    CHECK(inputs.width() == 1);
    CHECK(inputs.fd() == -1);
    CHECK(all(inputs) == Records{{"a"}, {"b c"}, {""}});
    CHECK_FALSE(inputs.next());
    CHECK(all({list({})}) == Records{});
  }

  TEST_CASE("several sources make every combination, the first one changing slowest") {
    CHECK(all({list({"a", "b"}), list({"1", "2"})}) ==
          Records{{"a", "1"}, {"a", "2"}, {"b", "1"}, {"b", "2"}});
    CHECK(all({list({"a", "b"}), list({"1"}), list({"x", "y"})}) ==
          Records{{"a", "1", "x"}, {"a", "1", "y"}, {"b", "1", "x"}, {"b", "1", "y"}});
  }

  TEST_CASE("linked sources go in step and end with the shortest") {
    CHECK(all({list({"a", "b", "c"}), list({"1", "2"}, true)}) == Records{{"a", "1"}, {"b", "2"}});
    CHECK(all({list({"a", "b"}), list({"c", "d", "e"}, true), list({"f", "g"}, true)}) ==
          Records{{"a", "c", "f"}, {"b", "d", "g"}});
    CHECK(all({list({"a", "b"}), list({"1", "2"}, true), list({"x", "y"})}) ==
          Records{{"a", "1", "x"}, {"a", "1", "y"}, {"b", "2", "x"}, {"b", "2", "y"}});
    CHECK(all({list({"x", "y"}), list({"a", "b"}), list({"1", "2"}, true)}) ==
          Records{{"x", "a", "1"}, {"x", "b", "2"}, {"y", "a", "1"}, {"y", "b", "2"}});
  }

  TEST_CASE("a first source marked as linked has nothing to go in step with") {
    CHECK(all({list({"a", "b"}, true), list({"c"})}) == Records{{"a", "c"}, {"b", "c"}});
  }

  TEST_CASE("an empty source among several counts as one empty argument") {
    CHECK(all({list({"a", "b"}), list({})}) == Records{{"a", ""}, {"b", ""}});
    CHECK(all({list({}), list({"a", "b"})}) == Records{{"", "a"}, {"", "b"}});
    CHECK(all({file("/dev/null"), list({"a"})}) == Records{{"", "a"}});
    CHECK(all({list({"a"}), file("/dev/null")}) == Records{{"a", ""}});
    CHECK(all({file("/dev/null")}) == Records{});
  }

  TEST_CASE("files may stand anywhere among the sources") {
    const TempFile numbers("1\n2\n");
    const TempFile letters("a\nb");
    CHECK(all({file(numbers.path())}) == Records{{"1"}, {"2"}});
    CHECK(all({file(numbers.path()), file(letters.path())}) ==
          Records{{"1", "a"}, {"1", "b"}, {"2", "a"}, {"2", "b"}});
    CHECK(all({list({"x", "y"}), file(letters.path(), true)}) == Records{{"x", "a"}, {"y", "b"}});
  }

  TEST_CASE("standard input may be any source") {
    TestPipe pipe;
    pipe.put("7\n8\n");
    pipe.close_write();
    InputOptions options;
    options.stdin_fd = pipe.read_fd();
    Inputs inputs({list({"1", "2"}), file("-")}, options);
    CHECK(inputs.total() == 4);
    CHECK(all(inputs) == Records{{"1", "7"}, {"1", "8"}, {"2", "7"}, {"2", "8"}});
  }

  TEST_CASE("the total of a file is known at its end and not before") {
    const TempFile numbers("1\n2\n");
    Inputs inputs({file(numbers.path()), list({"a", "b"})});
    CHECK_FALSE(inputs.total());
    CHECK(all(inputs).size() == 4);
    CHECK(inputs.total() == 4);
  }

  TEST_CASE("a total beyond 64 bits is not known") {
    const Words many(1 << 13, "x");
    std::vector<InputSource> sources;
    for (int i = 0; i < 5; ++i) sources.push_back(list(many));
    Inputs inputs(std::move(sources));
    CHECK_FALSE(inputs.total());
    CHECK(inputs.next() == Words(5, "x"));
  }

  TEST_CASE("a file that cannot be opened or read is an error that names it") {
    CHECK(complaint([] { Inputs({file("/nowhere/list")}); }).find("'/nowhere/list'") !=
          std::string::npos);
    CHECK(complaint([] { Inputs({file("/")}).next().has_value(); }).find("'/'") !=
          std::string::npos);
  }

  TEST_CASE("later sources that do not fit into memory are refused") {
    InputOptions options;
    options.product_limit = 1000;
    const Words large{std::string(2000, 'x')};
    CHECK(complaint([&] {
            Inputs({list({"a"}), list(large)}, options);
          }).find("put the longest one first") != std::string::npos);
    Inputs first({list(large), list({"a"})}, options);
    CHECK(first.next().has_value());
  }

  TEST_CASE("a record of an open pipe is given before the pipe has more") {
    TestPipe pipe;
    InputOptions options;
    options.stdin_fd = pipe.read_fd();
    REQUIRE(::fcntl(pipe.read_fd(), F_SETFL, O_NONBLOCK) == 0);
    Inputs inputs({}, options);
    Words record;
    CHECK(inputs.try_next(record) == Ready::wait);
    CHECK(inputs.fd() == pipe.read_fd());
    pipe.put("one\ntw");
    CHECK(inputs.try_next(record) == Ready::yes);
    CHECK(record == Words{"one"});
    CHECK(inputs.try_next(record) == Ready::wait);
    pipe.put("o\n");
    CHECK(inputs.try_next(record) == Ready::yes);
    CHECK(record == Words{"two"});
    pipe.close_write();
    CHECK(inputs.try_next(record) == Ready::end);
    CHECK(inputs.total() == 2);
    CHECK(inputs.fd() == -1);
  }

  TEST_CASE("linked pipes wait for whichever lacks its line") {
    TestPipe pipe;
    InputOptions options;
    options.stdin_fd = pipe.read_fd();
    REQUIRE(::fcntl(pipe.read_fd(), F_SETFL, O_NONBLOCK) == 0);
    Inputs inputs({list({"a", "b"}), file("-", true)}, options);
    Words record;
    CHECK(inputs.try_next(record) == Ready::wait);
    pipe.put("1\n");
    CHECK(inputs.try_next(record) == Ready::yes);
    CHECK(record == Words{"a", "1"});
  }

  TEST_CASE("nothing is read while complete lines are at hand") {
    TestPipe pipe;
    pipe.put("a\nb\n");
    InputOptions options;
    options.stdin_fd = pipe.read_fd();
    Inputs inputs({}, options);
    CHECK(inputs.next() == Words{"a"});
    pipe.put("c\n");
    CHECK(inputs.next() == Words{"b"});
    char next = 0;
    REQUIRE(::read(pipe.read_fd(), &next, 1) == 1);
    CHECK(next == 'c');
  }

  TEST_CASE("combinations of one record need no reading") {
    TestPipe pipe;
    pipe.put("a\n");
    InputOptions options;
    options.stdin_fd = pipe.read_fd();
    Inputs inputs({file("-"), list({"1", "2"})}, options);
    CHECK(inputs.next() == Words{"a", "1"});
    CHECK(inputs.fd() == -1);
    CHECK(inputs.next() == Words{"a", "2"});
    CHECK(inputs.fd() == pipe.read_fd());
  }
}

TEST_SUITE("line_reader") {
  TEST_CASE("a line may be as long as the limit and no longer") {
    for (const std::size_t excess : {std::size_t{0}, std::size_t{1}}) {
      CAPTURE(excess);
      TestPipe pipe;
      pipe.put("a\n" + std::string(100 + excess, 'x') + "\n");
      LineReader reader(pipe.read_fd(), "standard input", '\n', 100);
      std::string line;
      CHECK(reader.poll(line) == Ready::yes);
      const std::string what = complaint([&] { static_cast<void>(reader.poll(line)); });
      CHECK(what.empty() == (excess == 0));
      if (excess != 0) CHECK(what.find("line 2 of standard input") == 0);
    }
  }

  TEST_CASE("an endless line is refused before it ends") {
    TestPipe pipe;
    pipe.put(std::string(101, 'x'));
    LineReader reader(pipe.read_fd(), "standard input", '\n', 100);
    std::string line;
    CHECK(complaint([&] { static_cast<void>(reader.poll(line)); }) != "");
  }

  TEST_CASE("a long line that comes in many pieces is put together") {
    TestPipe pipe;
    REQUIRE(::fcntl(pipe.read_fd(), F_SETFL, O_NONBLOCK) == 0);
    LineReader reader(pipe.read_fd(), "standard input", '\n', 1 << 20);
    std::string expected;
    std::string line;
    for (char c = 'a'; c <= 'z'; ++c) {
      const std::string piece(5000, c);
      expected += piece;
      pipe.put(piece);
      CHECK(reader.poll(line) == Ready::wait);
    }
    pipe.put("\nnext");
    CHECK(reader.poll(line) == Ready::yes);
    CHECK(line == expected);
    pipe.close_write();
    CHECK(reader.poll(line) == Ready::yes);
    CHECK(line == "next");
    CHECK(reader.poll(line) == Ready::end);
    CHECK(reader.poll(line) == Ready::end);
  }

  TEST_CASE("an open pipe with nothing in it is to be waited for, not read") {
    TestPipe pipe;
    LineReader reader(pipe.read_fd(), "standard input", '\n', 100);
    std::string line;
    CHECK(reader.poll(line) == Ready::wait);
    pipe.put("a\n");
    CHECK(reader.poll(line) == Ready::yes);
    CHECK(line == "a");
    CHECK(reader.poll(line) == Ready::wait);
    pipe.close_write();
    CHECK(reader.poll(line) == Ready::end);
  }

  TEST_CASE("reading from a closed descriptor is an error") {
    LineReader reader(-1, "standard input", '\n', 100);
    std::string line;
    CHECK(complaint([&] { static_cast<void>(reader.poll(line)); }).find("standard input") !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::cli
