// jsonl_tasks_test.cpp: which tasks come of lines of JSON, and which lines are refused.
// SPDX-License-Identifier: MIT
#include "cli/jsonl_tasks.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/temp_folder.hpp"
#include "cli/test_pipe.hpp"
#include "sluice/command.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

std::vector<Task> tasks_of(const std::string& text, SubmissionOptions options = {}) {
  TestPipe pipe;
  pipe.put(text);
  pipe.close_write();
  options.stdin_fd = pipe.read_fd();
  JsonlTasks source("-", options);
  std::vector<Task> tasks;
  Task task;
  while (source.try_next(task) == Ready::yes) tasks.push_back(task);
  CHECK(source.given() == tasks.size());
  return tasks;
}
Task task_of(const std::string& line) {
  const auto tasks = tasks_of(line + "\n");
  REQUIRE(tasks.size() == 1);
  return tasks[0];
}
std::string error_of(const std::string& text) {
  try {
    static_cast<void>(tasks_of(text));
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}
bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
nlohmann::json args_of(const Task& task) { return nlohmann::json::from_msgpack(task.payload); }

TEST_SUITE("jsonl_tasks") {
  TEST_CASE("a line names everything a task can have") {
    const Task task =
        task_of(R"({"type":"resize","args":{"file":"a.jpg","scale":0.5},"key":"k","priority":7,)"
                R"("delay_s":1.5,"ttl_s":60,"timeout_s":0.0001,"max_attempts":4})");
    CHECK(task.type == "resize");
    CHECK(args_of(task) == nlohmann::json({{"file", "a.jpg"}, {"scale", 0.5}}));
    CHECK(task.key == "k");
    CHECK(task.priority == 7);
    CHECK(task.delay == 1500ms);
    CHECK(task.ttl == 60s);
    CHECK(task.timeout == 1ms);
    CHECK(task.max_attempts == 4);
  }

  TEST_CASE("args may be any value, and nil if they are left out") {
    for (const char* args : {"null", "true", "-7", "18446744073709551615", "\"text\"", "[1,[2]]"})
      CHECK(args_of(task_of(R"({"type":"t","args":)" + std::string(args) + "}")) ==
            nlohmann::json::parse(args));
    CHECK(task_of(R"({"type":"t"})").payload == std::vector<std::byte>{std::byte{0xC0}});
  }

  TEST_CASE("args may be nested, but not without end") {
    const auto nested = [](std::size_t depth) {
      return R"({"type":"t","key":"[[[{\"[{","args":)" + std::string(depth, '[') +
             std::string(depth, ']') + "}\n";
    };
    CHECK(tasks_of(nested(200)).size() == 1);
    for (const std::size_t depth : {std::size_t{1000}, std::size_t{30'000}})
      CHECK(holds(error_of(nested(depth)), "line 1 of standard input: it is nested too deep"));
  }

  TEST_CASE("what a line does not say is as the options have it") {
    SubmissionOptions options;
    options.priority = 3;
    options.max_attempts = 5;
    options.timeout = 10s;
    const auto tasks = tasks_of("{\"type\":\"t\"}\n{\"type\":\"t\",\"priority\":0}\n", options);
    REQUIRE(tasks.size() == 2);
    CHECK(tasks[0].priority == 3);
    CHECK(tasks[0].max_attempts == 5);
    CHECK(tasks[0].timeout == 10s);
    CHECK(tasks[1].priority == 0);
  }

  TEST_CASE("of type exec the words of a command, or a string for the shell") {
    SubmissionOptions options;
    options.cwd = "/somewhere";
    options.env = {"COLOUR=blue"};
    const auto tasks = tasks_of(
        "{\"type\":\"exec\",\"args\":[\"echo\",\"a b\"]}\n{\"type\":\"exec\",\"args\":\"a | b\"}\n",
        options);
    REQUIRE(tasks.size() == 2);
    const auto words = Command::decode(tasks[0].payload), shell = Command::decode(tasks[1].payload);
    REQUIRE(words);
    REQUIRE(shell);
    CHECK(words->argv == std::vector<std::string>{"echo", "a b"});
    CHECK(words->cwd == "/somewhere");
    CHECK(words->env == std::vector<std::pair<std::string, std::string>>{{"COLOUR", "blue"}});
    CHECK(shell->argv == std::vector<std::string>{"sh", "-c", "a | b"});
    CHECK(shell->display == "a | b");
  }

  TEST_CASE("a bad line is named, and what stood before it was given") {
    const std::string good = "{\"type\":\"t\"}\n";
    CHECK(holds(error_of(good + good + "{\"type\":\n"),
                "line 3 of standard input: this is not JSON"));
    CHECK(holds(error_of(good + "\n" + good), "line 2 of standard input"));
    CHECK(holds(error_of("[1]\n"), "not a JSON object"));
    CHECK(holds(error_of("{\"args\":1}\n"), "\"type\" is missing"));
    CHECK(holds(error_of("{\"type\":\"\"}\n"), "1 to 128 bytes"));
    CHECK(holds(error_of("{\"type\":5}\n"), "must be a string"));
    CHECK(holds(error_of("{\"type\":\"t\",\"arg\":1}\n"), "there is no field \"arg\""));
    CHECK(holds(error_of("{\"type\":\"t\",\"priority\":-1}\n"), "\"priority\" must be"));
    CHECK(holds(error_of("{\"type\":\"t\",\"priority\":4294967296}\n"), "\"priority\" must be"));
    CHECK(holds(error_of("{\"type\":\"t\",\"ttl_s\":\"1\"}\n"), "\"ttl_s\" must be"));
    CHECK(holds(error_of("{\"type\":\"t\",\"delay_s\":-0.5}\n"), "\"delay_s\" must be"));
    CHECK(holds(error_of("{\"type\":\"t\",\"key\":\"" + std::string(129, 'k') + "\"}\n"),
                "at most 128 bytes"));
    CHECK(holds(error_of("{\"type\":\"exec\",\"args\":[\"echo\",1]}\n"), "array of strings"));
    CHECK(holds(error_of("{\"type\":\"exec\"}\n"), "array of strings"));
    CHECK(holds(error_of("{\"type\":\"t\",\"args\":\"\xFF\"}\n"), "not JSON"));
  }

  TEST_CASE("a file that is not there is named") {
    CHECK_THROWS_WITH_AS(JsonlTasks("/nonexistent/tasks.jsonl", {}),
                         doctest::Contains("/nonexistent/tasks.jsonl"), Error);
  }

  TEST_CASE("automatic keys are the same for the same input, and differ from line to line") {
    SubmissionOptions options;
    options.key = kAutomaticKey;
    const std::string text =
        "{\"type\":\"t\",\"args\":1}\n{\"type\":\"t\",\"args\":1}\n{\"type\":\"t\",\"key\":\"own\"}"
        "\n";
    const auto first = tasks_of(text, options), second = tasks_of(text, options);
    REQUIRE(first.size() == 3);
    CHECK(first[0].key != first[1].key);
    CHECK(first[2].key == "own");
    for (std::size_t i = 0; i < 3; ++i) CHECK(first[i].key == second[i].key);
    const auto other = tasks_of("{\"type\":\"t\",\"args\":2}\n", options);
    CHECK(other[0].key != first[0].key);
    CHECK(other[0].key.size() <= 128);
  }
}

}  // namespace
}  // namespace sluice::cli
