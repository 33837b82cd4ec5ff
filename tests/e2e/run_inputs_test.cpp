// run_inputs_test.cpp: from words and lines to the commands of `sluice run`, byte for byte.
// SPDX-License-Identifier: MIT
#include "e2e/run_rig.hpp"

namespace sluice::e2e {
namespace {

// What command lines are most often broken by.
const Words kOddArguments{
    "a b", "it's", "say \"hi\"", "$HOME", "`id`", "two\nlines", "\xc3\xa9t\xc3\xa9",
    "-n",  "--",   "*",          "a\\b",  "#x",   "x;y|z&",     "~",
    "{}",  " ",    "%s",         "\t",    "!1",   "\xff\xfe",   ""};

std::string in_brackets(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += "[" + word + "]";
  return text;
}

Words with_arguments(Words words, const Words& arguments) {
  words.emplace_back(":::");
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

TEST_SUITE("run: inputs") {
  TEST_CASE("placeholders stand for the argument and its parts") {
    const RunRig rig;
    const Ran ran = rig.run({"-k", "--", "echo", "{}", "{.}", "{/}", "{//}", "{/.}", "{#}",
                             ":::", "/a/b.c/d.tar.gz", "plain"});
    CHECK(ran.out ==
          "/a/b.c/d.tar.gz /a/b.c/d.tar d.tar.gz /a/b.c d.tar 1\n"
          "plain plain plain . plain 2\n");
    CHECK(rig.run({"--", "echo", "x{}y{}z", ":::", "-"}).out == "x-y-z\n");
    CHECK(rig.run({"--", "echo {/.} | tr a-z A-Z", ":::", "b/c d.e"}).out == "C D\n");
  }

  TEST_CASE("several sources give every combination, linked ones go in step") {
    const RunRig rig;
    rig.dir.write("letters", "a\nb\n");
    CHECK(rig.run({"-k", "--", "echo", "{2}-{1}", ":::", "a", "b", ":::", "1", "2", "3"}).out ==
          "1-a\n2-a\n3-a\n1-b\n2-b\n3-b\n");
    CHECK(rig.run({"-k", "--", "echo", "{1}{2}", ":::", "a", "b", ":::+", "1", "2"}).out ==
          "a1\nb2\n");
    CHECK(rig.run({"-k", "--", "echo", "{2/.}", "{1}", "::::", "letters", ":::", "x/y.z"}).out ==
          "y a\ny b\n");
    CHECK(rig.run({"-k", "--", "echo", "::::", "-", ":::", "1"}, "u\nv\n").out == "u 1\nv 1\n");
  }

  TEST_CASE("lines of stdin are arguments: empty ones too, and a last one without its end") {
    const RunRig rig;
    CHECK(rig.run({"-k", "--", "printf", "[%s]"}, "a\n\n b c \nlast").out == "[a][][ b c ][last]");
    CHECK(rig.run({"-k", "-0", "--", "printf", "[%s]"}, std::string("a\nb\0\0c", 6)).out ==
          "[a\nb][][c]");
  }

  TEST_CASE("arguments reach a program as they are, whatever they hold") {
    const RunRig rig;
    const std::string expected = in_brackets(kOddArguments);
    CHECK(rig.run(with_arguments({"-k", "--", "printf", "[%s]"}, kOddArguments)).out == expected);
    CHECK(rig.run(with_arguments({"-k", "--", "printf", "[%s]", "{}"}, kOddArguments)).out ==
          expected);
    std::string input;
    for (const std::string& argument : kOddArguments) input += argument + std::string(1, '\0');
    CHECK(rig.run({"-k", "--null", "--", "printf", "[%s]", "{}"}, input).out == expected);
  }

  TEST_CASE("arguments reach a shell as one word each, whatever they hold") {
    const RunRig rig;
    const std::string expected = in_brackets(kOddArguments);
    CHECK(rig.run(with_arguments({"-k", "--", "printf '[%s]' {}; true"}, kOddArguments)).out ==
          expected);
    CHECK(rig.run(with_arguments({"-k", "--", "true; printf '[%s]'"}, kOddArguments)).out ==
          expected);
  }

  TEST_CASE("a one-word command with shell characters is the shell's, several words are not") {
    const RunRig rig;
    CHECK(rig.run({"--", "echo a{} | tr a b; echo $((1+2))", ":::", "a"}).out == "bb\n3\n");
    CHECK(rig.run({"--", "echo", "$HOME", "|", "{}", ":::", "*"}).out == "$HOME | *\n");
  }

  TEST_CASE("without a command each line is one") {
    const RunRig rig;
    const Ran ran =
        rig.run_logged({"-k", "-j", "2"}, "echo one; echo two\nexit 4\nprintf 'a b\\n'|rev\n");
    CHECK(ran.code == 1);
    CHECK(ran.out == "one\ntwo\nb a\n");
    CHECK(rig.joblog().at(2).exit_code == 4);
    CHECK(rig.joblog().at(2).command == "exit 4");
  }

  TEST_CASE("tasks read nothing of the run's own stdin") {
    const RunRig rig;
    CHECK(rig.run({"-k", "--", "wc -c; echo {}"}, "a\nb\n").out == "0\na\n0\nb\n");
  }

  TEST_CASE("a line break in a command leaves the joblog one line a task") {
    const RunRig rig;
    CHECK(rig.run_logged({"--", "echo", "{}", ":::", "a\nb\tc"}).out == "a\nb\tc\n");
    const auto joblog = rig.joblog();
    REQUIRE(joblog.size() == 1);
    CHECK(joblog.at(1).command == std::string("echo 'a\0b\tc'", 12));
  }

  TEST_CASE("options after the command, or after --, are the command's own") {
    const RunRig rig;
    CHECK(rig.run({"-j2", "-k", "echo", "-j", "{}", ":::", "1"}).out == "-j 1\n");
    CHECK(rig.run({"-kj2", "--", "echo", "--tag", "{}", ":::", "1"}).out == "--tag 1\n");
  }

  TEST_CASE("--workdir is where the tasks start; without it they start where the run did") {
    const RunRig rig;
    const TempFolder elsewhere;
    CHECK(rig.run({"--", "pwd; echo {}", ":::", "x"}).out == rig.dir.path() + "\nx\n");
    CHECK(rig.run({"--workdir", elsewhere.path(), "--", "pwd; echo {}", ":::", "x"}).out ==
          elsewhere.path() + "\nx\n");
  }

  TEST_CASE("what cannot be meant is one line of complaint and exit code 255") {
    const RunRig rig;
    const std::vector<std::pair<Words, std::string>> mistakes{
        {{"-j", "abc"}, "--jobs takes a number or a percentage"},
        {{"-j", "0"}, "--access"},
        {{"-j", "200000"}, "100000"},
        {{"--timeout", "soonish"}, "'soonish' is not a length of time"},
        {{"--timeout", "0"}, "--timeout must be at least 1 ms"},
        {{"--halt", "maybe"}, "--halt 'maybe' is not understood"},
        {{"--output-limit", "lots"}, "'lots' is not an amount of bytes"},
        {{"--output", "xml"}, "--output"},
        {{"--retries", "some"}, "--retries"},
        {{"--retires", "3"}, "--retries"},
        {{"--joblog", "/no/such/joblog"}, "/no/such/joblog"},
        {{"--outcomes", "/no/such/outcomes"}, "/no/such/outcomes"},
        {{"--access", "/no/such/access"}, "/no/such/access"},
        {{"--listen", "0.0.0.0"}, "--insecure"},
    };
    for (const auto& mistake : mistakes) {
      const Words& options = mistake.first;
      const std::string& expected = mistake.second;
      CAPTURE(options[0]);
      CAPTURE(options[1]);
      Words words = options;
      words.insert(words.end(), {"--", "touch ran; echo {}", ":::", "x"});
      const Ran ran = rig.run(words);
      CHECK(ran.code == 255);
      CHECK(ran.out == "");
      CHECK(ran.err.starts_with("sluice run: "));
      CHECK(lines_of(ran.err).size() == 1);
      CHECK(holds(ran.err, expected));
      CHECK_FALSE(rig.dir.has("ran"));
    }
  }

  TEST_CASE("a command that does not fit its input is told before anything runs") {
    const RunRig rig;
    for (const Words& words : {Words{"--", "touch", "{2}", ":::", "ran"},
                               {"--", "touch {%}", ":::", "ran"},
                               {"--", "touch", "ran", "::::", "/no/such/list"},
                               {"--", "touch", "ran", "::::"}}) {
      CAPTURE(words[1]);
      const Ran ran = rig.run(words);
      CHECK(ran.code == 255);
      CHECK(ran.err.starts_with("sluice run: "));
      CHECK(lines_of(ran.err).size() == 1);
      CHECK_FALSE(rig.dir.has("ran"));
    }
  }
}

}  // namespace
}  // namespace sluice::e2e
