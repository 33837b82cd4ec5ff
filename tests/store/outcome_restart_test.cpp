// outcome_restart_test.cpp: whatever becomes of file and checkpoint, what was confirmed is known.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include <sluice/error.hpp>

#include "core/collector.hpp"
#include "store/memory_disk.hpp"
#include "store/outcome_file.hpp"
#include "support/temp_folder.hpp"

using namespace sluice;
using namespace sluice::store;

namespace {

constexpr const char* kPath = "out.jsonl";
constexpr core::Log log_a{0xA}, log_b{0xB};
using Known = std::map<std::pair<core::Log, std::uint64_t>, core::Known>;

// A sink without sockets: its core, and its file on some disk.
class Sink {
 public:
  explicit Sink(Directory& disk, std::string path = kPath, bool sync = true)
      : path_(std::move(path)) {
    OutcomeFile::Options options;
    options.path = path_;
    options.sync = sync;
    options.directory = &disk;
    options.known = [this](const core::KnownSlice& slice) { core.restore(slice); };
    file = std::make_unique<OutcomeFile>(options, [this](const OutcomeFacts& facts) {
      ++read;
      core.restore(facts.id.log, static_cast<core::Seq>(facts.id.seq),
                   static_cast<core::Status>(facts.status));
    });
  }
  // One group; what it says is confirmed when this returns.
  void store(const core::Log& log, std::uint64_t first, std::uint64_t last, std::uint64_t step) {
    for (std::uint64_t seq = first; seq <= last; seq += step) add(log, seq);
    const auto commit = file->commit();
    REQUIRE(commit == OutcomeFile::Commit::stored);
    for (std::uint64_t seq = first; seq <= last; seq += step)
      core.restore(log, core::Seq{seq}, static_cast<core::Status>(status_of(seq)));
  }
  // A checkpoint; `meanwhile` is called as it is gathered.
  template <typename Meanwhile>
  void checkpoint(Meanwhile meanwhile) {
    file->begin_checkpoint();
    core::KnownCursor cursor;
    for (core::KnownSlice slice; core.known_slice(cursor, 1, slice);) {
      file->add_to_checkpoint(slice);
      meanwhile();
    }
    const std::string bytes = file->end_checkpoint()->bytes();
    if (!file->syncs()) REQUIRE(file->sync_now() == 0);
    const std::string trouble =
        install_checkpoint(file->directory(), checkpoint_path(path_), bytes);
    CHECK(trouble == "");
  }
  void checkpoint() {
    checkpoint([] {});
  }
  [[nodiscard]] Known known() const {
    Known out;
    core::KnownCursor cursor;
    for (core::KnownSlice slice; core.known_slice(cursor, 1'000'000, slice);)
      for (const core::KnownRun& run : slice.runs)
        for (std::uint64_t i = 0; i < run.count; ++i)
          out[{slice.log, run.first + i * run.step}] = run.state;
    return out;
  }
  static Status status_of(std::uint64_t seq) {
    return seq % 11 == 0 ? Status::failed : Status::done;
  }

  core::Collector core{{}, {7}, core::Epoch{1}};
  std::unique_ptr<OutcomeFile> file;
  std::uint64_t read = 0;  // lines

 private:
  void add(const core::Log& log, std::uint64_t seq) {
    OutcomeView view;
    view.id = {log, seq};
    view.status = status_of(seq);
    view.type = "resize";
    file->add(view);
  }
  const std::string path_;
};

// What a file's lines alone say; no checkpoint is looked at.
Known truth(MemoryDisk& disk) {
  MemoryDisk copy;
  {
    OutcomeFile::Options options;
    options.path = kPath;
    options.directory = &copy;
    OutcomeFile(options, [](const OutcomeFacts&) {});
    copy.content(kPath) = disk.content(kPath);
  }
  return Sink(copy).known();
}

// A sink's life: two logs, holes, two checkpoints, outcomes while they are gathered.
// `confirmed` is what producers have been told.
void live(MemoryDisk& disk, std::set<std::pair<core::Log, std::uint64_t>>& confirmed) {
  Sink sink(disk);
  const auto store = [&](const core::Log& log, std::uint64_t first, std::uint64_t last,
                         std::uint64_t step) {
    sink.store(log, first, last, step);
    for (std::uint64_t seq = first; seq <= last; seq += step) confirmed.insert({log, seq});
  };
  store(log_a, 1, 600, 1);
  store(log_b, 2, 1200, 2);
  std::uint64_t next = 700;
  sink.checkpoint([&] {
    if (next > 1600) return;
    store(log_a, next, next + 1, 1);
    store(log_b, 2 * next - 199, 2 * next - 199, 1);  // what was passed by already
    next += 300;
  });
  store(log_a, 640, 660, 4);
  sink.checkpoint();
  store(log_a, 5000, 5010, 1);
}

}  // namespace

TEST_SUITE_BEGIN("outcome_restart");

TEST_CASE("behind a checkpoint only the tail is read, and the same is known") {
  MemoryDisk disk;
  std::set<std::pair<core::Log, std::uint64_t>> confirmed;
  live(disk, confirmed);
  Sink again(disk);
  CHECK(again.file->checkpoint_refused() == "");
  CHECK(again.read == 11);
  CHECK(again.file->lines_read() == confirmed.size());
  CHECK(again.file->lines_skipped() == confirmed.size() - 11);
  CHECK(again.known() == truth(disk));
  CHECK(again.known().size() == confirmed.size());
  again.store(log_a, 6000, 6000, 1);
  again.checkpoint();
  CHECK(Sink(disk).read == 0);
}

