// cluster.cpp: starting roles and reading what they left.
// SPDX-License-Identifier: MIT
#include "e2e/cluster.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

namespace sluice::e2e {
namespace {

Words program(const Words& words) {
  Words all{sluice_program()};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

Words verb(const std::string& name, const Words& options) {
  Words all{name};
  all.insert(all.end(), options.begin(), options.end());
  return all;
}

}  // namespace

ProcessOptions Cluster::with_access(ProcessOptions options) const {
  options.env.emplace_back("SLUICE_ACCESS", access_file());
  if (options.cwd.empty()) options.cwd = dir.path();
  return options;
}

Process Cluster::start(const Words& words, ProcessOptions options) const {
  return Process(program(words), with_access(std::move(options)));
}

Ran Cluster::sluice(const Words& words, const ProcessOptions& options,
                    std::chrono::milliseconds timeout) const {
  return run(program(words), with_access(options), timeout);
}

Ran Cluster::submit(const Words& words, const ProcessOptions& options) const {
  return sluice(verb("submit", words), options);
}

void Cluster::start_ventilator(const Words& options, const Words& before) {
  Words words = verb("ventilator", options);
  const auto named = [&](const char* option) {
    return std::find(words.begin(), words.end(), option) != words.end();
  };
  if (!named("--sink") && !named("--out")) {
    words.emplace_back("--out");
    words.push_back(dir.file("outcomes.jsonl"));
  }
  words = program(words);
  words.insert(words.begin(), before.begin(), before.end());
  ventilator = std::make_unique<Process>(words, with_access({}));
  const bool ready = ventilator->complains("start workers with");
  INFO("ventilator: ", ventilator->err());
  REQUIRE(ready);
  REQUIRE(dir.has("access.json"));
}

Process& Cluster::start_worker(const Words& options) {
  workers.push_back(std::make_unique<Process>(program(verb("worker", options)), with_access({})));
  Process& worker = *workers.back();
  const bool ready = worker.complains("connected to ");
  INFO("worker: ", worker.err());
  REQUIRE(ready);
  return worker;
}

nlohmann::json Cluster::status() const {
  const Ran ran = sluice({"status", "--output", "json"});
  INFO("status: ", ran.out, ran.err);
  REQUIRE(ran.code == 0);
  return nlohmann::json::parse(ran.out);
}

std::vector<nlohmann::json> Cluster::outcomes() const {
  std::vector<nlohmann::json> all;
  for (const std::string& line : dir.lines("outcomes.jsonl"))
    all.push_back(nlohmann::json::parse(line));
  return all;
}

bool Cluster::wait_outcomes(std::size_t count, std::chrono::milliseconds timeout) const {
  return eventually([&] { return dir.lines("outcomes.jsonl").size() >= count; }, timeout);
}

}  // namespace sluice::e2e
