// submit_wait_test.cpp: outcomes come back to the command line; tasks come from lines of JSON.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "e2e/cluster.hpp"

namespace sluice::e2e {
namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}
std::string lines_of_tasks(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i)
    text += "{\"type\":\"exec\",\"args\":[\"echo\",\"n" + std::to_string(i) + "\"]}\n";
  return text;
}

TEST_SUITE("submit_wait") {
  TEST_CASE("what the commands wrote comes back, and the exit code counts what failed") {
    Cluster cluster;
    cluster.start_ventilator();
    cluster.start_worker({"-j", "2"});
    const Ran ran = cluster.submit({"--wait", "--retries", "1", "--",
                                    "echo out{}; echo err{} >&2; exit {}", ":::", "0", "1", "2"});
    CHECK(ran.code == 2);
    for (const char* text : {"out0\n", "out1\n", "out2\n"}) CHECK(holds(ran.out, text));
    for (const char* text : {"err0\n", "err1\n", "err2\n"}) CHECK(holds(ran.err, text));
    CHECK(lines_in(ran.out) == 3);
    CHECK(holds(ran.err, "3 tasks taken, 1 done, 2 not done"));
  }

  TEST_CASE("as JSON they are the lines of the outcome file") {
    Cluster cluster;
    cluster.start_ventilator();
    cluster.start_worker({"-j", "2", "--name", "ann"});
    const Ran ran =
        cluster.submit({"--wait", "--output", "json", "--array", "1-200", "--", "echo", "n{}"});
    CHECK(ran.code == 0);
    std::set<std::string> outputs;
    std::size_t start = 0;
    for (std::size_t end = ran.out.find('\n'); end != std::string::npos;
         end = ran.out.find('\n', start)) {
      const auto outcome = nlohmann::json::parse(ran.out.substr(start, end - start));
      CHECK(outcome.at("status") == "done");
      CHECK(outcome.at("worker") == "ann");
      outputs.insert(outcome.at("stdout").get<std::string>());
      start = end + 1;
    }
    CHECK(outputs.size() == 200);
  }

  TEST_CASE("a task known by its key gives the first one's outcome, from the file if need be") {
    Cluster cluster;
    cluster.start_ventilator();
    cluster.start_worker({"-j", "1"});
    const Words words{"--key", "once-{}", "--", "echo {}; echo x >> ran", ":::", "a"};
    CHECK(cluster.submit(words).code == 0);
    REQUIRE(cluster.wait_outcomes(1));
    Words waiting{"--wait"};
    waiting.insert(waiting.end(), words.begin(), words.end());
    const Ran ran = cluster.submit(waiting);
    CHECK(ran.code == 0);
    CHECK(ran.out == "a\n");
    CHECK(holds(ran.err, "1 known already"));
    CHECK(cluster.dir.lines("ran").size() == 1);
  }

  TEST_CASE("lines of JSON become tasks, from a file or standard input") {
    Cluster cluster;
    cluster.start_ventilator();
    cluster.start_worker({"-j", "2"});
    cluster.dir.write("tasks.jsonl", lines_of_tasks(50));
    const Ran from_file =
        cluster.submit({"--wait", "--bar", "--jsonl", cluster.dir.file("tasks.jsonl")});
    CHECK(from_file.code == 0);
    CHECK(lines_in(from_file.out) == 50);
    CHECK(holds(from_file.out, "n50\n"));
    ProcessOptions input;
    input.input = lines_of_tasks(3);
    const Ran from_stdin = cluster.submit({"--jsonl", "-"}, input);
    CHECK(from_stdin.code == 0);
    CHECK(lines_in(from_stdin.out) == 3);  // ids
    REQUIRE(cluster.wait_outcomes(53));
  }

  TEST_CASE("a line that is no task ends it with its number; with automatic keys all goes again") {
    Cluster cluster;
    cluster.start_ventilator();
    cluster.start_worker({"-j", "1"});
    ProcessOptions input;
    input.input = lines_of_tasks(2) + "{\"type\":\"exec\"\n";
    const Ran ran = cluster.submit({"--key", "auto", "--jsonl", "-"}, input);
    CHECK(ran.code == 255);
    CHECK(holds(ran.err, "line 3 of standard input"));
    CHECK(holds(ran.err, "the 2 tasks before it"));
    CHECK(lines_in(ran.out) == 2);
    input.input = lines_of_tasks(3);
    const Ran again = cluster.submit({"--key", "auto", "--wait", "--jsonl", "-"}, input);
    CHECK(again.code == 0);
    CHECK(lines_in(again.out) == 3);
    CHECK(holds(again.err, "1 task taken, 2 known already"));
    CHECK(cluster.outcomes().size() == 3);
  }

  TEST_CASE("interrupted it stops reading and says how to go on") {
    Cluster cluster;
    cluster.start_ventilator();
    ProcessOptions open;
    open.keep_input = true;
    Process submit = cluster.start({"submit", "--wait", "--jsonl", "-"}, open);
    submit.write_input(lines_of_tasks(2));
    REQUIRE(eventually([&] { return cluster.status().at("tasks").at("ready") == 2; }));
    submit.signal(SIGINT);
    CHECK(submit.wait() == 128 + SIGINT);
    CHECK(holds(submit.err(), "of the first 2 tasks 2 are taken"));
    CHECK(holds(submit.err(), "begin with task 3"));
  }

  TEST_CASE("what does not fit together is refused") {
    Cluster cluster;
    cluster.start_ventilator();
    cluster.dir.write("tasks.jsonl", lines_of_tasks(1));
    const std::string file = cluster.dir.file("tasks.jsonl");
    CHECK(cluster.submit({"--jsonl", file, "--", "echo"}).code == 255);
    CHECK(cluster.submit({"--jsonl", file, "--key", "k"}).code == 255);
    CHECK(cluster.submit({"--jsonl", cluster.dir.file("none.jsonl")}).code == 255);
  }
}

}  // namespace
}  // namespace sluice::e2e