// Death of the process, and power cuts with three kinds of luck, at each single operation.
TEST_CASE("at every moment of a sink's life a restart knows just what the file holds") {
  std::set<std::pair<core::Log, std::uint64_t>> confirmed;
  MemoryDisk whole;
  live(whole, confirmed);
  const std::uint64_t operations = whole.operations;
  CHECK(operations > 30);
  for (std::uint64_t at = 0; at < operations; ++at) {
    for (int luck = -1; luck <= 2; ++luck) {
      CAPTURE(at);
      CAPTURE(luck);
      MemoryDisk disk;
      disk.die_at = at;
      confirmed.clear();
      CHECK_THROWS_AS(live(disk, confirmed), Died);
      disk.die_at = ~0ULL;
      if (luck == 1 && confirmed.empty()) continue;  // nothing but zeros: whose is it?
      if (luck >= 0) disk.cut_power(luck);
      Sink again(disk);
      const Known known = again.known();
      CHECK((again.file->checkpoint_refused().empty() || luck == 1));
      CHECK((known == truth(disk)));
      bool all = true;
      for (const auto& one : confirmed) all = all && known.count(one) > 0;
      CHECK(all);
      again.store(log_b, 9000, 9001, 1);  // and it goes on
      again.checkpoint();
      CHECK(Sink(disk).known().size() == known.size() + 2);
    }
  }
}

TEST_CASE("a checkpoint is believed only if file and checkpoint belong together") {
  MemoryDisk disk;
  std::set<std::pair<core::Log, std::uint64_t>> confirmed;
  live(disk, confirmed);
  const std::string path = checkpoint_path(kPath);
  const auto refused = [&disk] {
    const Sink sink(disk);
    CHECK(sink.known() == truth(disk));
    CHECK(sink.file->lines_skipped() == 0);
    return sink.file->checkpoint_refused();
  };
  std::string& lines = disk.content(kPath);
  const std::string all = lines;
  SUBCASE("the file was cut at a line's end, behind the checkpoint's start") {
    lines.resize(lines.rfind('\n', lines.size() - 2) + 1);
    CHECK(Sink(disk).file->checkpoint_refused() == "");  // that one line was behind it
    lines.resize(all.size() / 2);
    lines.resize(lines.rfind('\n') + 1);
    CHECK(refused() == path + " speaks of more than there is in the file");
  }
  SUBCASE("the file is a copy") {
    disk.copy_in_place(kPath);
    CHECK(refused() == path + " belongs to another file, or to a copy of it");
  }
  SUBCASE("a line was taken out, others were put behind") {
    lines = all.substr(all.find('\n') + 1) + all.substr(0, all.find('\n') + 1);
    CHECK(refused() == path + " does not fit the file, which was changed");
  }
  SUBCASE("its first line was changed in place") {
    lines.replace(lines.find("resize"), 6, "RESIZE");
    CHECK(refused() == path + " does not fit the file, which was changed");
  }
  SUBCASE("the file is a new one") {
    lines.clear();
    CHECK(refused() == path + " speaks of more than there is in the file");
  }
  SUBCASE("the checkpoint is damaged") {
    disk.content(path)[disk.content(path).size() / 2] ^= 1;
    CHECK(refused() == path + " is damaged");
  }
  SUBCASE("the checkpoint is of a newer version") {
    disk.content(path)[8] = 9;
    CHECK(refused() == path + " has version 9");
  }
  SUBCASE("the checkpoint is empty") {
    disk.content(path).clear();
    CHECK(refused() == path + " is no checkpoint of sluice");
  }
}

TEST_CASE("an old checkpoint is believed for what it tells, the rest is read") {
  MemoryDisk disk;
  const std::string path = checkpoint_path(kPath);
  std::string old;
  {
    Sink sink(disk);
    sink.store(log_a, 1, 100, 1);
    sink.checkpoint();
    old = disk.content(path);
    sink.store(log_a, 101, 200, 1);
    sink.checkpoint();
  }
  disk.content(path) = old;
  const Sink sink(disk);
  CHECK(sink.read == 100);
  CHECK(sink.known().size() == 200);
}

TEST_CASE("a torn line behind a checkpoint is cut off as ever, and damage there is told") {
  MemoryDisk disk;
  {
    Sink sink(disk);
    sink.store(log_a, 1, 100, 1);
    sink.checkpoint();
    sink.store(log_a, 101, 102, 1);
  }
  std::string& lines = disk.content(kPath);
  const std::string all = lines;
  for (std::size_t end = all.size() - 1; all[end - 1] != '\n'; --end) {
    lines = all.substr(0, end);
    const Sink sink(disk);
    CHECK(sink.known().size() == 101);
    CHECK(lines.back() == '\n');
  }
  lines = all;
  lines[all.size() - 20] = '\0';
  CHECK_THROWS_WITH_AS(Sink{disk}, doctest::Contains("line 102 of"), Error);
}

TEST_CASE("on a real disk a checkpoint is used after a restart, and not for a copy of its file") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  for (const bool sync : {true, false}) {
    Sink sink(Directory::real(), path, sync);
    const std::uint64_t before = sink.known().size();
    sink.store(log_a, before + 1, before + 1000, 1);
    sink.checkpoint();
  }
  {
    const Sink again(Directory::real(), path);
    CHECK(again.file->checkpoint_refused() == "");
    CHECK(again.read == 0);
    CHECK(again.known().size() == 2000);
  }
  const std::string copy = folder.file("copy.jsonl");
  write_file(copy, read_file(path));
  write_file(checkpoint_path(copy), read_file(checkpoint_path(path)));
  const Sink other(Directory::real(), copy);
  CHECK(other.file->checkpoint_refused().find("belongs to another file") != std::string::npos);
  CHECK(other.read == 2000);
}

TEST_SUITE_END();
