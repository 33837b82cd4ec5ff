// verbs_test.cpp: the roles as separate processes, started and ended as an operator would.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <csignal>
#include <set>

#include "e2e/cluster.hpp"

namespace sluice::e2e {
namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Words numbers(int count) {
  Words words;
  for (int i = 1; i <= count; ++i) words.push_back(std::to_string(i));
  return words;
}

Words echo(int count) {
  Words words{"--", "echo", "n{}", ":::"};
  for (std::string& number : numbers(count)) words.push_back(std::move(number));
  return words;
}

TEST_SUITE("verbs") {
  TEST_CASE("a hundred tasks over two workers leave a hundred outcomes") {
    Cluster cluster;
    cluster.start_ventilator();
    cluster.start_worker({"-j", "2", "--name", "ann"});
    cluster.start_worker({"-j", "2", "--name", "bob"});
    const Ran submitted = cluster.submit(echo(100));
    CHECK(submitted.code == 0);
    CHECK(std::count(submitted.out.begin(), submitted.out.end(), '\n') == 100);
    CHECK(holds(submitted.err, "100 tasks taken"));
    REQUIRE(cluster.wait_outcomes(100));
    std::set<std::string> ids, outputs;
    for (const auto& outcome : cluster.outcomes()) {
      CHECK(outcome.at("status") == "done");
      ids.insert(outcome.at("id").get<std::string>());
      outputs.insert(outcome.at("stdout").get<std::string>());
    }
    CHECK(ids.size() == 100);
    CHECK(outputs.size() == 100);
    CHECK(outputs.contains("n42\n"));
    for (const std::string& id : ids) CHECK(holds(submitted.out, id + "\n"));
  }

  TEST_CASE("status shows workers and tasks, for people and for programs") {
    Cluster cluster;
    cluster.start_ventilator({"--name", "centre"});
    cluster.start_worker({"-j", "3", "--name", "ann"});
    REQUIRE(cluster.submit(echo(5)).code == 0);
    REQUIRE(cluster.wait_outcomes(5));
    REQUIRE(eventually([&] { return cluster.status().at("tasks").at("done") == 5; }));
    const auto status = cluster.status();
    CHECK(status.at("name") == "centre");
    CHECK(status.at("workers").size() == 1);
    CHECK(status.at("workers")[0].at("name") == "ann");
    CHECK(status.at("workers")[0].at("slots") == 3);
    const Ran people = cluster.sluice({"status"});
    CHECK(people.code == 0);
    CHECK(holds(people.out, "centre at tcp://127.0.0.1:"));
    CHECK(holds(people.out, "done 5"));
    CHECK(holds(people.out, "ann"));
    CHECK_FALSE(holds(people.out, "\x1b"));
  }

  TEST_CASE("the access file is for its user alone and names the port that was taken") {
    Cluster cluster;
    cluster.start_ventilator({"--bind", "tcp://127.0.0.1:0"});
    struct stat info {};
    REQUIRE(::stat(cluster.access_file().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    const auto access = nlohmann::json::parse(cluster.dir.read("access.json"));
    const std::string control = access.at("control");
    CHECK(control.starts_with("tcp://127.0.0.1:"));
    CHECK_FALSE(control.ends_with(":0"));
    CHECK(access.at("pid") == cluster.ventilator->pid());
    CHECK(cluster.ventilator->complains(control));
  }

  TEST_CASE("a ventilator that died leaves a file that is told from a living one") {
    Cluster cluster;
    cluster.start_ventilator();
    cluster.ventilator->signal(SIGKILL);
    REQUIRE(cluster.ventilator->wait() == 128 + SIGKILL);
    REQUIRE(cluster.dir.has("access.json"));
    for (const char* const verb : {"status", "worker", "submit"}) {
      CAPTURE(verb);
      const Ran ran = cluster.sluice({verb}, {}, 3s);
      CHECK(ran.code == 255);
      CHECK(holds(ran.err, "is gone"));
      CHECK(holds(ran.err, cluster.access_file()));
    }
    cluster.start_ventilator();
    CHECK(holds(cluster.ventilator->err(), "replacing the access file"));
    CHECK(cluster.sluice({"status"}).code == 0);
  }

  TEST_CASE("a living ventilator's access file is not overwritten") {
    Cluster cluster;
    cluster.start_ventilator();
    const std::string before = cluster.dir.read("access.json");
    const Ran second = cluster.sluice({"ventilator", "--out", cluster.dir.file("other.jsonl")});
    CHECK(second.code == 255);
    CHECK(holds(second.err, cluster.access_file()));
    CHECK(holds(second.err, "running"));
    CHECK(cluster.dir.read("access.json") == before);
    CHECK_FALSE(cluster.dir.has("other.jsonl"));
  }

  TEST_CASE("listening beyond this machine needs --insecure, and is warned of") {
    Cluster cluster;
    const std::string out = cluster.dir.file("o.jsonl");
    for (const Words& words : {Words{"ventilator", "--bind", "tcp://*:0", "--out", out},
                               Words{"ventilator", "--sink-bind", "tcp://0.0.0.0:0", "--out", out},
                               Words{"sink", "--bind", "tcp://0.0.0.0:0", "--out", out}}) {
      CAPTURE(words[2]);
      const Ran ran = cluster.sluice(words);
      CHECK(ran.code == 255);
      CHECK(holds(ran.err, "--insecure"));
      CHECK_FALSE(cluster.dir.has("access.json"));
      CHECK_FALSE(cluster.dir.has("o.jsonl"));
    }
    cluster.start_ventilator({"--bind", "tcp://*:0", "--advertise", "127.0.0.1", "--insecure"});
    CHECK(holds(cluster.ventilator->err(), "run commands as this user"));
    CHECK(cluster.sluice({"status"}).code == 0);
  }

  TEST_CASE("SIGTERM drains the ventilator: what was taken is settled, the file is gone") {
    Cluster cluster;
    cluster.start_ventilator();
    cluster.start_worker({"-j", "2"});
    cluster.dir.write("gate", "");
    // Tasks that are held up until the test lets them go.
    const std::string waits = "while [ -e " + cluster.dir.file("gate") + " ]; do sleep 0.05; done";
    REQUIRE(cluster.submit({"--array", "1-3", "--", waits + " # {}"}).code == 0);
    cluster.ventilator->signal(SIGTERM);
    REQUIRE(cluster.ventilator->complains("draining, 3 tasks"));
    const Ran late = cluster.submit({"echo", ":::", "late"});
    CHECK(late.code == 1);  // one task was refused
    CHECK(holds(late.err, "takes no more tasks"));
    CHECK(cluster.ventilator->running());
    REQUIRE(::unlink(cluster.dir.file("gate").c_str()) == 0);
    CHECK(cluster.ventilator->wait() == 0);
    CHECK(cluster.outcomes().size() == 3);
    CHECK_FALSE(cluster.dir.has("access.json"));
    CHECK(cluster.workers[0]->wait() == 0);  // it ends with its ventilator
  }

  TEST_CASE("a second SIGTERM ends a ventilator that has tasks left") {
    Cluster cluster;
    cluster.start_ventilator();
    REQUIRE(cluster.submit(echo(3)).code == 0);
    cluster.ventilator->signal(SIGTERM);
    REQUIRE(cluster.ventilator->complains("draining, 3 tasks"));
    cluster.ventilator->signal(SIGTERM);
    CHECK(cluster.ventilator->wait() == 1);
    CHECK(holds(cluster.ventilator->err(), "3 tasks not settled"));
    CHECK_FALSE(cluster.dir.has("access.json"));
  }

  TEST_CASE("a worker drains: what runs is finished, the rest runs elsewhere") {
    Cluster cluster;
    cluster.start_ventilator();
    Process& first = cluster.start_worker({"-j", "1", "--name", "ann"});
    cluster.dir.write("gate", "");
    const std::string waits = "while [ -e " + cluster.dir.file("gate") + " ]; do sleep 0.05; done";
    REQUIRE(cluster.submit({"--array", "1-4", "--", waits + " # {}"}).code == 0);
    REQUIRE(eventually([&] { return cluster.status().at("workers")[0].at("running") == 1; }));
    first.signal(SIGTERM);
    REQUIRE(first.complains("draining, 1 running"));
    REQUIRE(::unlink(cluster.dir.file("gate").c_str()) == 0);
    CHECK(first.wait() == 0);
    cluster.start_worker({"-j", "1", "--name", "bob"});
    REQUIRE(cluster.wait_outcomes(4));
    int by_ann = 0;
    for (const auto& outcome : cluster.outcomes()) {
      CHECK(outcome.at("attempts") == 1);
      if (outcome.at("worker") == "ann") ++by_ann;
    }
    CHECK(by_ann == 1);
  }

  TEST_CASE("a second SIGTERM kills what a worker runs, and it runs elsewhere") {
    Cluster cluster;
    cluster.start_ventilator({"--heartbeat", "250ms"});
    Process& first = cluster.start_worker({"-j", "1", "--name", "ann"});
    cluster.dir.write("gate", "");
    const std::string waits = "while [ -e " + cluster.dir.file("gate") + " ]; do sleep 0.05; done";
    REQUIRE(cluster.submit({waits + " # {}", ":::", "one"}).code == 0);
    REQUIRE(eventually([&] { return cluster.status().at("workers")[0].at("running") == 1; }));
    first.signal(SIGTERM);
    REQUIRE(first.complains("draining"));
    first.signal(SIGTERM);
    CHECK(first.wait() == 1);
    REQUIRE(::unlink(cluster.dir.file("gate").c_str()) == 0);
    cluster.start_worker({"-j", "1", "--name", "bob"});
    REQUIRE(cluster.wait_outcomes(1));
    CHECK(cluster.outcomes()[0].at("worker") == "bob");
  }

  TEST_CASE("a sink of its own takes the outcomes, and says on stdout where it listens") {
    Cluster cluster;
    Process sink = cluster.start(
        {"sink", "--bind", "tcp://127.0.0.1:*", "--out", cluster.dir.file("outcomes.jsonl")});
    REQUIRE(sink.prints("\n"));
    std::string endpoint = sink.out();
    endpoint.pop_back();
    CHECK(endpoint.starts_with("tcp://127.0.0.1:"));
    cluster.start_ventilator({"--sink", endpoint});
    cluster.start_worker({"-j", "2"});
    REQUIRE(cluster.submit(echo(20)).code == 0);
    REQUIRE(cluster.wait_outcomes(20));
    sink.signal(SIGINT);
    CHECK(sink.wait() == 0);
    CHECK(holds(sink.err(), "20 outcomes stored"));
  }

  TEST_CASE("tasks come from an array, from lines, and with keys") {
    Cluster cluster;
    cluster.start_ventilator();
    cluster.start_worker({"-j", "2"});
    REQUIRE(cluster.submit({"--array", "1-9:4", "--", "echo", "a{}"}).code == 0);
    ProcessOptions lines;
    lines.input = "x\ny z\n";
    REQUIRE(cluster.submit({"--key", "k-{}", "--", "echo", "l{}"}, lines).code == 0);
    const Ran again = cluster.submit({"--key", "k-{}", "--", "echo", "l{}"}, lines);
    CHECK(again.code == 0);
    CHECK(holds(again.err, "0 tasks taken, 2 known already by their keys"));
    REQUIRE(cluster.wait_outcomes(5));
    std::set<std::string> outputs;
    for (const auto& outcome : cluster.outcomes())
      outputs.insert(outcome.at("stdout").get<std::string>());
    CHECK(outputs == std::set<std::string>{"a1\n", "a5\n", "a9\n", "lx\n", "ly z\n"});
  }

  TEST_CASE("ids come while more input is awaited, and as JSON where asked for") {
    Cluster cluster;
    cluster.start_ventilator();
    ProcessOptions open;
    open.keep_input = true;
    Process submit = cluster.start({"submit", "--output", "json", "--", "echo", "{}"}, open);
    submit.write_input("first\n");
    REQUIRE(submit.prints("\n"));
    const auto first = nlohmann::json::parse(submit.out());
    CHECK(first.at("task") == 1);
    CHECK(first.at("result") == "taken");
    submit.write_input("second\n");
    submit.close_input();
    CHECK(submit.wait() == 0);
    CHECK(submit.err().empty());
    const std::string out = submit.out();
    CHECK(std::count(out.begin(), out.end(), '\n') == 2);
  }

  TEST_CASE("a command starts where it was submitted, with the variables it was given") {
    Cluster cluster;
    cluster.start_ventilator();
    cluster.start_worker({"-j", "1"});
    const TempFolder elsewhere;
    ProcessOptions options;
    options.cwd = elsewhere.path();
    REQUIRE(
        cluster
            .submit({"--env", "COLOUR=blue", "--", "pwd; echo $COLOUR {}", ":::", "sky"}, options)
            .code == 0);
    REQUIRE(cluster.wait_outcomes(1));
    CHECK(cluster.outcomes()[0].at("stdout") == elsewhere.path() + "\nblue sky\n");
  }
}

}  // namespace
}  // namespace sluice::e2e
