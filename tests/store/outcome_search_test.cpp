// outcome_search_test.cpp: outcomes are found in a file, slice by slice.
// SPDX-License-Identifier: MIT
#include "store/outcome_search.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "store/outcome_line.hpp"
#include "support/temp_folder.hpp"

using namespace sluice;
using namespace sluice::store;

namespace {

constexpr core::Log log_a{0xA}, log_b{0xB};

core::TaskKey key(std::uint64_t seq, const core::Log& log = log_a) {
  return {log, static_cast<core::Seq>(seq)};
}
std::string line(std::uint64_t seq, std::size_t result_bytes = 10) {
  const std::string result(result_bytes, 'r');
  OutcomeView view;
  view.id = {log_a, seq};
  view.type = "t";
  view.worker = "w";
  view.result = std::as_bytes(std::span(result.data(), result.size()));
  std::string out;
  append_outcome_line(out, view);
  return out;
}

struct Rig {
  explicit Rig(const std::string& content) : path(folder.file("out.jsonl")), search(path) {
    write_file(path, content);
    size = content.size();
  }
  // One slice; true if there is more to do.
  bool step(std::size_t bytes = 1 << 20) {
    search.step(
        bytes, size, [this](const StoredOutcome& o) { found.push_back(o.outcome.id.seq); },
        [this](const core::TaskKey& k) { missing.push_back(core::raw(k.seq)); });
    return search.busy();
  }
  TempFolder folder;
  std::string path;
  std::uint64_t size = 0;
  OutcomeSearch search;
  std::vector<std::uint64_t> found, missing;
};
using Seqs = std::vector<std::uint64_t>;

}  // namespace

TEST_SUITE_BEGIN("outcome_search");

TEST_CASE("one pass finds all that is there and names what is not") {
  Rig rig(line(1) + line(2) + line(3));
  CHECK_FALSE(rig.search.busy());
  rig.search.add(key(3));
  rig.search.add(key(1));
  rig.search.add(key(9));
  rig.search.add(key(2, log_b));
  CHECK(rig.search.busy());
  while (rig.step()) {
  }
  CHECK(rig.found == Seqs{1, 3});
  CHECK(rig.missing == Seqs{9, 2});
}

TEST_CASE("slices smaller than a line, and lines longer than a slice, change nothing") {
  for (const unsigned bytes : {1U, 7U, 64U, 1000U}) {
    Rig rig(line(1) + line(2, 5000) + line(3));
    for (const unsigned seq : {1U, 2U, 3U}) rig.search.add(key(seq));
    while (rig.step(bytes)) {
    }
    CHECK(rig.found == Seqs{1, 2, 3});
    CHECK(rig.missing.empty());
  }
}

TEST_CASE("a step ends with its slice") {
  std::string content;
  for (std::uint64_t seq = 1; seq <= 100; ++seq) content += line(seq, 1000);
  Rig rig(content);
  rig.search.add(key(100));
  int steps = 1;
  while (rig.step(4096)) ++steps;
  CHECK(steps >= 100 * 1000 / 4096);
  CHECK(rig.found == Seqs{100});
}

TEST_CASE("what is asked for meanwhile is found by the next pass") {
  Rig rig(line(1) + line(2) + line(3));
  rig.search.add(key(3));
  CHECK(rig.step(line(1).size() + 1));
  rig.search.add(key(1));
  while (rig.step()) {
  }
  CHECK(rig.found == Seqs{3, 1});
}

TEST_CASE("a file that was there at the start is found when no descriptor is left") {
  TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  write_file(path, line(1));
  OutcomeSearch search(path);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  search.add(key(1));
  Seqs found;
  while (search.busy())
    search.step(
        1000, line(1).size(), [&](const StoredOutcome& o) { found.push_back(o.outcome.id.seq); },
        [](const core::TaskKey&) {});
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(found == Seqs{1});
}

TEST_CASE("what is not committed yet is not looked at, later it is") {
  Rig rig(line(1) + line(2));
  const std::uint64_t whole = rig.size;
  rig.size = line(1).size();
  rig.search.add(key(2));
  while (rig.step()) {
  }
  CHECK(rig.missing == Seqs{2});
  rig.size = whole;
  rig.search.add(key(2));
  while (rig.step()) {
  }
  CHECK(rig.found == Seqs{2});
}

TEST_CASE("in a file that cannot be read there is nothing") {
  OutcomeSearch search("/nonexistent/out.jsonl");
  search.add(key(1));
  int missing = 0;
  search.step(
      100, 100, [](const StoredOutcome&) {}, [&](const core::TaskKey&) { ++missing; });
  CHECK(missing == 1);
  CHECK_FALSE(search.busy());
}

// What lies elsewhere is no line at all here: it must not even be looked at.
TEST_CASE("with an index only those parts are read where a task may stand") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  OutcomeIndex index;
  std::string content;
  for (std::uint64_t i = 0; i < 3; ++i) {
    index.note(log_a, i * 10 + 1);
    index.note(log_a, i * 10 + 9);
    index.add_group(content.size());
    if (i != 1) content += line(i * 10 + 1) + line(i * 10 + 9);
    content.resize((i + 1) * OutcomeIndex::kStretchBytes, '\n');
  }
  const std::string second = line(11) + line(19);
  content.replace(OutcomeIndex::kStretchBytes, second.size(), second);
  write_file(path, content);
  OutcomeSearch search(path);
  for (const std::uint64_t seq : {1U, 19U, 25U, 40U}) search.add(key(seq));
  Seqs found, missing;
  int steps = 0;
  for (; search.busy(); ++steps)
    search.step(
        1 << 20, content.size(), [&](const StoredOutcome& o) { found.push_back(o.outcome.id.seq); },
        [&](const core::TaskKey& k) { missing.push_back(core::raw(k.seq)); }, &index);
  CHECK(found == Seqs{1, 19});
  CHECK(missing == Seqs{25, 40});
  search.add(key(40));  // nowhere
  search.step(
      1, content.size(), [](const StoredOutcome&) {},
      [&](const core::TaskKey& k) { missing.push_back(core::raw(k.seq)); }, &index);
  CHECK(missing == Seqs{25, 40, 40});
  search.add(key(19));
  for (steps = 0; search.busy(); ++steps)
    search.step(
        1 << 20, content.size(), [&](const StoredOutcome& o) { found.push_back(o.outcome.id.seq); },
        [](const core::TaskKey&) {}, &index);
  CHECK(found == Seqs{1, 19, 19});
  CHECK(steps == 1);  // of a file of twelve slices
}

TEST_SUITE_END();
